//! One HTTP request on a connection of its own.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use crate::support::wait::soon;

/// A response, and the connection it comes on: closed when this is dropped.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) response: Response<Incoming>,
    pub(super) connection: JoinSet<()>,
}

/// Sends a request and reads the head of its response.
pub(super) async fn send(
    url: &str,
    verb: &str,
    headers: &[(String, String)],
    body: Bytes,
) -> Connected {
    let rest = url.strip_prefix("http://").expect("tests use plain HTTP");
    let slash = rest.find('/').expect("an endpoint has a path");
    let (authority, path) = rest.split_at(slash);
    let mut request = Request::builder().method(verb).uri(path);
    if headers.iter().all(|(name, _)| name != "host") {
        request = request.header("host", authority);
    }
    for (name, value) in headers {
        request = request.header(name, value.as_bytes());
    }
    let request = request.body(Full::new(body)).expect("a test sends headers that can be sent");
    let exchange = async {
        let socket = TcpStream::connect(authority).await.expect("the server accepts connections");
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await;
        let (mut sender, driver) = handshake.expect("a handshake of HTTP/1 sends nothing");
        let mut connection = JoinSet::new();
        connection.spawn(async move {
            let _ = driver.await;
        });
        let response = sender.send_request(request).await;
        let response = response.unwrap_or_else(|error| panic!("no response to {verb}: {error}"));
        Connected { response, connection }
    };
    soon(&format!("a response to {verb} {url}"), exchange).await
}
