//! What stands before everything else: addresses and proxies, pages of other origins, headers for
//! browsers, packed answers, connections. Clients are `curl` and bare sockets, and come from
//! several addresses of the loopback.

mod addresses;
mod browsers;
mod connections;

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support::{
    gantry::Gantry,
    process,
    wait::{LIMIT, soon},
};

/// What the one client of these tests shows.
const TOKEN: &str = "0123456789abcdef";

/// A configuration in which `ann` has a token.
fn with_token(more: Value) -> String {
    let mut config = json!({ "auth": { "tokens": [{ "name": "ann", "token": TOKEN }] } });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config.to_string()
}

/// What came back.
#[derive(Debug)]
struct Answer {
    /// 0 if nothing did.
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, body) = bytes.split_at(end.map_or(bytes.len(), |end| end + 4));
        let head = String::from_utf8_lossy(head).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head, body: body.to_owned() }
    }

    /// One header; the name is lower case.
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of the cause, in whichever form.
    fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let error = &body["error"];
        let codes = [&error["data"]["code"], &error["details"]["code"], &error["code"]];
        codes.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// Asks with `curl` from an address of the loopback; the arguments come before the URL.
async fn curl(gantry: &Gantry, from: &str, path: &str, arguments: &[&str]) -> Answer {
    let mut command = process::command("curl");
    command.args(["--silent", "--show-error", "--include", "--interface", from]);
    command.args(arguments).arg(gantry.url(path));
    let output = tokio::time::timeout(LIMIT, command.kill_on_drop(true).output()).await;
    let output = output.expect("curl does not hang").expect("curl runs: `cargo xtask setup`");
    assert!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
    Answer::read(&output.stdout)
}

/// Asks for a route that needs a credential, and shows one.
async fn ask_as_ann(gantry: &Gantry, from: &str, headers: &[&str]) -> Answer {
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let mut arguments = vec!["-H", &bearer];
    for header in headers {
        arguments.extend(["-H", header]);
    }
    curl(gantry, from, "/api/tools", &arguments).await
}

/// Opens a connection from an address of the loopback.
async fn connect(gantry: &Gantry, from: Ipv4Addr) -> TcpStream {
    let url = gantry.url("");
    let to: SocketAddr = url.trim_start_matches("http://").parse().expect("a URL has an address");
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    socket.bind(SocketAddr::from((from, 0))).expect("all of 127.0.0.0/8 is this machine");
    soon("a connection", async { socket.connect(to).await.expect("the gateway listens") }).await
}

/// Asks for the health on an open connection.
async fn health(stream: &mut TcpStream) -> Answer {
    // A connection that was refused may be closed for writing already.
    let _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut bytes = Vec::new();
    soon("an answer", async {
        while !is_whole(&bytes) {
            match stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    })
    .await;
    Answer::read(&bytes)
}

fn is_whole(bytes: &[u8]) -> bool {
    let answer = Answer::read(bytes);
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    length.is_some_and(|length: usize| answer.body.len() >= length)
}

/// Waits until the other side closes.
async fn is_closed(stream: &mut TcpStream) {
    let mut piece = [0; 1024];
    soon("the end of a connection", async {
        while matches!(stream.read(&mut piece).await, Ok(1..)) {}
    })
    .await;
}

/// One figure of `/metrics`, by its name and labels as they are written.
async fn figure(gantry: &Gantry, series: &str) -> Option<u64> {
    let answer = curl(gantry, "127.0.0.1", "/metrics", &[]).await;
    answer.text().lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}
