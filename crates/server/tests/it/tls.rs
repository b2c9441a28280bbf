//! TLS, looked at with the programs of other makers: which versions and suites are spoken, which
//! files are understood, how a certificate is renewed, and what a stranger may send.

use std::path::Path;
use std::time::Duration;

use gantry_core::ErrorCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::certificates::{
    Authority, Validity, curl, folder_with_pair, https, openssl, s_client, until, write_private,
};
use crate::support::client::Request;
use crate::support::{LIMIT, Site};

mod crowd;
mod files;
mod http2;

fn port(site: &Site) -> u16 {
    site.running.https_address().unwrap().port()
}

async fn secure(folder: &Path, more: &str) -> Site {
    Site::start(&format!("server: {{ {} }}", https(folder, more))).await
}

/// The certificate that is shown.
async fn shown(folder: &Path, site: &Site) -> String {
    let (_, said) = s_client(folder, port(site), &["-showcerts"]).await;
    let begun = said.split_once("-----BEGIN CERTIFICATE-----").unwrap_or_default().1;
    let (certificate, _) = begun.split_once("-----END").unwrap_or_default();
    certificate.replace(char::is_whitespace, "")
}

fn body_of(pem: &str) -> String {
    let begun = pem.split_once("-----BEGIN CERTIFICATE-----").unwrap().1;
    begun.split_once("-----END").unwrap().0.replace(char::is_whitespace, "")
}

#[tokio::test]
async fn versions_below_the_configured_one_are_refused() {
    let (folder, _) = folder_with_pair();
    let site = secure(folder.path(), "").await;
    for version in ["-tls1_2", "-tls1_3"] {
        let (agreed, said) = s_client(folder.path(), port(&site), &[version]).await;
        assert!(agreed, "{version}: {said}");
    }
    // Its own default refuses these two as well, so it has to be told to try.
    for version in ["-tls1", "-tls1_1"] {
        let offered = [version, "-cipher", "ALL:@SECLEVEL=0"];
        let (agreed, said) = s_client(folder.path(), port(&site), &offered).await;
        assert!(!agreed && said.contains("SSL alert number"), "{version}: {said}");
    }
    let strict = secure(folder.path(), ", min_version: 1.3").await;
    assert!(!s_client(folder.path(), port(&strict), &["-tls1_2"]).await.0);
    assert!(s_client(folder.path(), port(&strict), &["-tls1_3"]).await.0);
}

#[tokio::test]
async fn only_suites_with_forward_secrecy_are_spoken() {
    let (folder, _) = folder_with_pair();
    let elliptic = secure(folder.path(), "").await;
    let other = tempfile::tempdir().unwrap();
    rsa_pair(other.path()).await;
    let rsa = secure(other.path(), "").await;
    let strong = ["AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305"];
    for (site, folder, kind) in [(&elliptic, folder.path(), "ECDSA"), (&rsa, other.path(), "RSA")] {
        for suite in strong {
            let suite = format!("ECDHE-{kind}-{suite}");
            let (agreed, said) =
                s_client(folder, port(site), &["-tls1_2", "-cipher", &suite]).await;
            assert!(agreed && said.contains(&suite), "{suite}: {said}");
        }
        for suite in [
            &format!("ECDHE-{kind}-AES256-SHA384"),
            &format!("ECDHE-{kind}-AES128-SHA"),
            "AES256-GCM-SHA384",
            "AES128-SHA",
            "DHE-RSA-AES256-GCM-SHA384",
        ] {
            let weak = format!("{suite}:@SECLEVEL=0");
            let (agreed, said) = s_client(folder, port(site), &["-tls1_2", "-cipher", &weak]).await;
            assert!(!agreed && said.contains("handshake failure"), "{suite}: {said}");
        }
    }
    for suite in
        ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"]
    {
        let offered = ["-tls1_3", "-ciphersuites", suite];
        let (agreed, said) = s_client(folder.path(), port(&elliptic), &offered).await;
        assert!(agreed && said.contains(suite), "{suite}: {said}");
    }
    let ccm = ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"];
    assert!(!s_client(folder.path(), port(&elliptic), &ccm).await.0);
}

/// Writes a pair that is its own authority.
pub(crate) async fn rsa_pair(folder: &Path) {
    openssl(
        folder,
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            "key.pem",
            "-out",
            "chain.pem",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ],
    )
    .await;
    std::fs::copy(folder.join("chain.pem"), folder.join("ca.pem")).unwrap();
}

#[tokio::test]
async fn the_plain_listener_sends_everybody_to_tls_if_it_is_told_to() {
    let (folder, _) = folder_with_pair();
    let site = secure(folder.path(), ", redirect: true").await;
    let base = format!("https://localhost:{}", port(&site));
    let page = Request::get("/ready?a=1&b").send(site.address()).await;
    assert_eq!(page.status, 301);
    assert_eq!(page.header("location"), Some(&*format!("{base}/ready?a=1&b")));
    let call = Request::modern("/mcp", "tools/list", json!({})).send(site.address()).await;
    assert_eq!(call.status, 308, "a call stays one");
    assert_eq!(call.header("location"), Some(&*format!("{base}/mcp")));
    assert_eq!(call.header("strict-transport-security"), None, "RFC 6797 wants it over TLS alone");
    let foreign = Request::get("/").without("host").header("host", "evil.example");
    assert_eq!(foreign.send(site.address()).await.status, 403, "nobody is sent to a stranger");
    // curl follows, and carries the body along.
    let plain = format!("http://localhost:{}/health", site.address().port());
    let followed = curl(folder.path(), &["--location", &plain]).await.unwrap();
    assert!(followed.ends_with("200 HTTP/2"), "{followed}");
}

