//! Clients of HTTP/2 that behave badly or not at all: what they take up is given back, and nobody
//! else notices.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::*;

/// A connection that stays open, which curl's do not.
struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    /// Ends with the connection.
    driver: JoinSet<()>,
    port: u16,
}

impl Connection {
    async fn open(folder: &Path, port: u16) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = shaken.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            let _ = connection.await;
        });
        Self { sender, driver, port }
    }

    fn health(&self) -> Request<Empty<Bytes>> {
        let url = format!("https://localhost:{}/health", self.port);
        Request::get(url).version(Version::HTTP_2).body(Empty::new()).unwrap()
    }

    async fn ask(&mut self) -> Result<u16, hyper::Error> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(self.health()).await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        Ok(status)
    }
}

#[tokio::test]
async fn requests_that_are_taken_back_leave_nothing_behind() {
    let (folder, _) = folder_with_pair();
    let site = secure(folder.path(), "").await;
    let mut hasty = Connection::open(folder.path(), port(&site)).await;
    let mut bystander = Connection::open(folder.path(), port(&site)).await;
    assert_eq!(hasty.ask().await.unwrap(), 200);
    for round in 0..2000 {
        if hasty.sender.ready().await.is_err() {
            // The gateway has had enough of it, which is its right.
            break;
        }
        // Sent, and reset at once.
        drop(hasty.sender.send_request(hasty.health()));
        if round % 100 == 0 {
            assert_eq!(bystander.ask().await.unwrap(), 200);
        }
    }
    drop(hasty);
    assert_eq!(bystander.ask().await.unwrap(), 200);
    until("nothing is under way but this", async || {
        let metrics = site.get("/metrics").await.body;
        metrics.contains("gantry_http_requests_in_flight 1\n").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_closed() {
    let (folder, _) = folder_with_pair();
    let limits = "limits: { request_timeout: 1s }";
    let site = Site::start(&format!("server: {{ {}, {limits} }}", https(folder.path(), ""))).await;
    let mut connection = Connection::open(folder.path(), port(&site)).await;
    assert_eq!(connection.ask().await.unwrap(), 200);
    let closed = tokio::time::timeout(LIMIT, connection.driver.join_next()).await;
    assert!(closed.is_ok(), "it should be closed");
    // One that agreed on HTTP/2 and then says nothing of it, too.
    let (_, said) = s_client(folder.path(), port(&site), &["-alpn", "h2"]).await;
    assert!(said.contains("ALPN protocol: h2"), "{said}");
    until("only this one is open", async || {
        let metrics = site.get("/metrics").await.body;
        metrics.contains("gantry_http_connections 1\n").then_some(())
    })
    .await;
}
