//! `gantry backup`, `gantry backup verify` and `gantry restore`, as an operator runs them.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{admin, session_with_level};
use crate::support::{
    client::Client,
    gantry::Gantry,
    process::Finished,
    scripted::{Answer, Scripted},
};

const PASSPHRASE: &str = "correct horse battery";
const SECRET: &str = "hunter2-of-a-server";

/// A gateway with something to keep, and a passphrase beside it.
struct Site {
    gantry: Gantry,
    folder: tempfile::TempDir,
}

impl Site {
    async fn new() -> Self {
        let upstream =
            Scripted::legacy("2025-11-25").tool("good", json!({}), |_| Answer::text("fine"));
        let upstream = upstream.start().await;
        let config = json!({ "servers": { "up": upstream.server() } });
        let gantry = Gantry::start(&config.to_string()).await;
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let site = Self { gantry, folder };
        std::fs::write(site.path("passphrase"), format!("{PASSPHRASE}\n"))
            .expect("one's own folder");
        std::fs::write(site.path("wrong"), "incorrect horse battery").expect("one's own folder");
        let headers = json!({ "authorization": format!("Bearer {SECRET}") });
        let entry = json!({
            "id": "made", "url": "http://127.0.0.1:9/mcp", "enabled": false, "headers": headers,
        });
        let made = admin(&site.gantry, "/api/servers").post(entry.to_string(), &[]).await;
        assert_eq!(made.status, 201, "{made:?}");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command about a file of the folder, with a passphrase.
    async fn run(&self, words: &[&str], file: &str, more: &[&str]) -> Finished {
        let (path, passphrase) = (self.path(file), self.path("passphrase"));
        let with = ["--passphrase-file", text(&passphrase)];
        let with = if more.contains(&"--passphrase-file") || more.contains(&"--unencrypted") {
            &[][..]
        } else {
            &with[..]
        };
        self.gantry.run(&[words, &[text(&path)], with, more].concat()).await
    }

    async fn backup(&self, file: &str, more: &[&str]) -> Finished {
        self.run(&["backup"], file, more).await
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the temporary folder has a plain name")
}

#[track_caller]
fn refused(finished: &Finished, code: &str) {
    assert_eq!(finished.status.code(), Some(1), "{finished}");
    assert!(finished.stderr.contains(code), "{code}: {finished}");
    assert!(!finished.to_string().contains("horse"), "{finished}");
}

#[tokio::test]
async fn a_running_gateway_is_saved_and_comes_back_on_an_empty_machine() {
    let site = Site::new().await;
    let client = session_with_level(&site.gantry).await;
    let gantry = site.gantry.restart().await;
    let site = Site { gantry, ..site };
    let made = site.backup("all.backup", &["--with-keys"]).await;
    assert!(made.status.success() && made.stdout.contains("4 files, encrypted"), "{made}");
    let bytes = std::fs::read(site.path("all.backup")).expect("it is there");
    assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    let seen = site.run(&["backup", "verify"], "all.backup", &[]).await;
    assert!(seen.status.success() && seen.stdout.contains("is whole"), "{seen}");

    let (backup, passphrase) = (site.path("all.backup"), site.path("passphrase"));
    let gantry = site
        .gantry
        .restart_after(async |gantry| {
            std::fs::remove_dir_all(gantry.data()).expect("it is one's own");
            std::fs::remove_file(gantry.config()).expect("it is one's own");
            let words = ["restore", text(&backup), "--passphrase-file", text(&passphrase)];
            let restored = gantry.run(&words).await;
            assert!(restored.status.success(), "{restored}");
            assert!(restored.stdout.contains("gantry.yaml"), "{restored}");
        })
        .await;
    let list = gantry.run(&["servers", "list"]).await;
    assert!(list.stdout.contains("made") && list.stdout.contains("up"), "{list}");
    // The keys are those of before, so its session goes on.
    let again = Client::new(&gantry.url("/mcp"), "2025-11-25", json!({}));
    let again = again.with_session(client.session());
    let ping = again.request("ping", json!({})).await;
    assert!(ping.result().is_object(), "{ping:?}");
}

#[tokio::test]
async fn every_refusal_has_its_code_and_changes_nothing() {
    let site = Site::new().await;
    let made = site.backup("a.backup", &[]).await;
    assert!(made.status.success() && made.stdout.contains("1 file, encrypted"), "{made}");
    refused(&site.backup("a.backup", &[]).await, "E0509");
    assert!(site.backup("a.backup", &["--force"]).await.status.success());
    refused(&site.backup("no/such/folder.backup", &[]).await, "E0510");

    let wrong = site.path("wrong");
    let wrong = ["--passphrase-file", text(&wrong)];
    refused(&site.run(&["backup", "verify"], "a.backup", &wrong).await, "E0507");
    let absent = site.path("absent");
    let absent = ["--passphrase-file", text(&absent)];
    refused(&site.run(&["backup", "verify"], "a.backup", &absent).await, "E0507");
    // Standard input is empty here.
    let none = ["--passphrase-file", "-"];
    refused(&site.run(&["backup", "verify"], "a.backup", &none).await, "E0507");
    refused(&site.run(&["backup", "verify"], "passphrase", &[]).await, "E0506");

    // A gateway runs on the folder.
    refused(&site.run(&["restore"], "a.backup", &[]).await, "E0110");
    let plain = site.backup("plain.backup", &["--unencrypted"]).await;
    assert!(plain.stdout.contains("not encrypted"), "{plain}");
    let both = site.backup("b.backup", &["--unencrypted", "--with-keys"]).await;
    assert_eq!(both.status.code(), Some(2), "{both}");
    let unclear = site.backup("c.backup", &["--keep", "3"]).await;
    assert_eq!(unclear.status.code(), Some(2), "{unclear}");

    let Site { gantry, folder } = site;
    let backup = folder.path().join("plain.backup");
    let _gantry = gantry
        .restart_after(async |gantry| {
            refused(&gantry.run(&["restore", text(&backup)]).await, "E0509");
            let forced = gantry.run(&["restore", "--force", text(&backup)]).await;
            assert!(forced.status.success(), "{forced}");
        })
        .await;
}

#[tokio::test]
async fn a_folder_of_backups_keeps_the_newest() {
    let site = Site::new().await;
    let shelf = site.path("shelf");
    std::fs::create_dir(&shelf).expect("one's own folder");
    for name in ["gantry-20250101T000000Z.backup", "gantry-20250102T000000Z.backup", "notes"] {
        std::fs::write(shelf.join(name), "").expect("one's own folder");
    }
    let made = site.backup("shelf", &["--keep", "2", "--unencrypted"]).await;
    assert!(made.status.success() && made.stdout.contains("Removed"), "{made}");
    let mut names: Vec<_> = std::fs::read_dir(&shelf)
        .expect("it is there")
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("plain"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(!names.contains(&"gantry-20250101T000000Z.backup".to_owned()), "{names:?}");
    assert!(names.contains(&"notes".to_owned()), "{names:?}");
}
