//! What `gantry check` and `gantry doctor` say of a certificate, made here for so many days.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::Desk;

const DAY: Duration = Duration::from_hours(24);
const CONFIG: &str = "server: { listen: '127.0.0.1:0', https: { listen: '127.0.0.1:0', \
                      certificate: chain.pem, key: key.pem } }\n";

/// A folder with a certificate that is good for some days more, and a bit.
fn desk(days: u32) -> Desk {
    let desk = Desk::with(CONFIG);
    let key = KeyPair::generate().expect("a key can be made");
    let mut params =
        CertificateParams::new(vec!["localhost".to_owned()]).expect("a name that can be signed");
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("it is later than 1970");
    params.not_after = date_time_ymd(1970, 1, 1) + now + days * DAY + DAY / 2;
    let certificate = params.self_signed(&key).expect("it can be signed").pem();
    let write = |name: &str, text: String| {
        let path = desk.folder.path().join(name);
        std::fs::write(&path, text).expect("a file can be written in one's own folder");
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("a file of one's own");
    };
    write("chain.pem", certificate);
    write("key.pem", key.serialize_pem());
    desk
}

#[tokio::test]
async fn a_certificate_that_expires_soon_is_told_and_what_to_do() {
    for (days, said) in [(29, "in 29 days"), (1, "in 1 day"), (0, "in 0 days")] {
        let desk = desk(days);
        let said = format!("the certificate of `server.https.certificate` expires {said}");
        let checked = desk.run(&["check"]).await;
        for expected in ["exit code 0\n", &*said, "renew it"] {
            assert!(checked.contains(expected), "{expected}: {checked}");
        }
        let asked = desk.run(&["doctor"]).await;
        let line = asked.lines().find(|line| line.contains(&said));
        assert!(line.is_some_and(|line| line.starts_with("warning")), "{asked}");
        assert!(asked.contains("renew it"), "{asked}");
    }
}

#[tokio::test]
async fn nothing_is_said_of_one_that_is_good_for_long() {
    let desk = desk(31);
    for command in ["check", "doctor"] {
        let seen = desk.run(&[command]).await;
        assert!(!seen.contains("expires in"), "{command}: {seen}");
    }
}
