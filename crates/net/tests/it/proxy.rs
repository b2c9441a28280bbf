//! Through a proxy: tunnels for `https`, absolute URLs for `http`.
//!
//! The names end in `.test`, so that reaching them proves that the proxy did it.

use std::net::SocketAddr;
use std::sync::Arc;

use gantry_net::{AddressGuard, Client, ClientConfig, Error, ProxyConfig};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::server::{Reply, Server, ok};
use crate::tls::authority;
use crate::{post, text};

/// A proxy that leads every tunnel to one address and remembers what it was asked for.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    async fn start(destination: SocketAddr, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&heads);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut tunnels = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    near.read_buf(&mut head).await.unwrap();
                }
                seen.lock().push(String::from_utf8(head).unwrap());
                near.write_all(answer.as_bytes()).await.unwrap();
                let mut far = TcpStream::connect(destination).await.unwrap();
                tunnels.spawn(async move {
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { address, heads, _tasks: tasks }
    }

    fn config(&self) -> ProxyConfig {
        let url = format!("http://ann:secret@{}", self.address);
        ProxyConfig::from_values(Some(&url), Some(&url), None).unwrap().unwrap()
    }
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let (ca, acceptor) = authority("tunnel", "upstream.test");
    let server = Server::start_with(Some(acceptor), |seen| Reply::Send(ok(&seen.head))).await;
    let proxy = Proxy::start(server.address, "HTTP/1.1 200 Connected\r\nVia: x\r\n\r\n").await;
    let client = Client::new(ClientConfig {
        ca_file: Some(ca.0.clone()),
        proxy: Some(proxy.config()),
        ..ClientConfig::default()
    });
    let target = client.target("https://upstream.test/mcp").unwrap();

    for _ in 0..2 {
        let head = text(post(&target, "").await.unwrap()).await;
        assert!(head.starts_with("post /mcp http/1.1\r\n"), "{head}");
        assert!(head.contains("host: upstream.test\r\n"), "{head}");
        assert!(!head.contains("proxy-"), "the server learns nothing of the proxy: {head}");
    }
    let heads = proxy.heads.lock();
    assert_eq!(heads.len(), 1, "the tunnel is reused");
    assert!(heads[0].starts_with("CONNECT upstream.test:443 HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(heads[0].contains("Proxy-Authorization: Basic YW5uOnNlY3JldA==\r\n"), "{}", heads[0]);
}

#[tokio::test]
async fn http_is_forwarded_with_the_whole_url() {
    let proxy = Server::start(|seen| Reply::Send(ok(&seen.head))).await;
    let url = format!("http://ann:secret@{}", proxy.address);
    let config = ProxyConfig::from_values(None, Some(&url), None).unwrap();
    let client = Client::new(ClientConfig { proxy: config, ..ClientConfig::default() });
    let target = client.target("http://upstream.test:8080/mcp?a=b").unwrap();

    let head = text(post(&target, "").await.unwrap()).await;
    assert!(head.starts_with("post http://upstream.test:8080/mcp?a=b http/1.1\r\n"), "{head}");
    assert!(head.contains("host: upstream.test:8080\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic "), "{head}");
    let other = target.with_path("/other").unwrap();
    let head = text(post(&other, "").await.unwrap()).await;
    assert!(head.starts_with("post http://upstream.test:8080/other http/1.1\r\n"), "{head}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_with_its_status() {
    for (answer, problem) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "it answered with status 403"),
        ("HTTP/1.1 407 No\r\n\r\n", "it asks for other credentials (status 407)"),
        ("HTTP/1.1 200 OK\r\n\r\nextra", "it sent bytes of its own"),
        ("SSH-2.0-OpenSSH\r\n\r\n", "it does not speak HTTP/1"),
    ] {
        let server = Server::start(|_| Reply::Close).await;
        let proxy = Proxy::start(server.address, answer).await;
        let config = ClientConfig { proxy: Some(proxy.config()), ..ClientConfig::default() };
        let target = Client::new(config).target("https://upstream.test/").unwrap();
        let error = post(&target, "").await.unwrap_err();
        let wanted = format!("the proxy {} did not open a tunnel: {problem}", proxy.address);
        assert_eq!(error.to_string(), wanted);
        assert!(error.is_unsent());
    }
}

#[tokio::test]
async fn the_guard_holds_behind_a_proxy_too() {
    let server = Server::start(|_| Reply::Send(ok(""))).await;
    let proxy = Proxy::start(server.address, "HTTP/1.1 200 OK\r\n\r\n").await;
    let config = ClientConfig { proxy: Some(proxy.config()), ..ClientConfig::default() };
    let client = Client::new(config);
    for url in ["http://10.0.0.1/", "https://169.254.169.254/", "http://[fd00::1]/"] {
        let target = client.guarded_target(url, AddressGuard::PublicOnly).unwrap();
        let error = post(&target, "").await.unwrap_err();
        assert!(matches!(error, Error::AddressRefused { .. }), "{error:?}");
    }
    // A public address is reached by a tunnel to just that address, plain HTTP too.
    let target = client.guarded_target("http://1.1.1.1/", AddressGuard::PublicOnly).unwrap();
    text(post(&target, "").await.unwrap()).await;
    assert!(proxy.heads.lock()[0].starts_with("CONNECT 1.1.1.1:80 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn the_guard_refuses_inside_addresses_without_connecting() {
    let server = Server::start(|_| Reply::Send(ok(""))).await;
    let client = Client::new(ClientConfig::default());
    let target = client.guarded_target(&server.url(), AddressGuard::PublicOnly).unwrap();
    let error = post(&target, "").await.unwrap_err();
    assert!(matches!(error, Error::AddressRefused { .. }), "{error:?}");
    // The open target of the same authority has connections of its own.
    let open = client.target(&server.url()).unwrap();
    text(post(&open, "").await.unwrap()).await;
    let again = post(&target, "").await.unwrap_err();
    assert!(matches!(again, Error::AddressRefused { .. }), "{again:?}");
}