#[tokio::test]
async fn browsers_are_told_to_stay_with_tls() {
    let (folder, _) = folder_with_pair();
    let site = secure(folder.path(), "").await;
    let url = format!("https://localhost:{}/nothing", port(&site));
    let look = async || curl(folder.path(), &["--include", "--http1.1", &url]).await.unwrap();
    let seen = look().await;
    assert!(seen.contains("strict-transport-security: max-age=31536000\r\n"), "{seen}");
    assert_eq!(Request::get("/nothing").send(site.address()).await.status, 404, "no redirect");
    site.write_config(&format!("server: {{ {} }}", https(folder.path(), ", hsts: 730d")));
    assert!(site.running.reload().await);
    let seen = look().await;
    assert!(seen.contains("strict-transport-security: max-age=63072000\r\n"), "{seen}");
}

#[tokio::test]
async fn a_renewed_pair_is_taken_up_and_a_broken_one_is_not() {
    let (folder, authority) = folder_with_pair();
    let site = secure(folder.path(), "").await;
    let first = std::fs::read_to_string(folder.path().join("chain.pem")).unwrap();
    assert_eq!(shown(folder.path(), &site).await, body_of(&first));
    // Half of a new pair is no pair: the one before goes on.
    let (certificate, key) = authority.pair();
    std::fs::write(folder.path().join("chain.pem"), &certificate).unwrap();
    assert!(!site.running.reload().await);
    assert_eq!(shown(folder.path(), &site).await, body_of(&first));
    let refused = site.get("/ready").await.json();
    assert!(refused["config_refused"].as_str().unwrap().contains("server.https.key"), "{refused}");
    // The other half, and nobody has to say so.
    write_private(&folder.path().join("key.pem"), &key);
    until("the new certificate is shown", async || {
        (shown(folder.path(), &site).await == body_of(&certificate)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_link_that_is_swapped_above_the_files_renews_them() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for version in ["..one", "..two"] {
        std::fs::create_dir(at(version)).unwrap();
        authority.write_pair(&at(version), Validity::Now);
    }
    // As Kubernetes mounts a Secret: files are links through a link to a folder of the version.
    std::os::unix::fs::symlink("..one", at("..data")).unwrap();
    for name in ["ca.pem", "chain.pem", "key.pem"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), at(name)).unwrap();
    }
    let site = secure(folder.path(), "").await;
    let second = std::fs::read_to_string(at("..two/chain.pem")).unwrap();
    assert_ne!(shown(folder.path(), &site).await, body_of(&second));
    std::os::unix::fs::symlink("..two", at("..new")).unwrap();
    std::fs::rename(at("..new"), at("..data")).unwrap();
    until("the other version is shown", async || {
        (shown(folder.path(), &site).await == body_of(&second)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_no_handshake_harms_nobody() {
    let (folder, _) = folder_with_pair();
    let site = secure(folder.path(), "").await;
    let address = site.running.https_address().unwrap();
    let plain = Request::get("/health").send(address).await;
    assert_eq!(plain.status, 400);
    assert!(plain.body.contains("https://"), "{}", plain.body);
    let mut held = Vec::new();
    for rubbish in [&b""[..], b"\x16", b"\x16\x03\x01\xff\xff", b"\0\0\0\0", b"\x80\x2e\x01\x03"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(rubbish).await.unwrap();
        held.push(stream);
    }
    let url = format!("https://localhost:{}/health", address.port());
    assert!(curl(folder.path(), &[&url]).await.unwrap().ends_with("200 HTTP/2"));
    // Another name than the certificate's is the client's to refuse.
    let (_, said) = s_client(folder.path(), address.port(), &["-verify_hostname", "other"]).await;
    assert!(said.to_lowercase().contains("hostname mismatch"), "{said}");
    // Who does not go on with a handshake is let go.
    for mut stream in held {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut rest)).await;
        assert!(read.is_ok(), "the connection should be closed");
    }
    let metrics = site.get("/metrics").await.body;
    assert!(metrics.contains(r#"gantry_tls_handshakes_total{outcome="failed"}"#), "{metrics}");
}

#[tokio::test]
async fn the_date_of_expiry_is_a_figure() {
    let folder = tempfile::tempdir().unwrap();
    Authority::new().write_pair(folder.path(), Validity::Past);
    let site = secure(folder.path(), "").await;
    let metrics = site.get("/metrics").await.body;
    // 2002-02-03.
    assert!(metrics.contains("gantry_tls_certificate_expiry_seconds 1012694400\n"), "{metrics}");
    let url = format!("https://localhost:{}/health", port(&site));
    let refused = curl(folder.path(), &[&url]).await.unwrap_err();
    assert!(refused.contains("expired"), "{refused}");
}

#[tokio::test]
async fn open_tls_connections_end_with_the_gateway() {
    let (folder, _) = folder_with_pair();
    let site = secure(folder.path(), "").await;
    let silent = TcpStream::connect(site.running.https_address().unwrap()).await.unwrap();
    let begun = std::time::Instant::now();
    assert!(site.running.shut_down().await);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(silent);
}
