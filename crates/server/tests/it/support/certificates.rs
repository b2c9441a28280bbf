//! Certificates of an authority of the test's own, in the forms in which they come; and the
//! programs of other makers that look at what the gateway does with them.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tokio::process::Command;

use super::LIMIT;

/// An authority.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// When a certificate is good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Now,
    Past,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Authority of a test");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    /// Writes `ca.pem`, `chain.pem` and `key.pem` (PKCS#8, elliptic) for `localhost`.
    pub(crate) fn write_pair(&self, folder: &Path, validity: Validity) {
        let key = KeyPair::generate().unwrap();
        let certificate = self.certificate(&key, validity);
        std::fs::write(folder.join("ca.pem"), self.issuer.pem()).unwrap();
        std::fs::write(folder.join("chain.pem"), certificate).unwrap();
        write_private(&folder.join("key.pem"), &key.serialize_pem());
    }

    /// Makes a pair as PEM texts.
    pub(crate) fn pair(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (self.certificate(&key, Validity::Now), key.serialize_pem())
    }

    fn certificate(&self, key: &KeyPair, validity: Validity) -> String {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        if validity == Validity::Past {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 2, 3);
        }
        params.signed_by(key, &self.issuer).unwrap().pem()
    }
}

pub(crate) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Runs `openssl` in a folder, and shows what went wrong if it fails.
pub(crate) async fn openssl(folder: &Path, arguments: &[&str]) {
    let output = program("openssl", folder, arguments).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
}

/// Shakes hands as `openssl s_client` does; returns whether they agreed, and what it said.
pub(crate) async fn s_client(folder: &Path, port: u16, arguments: &[&str]) -> (bool, String) {
    let target = format!("127.0.0.1:{port}");
    let fixed = ["s_client", "-connect", &target, "-CAfile", "ca.pem", "-servername", "localhost"];
    let output = program("openssl", folder, &[&fixed[..], arguments].concat()).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success() && said.contains("Verify return code: 0 (ok)"), said)
}

/// Fetches with `curl`, which trusts `ca.pem` of the folder alone; returns the body and, on a line
/// of its own, the status and the version of HTTP.
pub(crate) async fn curl(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let fixed = ["--silent", "--show-error", "--cacert", "ca.pem", "--write-out"];
    let seen = ["\n%{http_code} HTTP/%{http_version}"];
    let output = program("curl", folder, &[&fixed[..], &seen[..], arguments].concat()).await;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

async fn program(name: &str, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(name);
    command.current_dir(folder).args(arguments).stdin(std::process::Stdio::null());
    let running = command.kill_on_drop(true).output();
    let output = tokio::time::timeout(LIMIT, running).await;
    output.unwrap_or_else(|_| panic!("{name} {arguments:?} hangs")).unwrap_or_else(|error| {
        panic!("{name} does not run: {error}\nhint: `cargo xtask setup` installs what tests need")
    })
}

/// Asks until the answer is as it should be.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, asking).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// A folder with an authority and a pair by it.
pub(crate) fn folder_with_pair() -> (tempfile::TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.write_pair(folder.path(), Validity::Now);
    (folder, authority)
}

/// The configuration of a listener with TLS on a free port, for the pair of a folder.
pub(crate) fn https(folder: &Path, more: &str) -> String {
    let path = |name: &str| -> PathBuf { folder.join(name) };
    format!(
        "https: {{ listen: '127.0.0.1:0', certificate: {}, key: {}{more} }}",
        path("chain.pem").display(),
        path("key.pem").display(),
    )
}
