//! The forms in which a certificate and its key come, and what is said of those that are of no use.

use gantry_server::StartError;
use gantry_server::config::{Config, Env, Source};

use super::*;

async fn agrees(folder: &Path, site: &Site) {
    let (agreed, said) = s_client(folder, port(site), &[]).await;
    assert!(agreed, "{said}");
}

#[tokio::test]
async fn keys_are_read_in_every_form_of_pem() {
    let (folder, _) = folder_with_pair();
    agrees(folder.path(), &secure(folder.path(), "").await).await;
    // SEC1, as `openssl ecparam` writes it.
    openssl(folder.path(), &["ec", "-in", "key.pem", "-out", "sec1.pem"]).await;
    std::fs::rename(folder.path().join("sec1.pem"), folder.path().join("key.pem")).unwrap();
    let text = std::fs::read_to_string(folder.path().join("key.pem")).unwrap();
    assert!(text.contains("BEGIN EC PRIVATE KEY"), "{text}");
    agrees(folder.path(), &secure(folder.path(), "").await).await;
    // PKCS#1, of old RSA keys.
    let rsa = tempfile::tempdir().unwrap();
    rsa_pair(rsa.path()).await;
    let old = ["rsa", "-traditional", "-in", "key.pem", "-out", "pkcs1.pem"];
    openssl(rsa.path(), &old).await;
    std::fs::rename(rsa.path().join("pkcs1.pem"), rsa.path().join("key.pem")).unwrap();
    let text = std::fs::read_to_string(rsa.path().join("key.pem")).unwrap();
    assert!(text.contains("BEGIN RSA PRIVATE KEY"), "{text}");
    agrees(rsa.path(), &secure(rsa.path(), "").await).await;
}

/// Writes `store.p12` with the name `globalmcp`, in the old encryption or the new one.
async fn keystore(folder: &Path, more: &[&str]) {
    let fixed = [
        "pkcs12",
        "-export",
        "-in",
        "chain.pem",
        "-inkey",
        "key.pem",
        "-certfile",
        "ca.pem",
        "-name",
        "globalmcp",
        "-out",
        "store.p12",
        "-passout",
        "pass:changeit",
    ];
    openssl(folder, &[&fixed[..], more].concat()).await;
}

fn with_keystore(folder: &Path, more: &str) -> String {
    let store = folder.join("store.p12");
    format!("server: {{ https: {{ listen: '127.0.0.1:0', keystore: {}{more} }} }}", store.display())
}

#[tokio::test]
async fn keystores_are_read_in_the_old_encryption_and_the_new() {
    let (folder, _) = folder_with_pair();
    let password = ", keystore_password: changeit, keystore_alias: GlobalMCP";
    for encryption in [
        &[][..],
        &["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
        &["-legacy"],
    ] {
        keystore(folder.path(), encryption).await;
        let site = Site::start(&with_keystore(folder.path(), password)).await;
        agrees(folder.path(), &site).await;
        // The issuer is sent along, so that a client with an older authority finds the way.
        let (_, said) = s_client(folder.path(), port(&site), &["-showcerts"]).await;
        assert!(said.contains("Authority of a test"), "{encryption:?}: {said}");
    }
}

#[tokio::test]
async fn a_renewed_keystore_is_taken_up() {
    let (folder, authority) = folder_with_pair();
    keystore(folder.path(), &[]).await;
    let yaml = with_keystore(folder.path(), ", keystore_password: changeit");
    let site = Site::start(&yaml).await;
    let first = shown(folder.path(), &site).await;
    authority.write_pair(folder.path(), Validity::Now);
    keystore(folder.path(), &[]).await;
    let second = std::fs::read_to_string(folder.path().join("chain.pem")).unwrap();
    assert_ne!(first, body_of(&second));
    until("the new certificate is shown", async || {
        (shown(folder.path(), &site).await == body_of(&second)).then_some(())
    })
    .await;
}

#[track_caller]
fn told(error: &StartError, code: ErrorCode, words: &[&str]) {
    let text = gantry_core::chain(error);
    assert_eq!(error.code(), code, "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in {text}");
    }
    assert!(!text.contains("changeit") && !text.contains("hunter2"), "a secret is shown: {text}");
}

