//! TLS with a certificate authority of our own.

use std::path::PathBuf;
use std::sync::Arc;

use gantry_net::{Client, ClientConfig, Error};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::server::{Reply, Server, ok};
use crate::{post, text};

/// A file that is removed when it is no longer needed.
pub(crate) struct CaFile(pub(crate) PathBuf);

impl Drop for CaFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes an authority, and a server certificate by it for `name`.
pub(crate) fn authority(test: &str, name: &str) -> (CaFile, TlsAcceptor) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();

    let path = std::env::temp_dir().join(format!("gantry-{test}-{}.pem", std::process::id()));
    std::fs::write(&path, issuer.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (CaFile(path), TlsAcceptor::from(Arc::new(config)))
}

fn trusting(ca: &CaFile) -> Client {
    Client::new(ClientConfig { ca_file: Some(ca.0.clone()), ..ClientConfig::default() })
}

#[tokio::test]
async fn a_server_certified_by_the_configured_authority_is_trusted() {
    let (ca, acceptor) = authority("trusted", "localhost");
    let server = Server::start_with(Some(acceptor), |seen| Reply::Send(ok(&seen.body))).await;
    let client = trusting(&ca);
    client.check_trust().await.unwrap();
    let target = client.target(&format!("https://localhost:{}/", server.address.port())).unwrap();

    for _ in 0..3 {
        assert_eq!(text(post(&target, "over TLS").await.unwrap()).await, "over TLS");
    }
    assert_eq!(server.n_connections(), 1);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (ca, acceptor) = authority("other-name", "elsewhere.test");
    let server = Server::start_with(Some(acceptor), |_| Reply::Send(ok(""))).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let error = post(&trusting(&ca).target(&url).unwrap(), "").await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert!(error.is_unsent());
    assert_eq!(server.n_requests(), 0);
}

#[tokio::test]
async fn a_certificate_by_an_unknown_authority_is_refused() {
    let (_own, acceptor) = authority("unknown-server", "localhost");
    let (other, _) = authority("unknown-client", "localhost");
    let server = Server::start_with(Some(acceptor), |_| Reply::Send(ok(""))).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let error = post(&trusting(&other).target(&url).unwrap(), "").await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn plain_text_where_tls_is_expected_is_a_tls_error() {
    let (ca, _) = authority("plain", "localhost");
    let server = Server::start(|_| Reply::Send(ok(""))).await;
    let url = format!("https://localhost:{}/", server.address.port());
    // The server takes the hello for a request without an end; its limit is our connect limit.
    let config = ClientConfig {
        ca_file: Some(ca.0.clone()),
        connect_timeout: std::time::Duration::from_millis(300),
        ..ClientConfig::default()
    };
    let error = post(&Client::new(config).target(&url).unwrap(), "").await.unwrap_err();
    assert!(error.is_unsent(), "{error:?}");
}

#[tokio::test]
async fn an_unusable_ca_file_is_named() {
    let path = std::env::temp_dir().join(format!("gantry-no-pem-{}", std::process::id()));
    std::fs::write(&path, "not a certificate").unwrap();
    let file = CaFile(path);
    let error = trusting(&file).check_trust().await.unwrap_err();
    let wanted = format!(
        "cannot load certificate authorities from `{}`: it holds no certificate in PEM form",
        file.0.display()
    );
    assert_eq!(error.to_string(), wanted);

    let absent = CaFile(PathBuf::from("absent.pem"));
    let error = trusting(&absent).check_trust().await.unwrap_err();
    assert!(error.to_string().contains("absent.pem"), "{error}");
}
