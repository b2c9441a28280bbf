//! The client against real sockets: a server of a few lines that says exactly what a test wants.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod limits;
mod proxy;
mod reuse;
mod server;
mod tls;

use bytes::Bytes;
use gantry_net::{Client, ClientConfig, Error, Limits, ResponseBody, Target};
use http::{HeaderMap, Method, Response};

fn client() -> Client {
    Client::new(ClientConfig::default())
}

async fn post(target: &Target, body: &'static str) -> Result<Response<ResponseBody>, Error> {
    send(target, Method::POST, body, Limits::default()).await
}

async fn send(
    target: &Target,
    method: Method,
    body: &'static str,
    limits: Limits,
) -> Result<Response<ResponseBody>, Error> {
    target.send(method, HeaderMap::new(), Bytes::from_static(body.as_bytes()), limits).await
}

async fn text(response: Response<ResponseBody>) -> String {
    let bytes = response.into_body().collect(1 << 20).await.expect("the body is complete");
    String::from_utf8(bytes.to_vec()).expect("the body is text")
}