#[tokio::test]
async fn files_that_are_of_no_use_are_told_with_their_key() {
    let (folder, authority) = folder_with_pair();
    let at = |name: &str| folder.path().join(name);
    let yaml = format!("server: {{ {} }}", https(folder.path(), ""));
    let refusal = async || Site::try_start(&yaml).await.unwrap_err();
    let (certificate, key) = authority.pair();
    let unusable = ErrorCode::TlsFileUnusable;

    write_private(&at("key.pem"), &key);
    let mismatch = ErrorCode::TlsKeyMismatch;
    told(&refusal().await, mismatch, &["`server.https.key`", "chain.pem"]);
    std::fs::write(at("chain.pem"), &certificate).unwrap();
    assert!(Site::try_start(&yaml).await.is_ok());

    let encrypted =
        ["ec", "-in", "key.pem", "-aes256", "-passout", "pass:hunter2", "-out", "e.pem"];
    openssl(folder.path(), &encrypted).await;
    std::fs::rename(at("e.pem"), at("key.pem")).unwrap();
    told(&refusal().await, unusable, &["`server.https.key`", "key.pem", "encrypted"]);
    write_private(&at("key.pem"), "hunter2");
    told(&refusal().await, unusable, &["`server.https.key`", "no private key"]);
    std::fs::remove_file(at("key.pem")).unwrap();
    told(&refusal().await, unusable, &["`server.https.key`", "key.pem", "cannot be read"]);
    std::fs::write(at("chain.pem"), &key).unwrap();
    told(&refusal().await, unusable, &["`server.https.certificate`", "no certificate"]);
    let broken = certificate.replace("MII", "!!!");
    std::fs::write(at("chain.pem"), broken).unwrap();
    told(&refusal().await, unusable, &["`server.https.certificate`", "chain.pem"]);
    let long = "x".repeat((1 << 20) + 1);
    std::fs::write(at("chain.pem"), long).unwrap();
    told(&refusal().await, unusable, &["`server.https.certificate`", "larger than"]);
}

#[tokio::test]
async fn keystores_that_are_of_no_use_are_told_with_their_key() {
    let (folder, _) = folder_with_pair();
    keystore(folder.path(), &[]).await;
    let refusal =
        async |more: &str| Site::try_start(&with_keystore(folder.path(), more)).await.unwrap_err();
    let unusable = ErrorCode::TlsFileUnusable;
    let wrong = refusal(", keystore_password: hunter2").await;
    told(&wrong, unusable, &["`server.https.keystore_password`", "store.p12"]);
    told(&refusal("").await, unusable, &["`server.https.keystore_password`"]);
    let other = refusal(", keystore_password: changeit, keystore_alias: nobody").await;
    told(&other, unusable, &["`server.https.keystore_alias`", "`globalmcp`"]);
    std::fs::write(folder.path().join("store.p12"), b"\x30\x82rubbish").unwrap();
    let rubbish = refusal(", keystore_password: changeit").await;
    told(&rubbish, unusable, &["`server.https.keystore`", "PKCS#12"]);
}

#[tokio::test]
async fn a_check_reads_the_certificate_as_the_start_does() {
    use std::os::unix::fs::PermissionsExt as _;

    let (folder, authority) = folder_with_pair();
    let at = |name: &str| folder.path().join(name);
    let file = at("gantry.yaml");
    let yaml = "server:\n  https:\n    certificate: chain.pem\n    key: key.pem\n";
    std::fs::write(&file, yaml).unwrap();
    let source = Source { path: Some(file), ..Source::default() };
    let warnings = || {
        let checked = Config::check(&source, &Env::default()).unwrap();
        checked.warnings.iter().map(|warning| warning.code.code()).collect::<Vec<_>>()
    };
    assert_eq!(warnings(), [""; 0]);
    std::fs::set_permissions(at("key.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(warnings(), ["E0117"]);
    authority.write_pair(folder.path(), Validity::Past);
    assert_eq!(warnings(), ["E0116"]);
    std::fs::remove_file(at("key.pem")).unwrap();
    let errors = Config::check(&source, &Env::default()).unwrap_err();
    assert_eq!(errors.codes(), [ErrorCode::TlsFileUnusable]);
    assert!(errors.to_string().contains("gantry.yaml:4:"), "{errors}");
}
