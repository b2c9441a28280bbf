//! HTTP as it stands on the wire, for requests that no client library would send.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{gantry::Gantry, wait::soon};

/// A response is small here.
const MOST: usize = 1024 * 1024;

/// What came back.
#[derive(Debug)]
pub(super) struct Raw {
    /// 0 if the connection was closed without an answer.
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Raw {
    /// The code of the JSON-RPC error.
    pub(super) fn code(&self) -> Option<i64> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        body["error"]["code"].as_i64()
    }
}

/// Writes these bytes on a connection of their own and reads what comes back, until the other side
/// has said all or closes.
pub(super) async fn exchange(gantry: &Gantry, bytes: &[u8]) -> Raw {
    let url = gantry.url("");
    let address = url.trim_start_matches("http://");
    let socket = TcpStream::connect(address).await.expect("the gateway accepts connections");
    let (mut reader, mut writer) = socket.into_split();
    let write = async {
        // A server that has seen enough closes: then the rest cannot be written.
        let _ = writer.write_all(bytes).await;
        std::future::pending::<()>().await;
    };
    let mut received = Vec::new();
    let read = async {
        let mut piece = vec![0; 16 * 1024];
        while received.len() < MOST && !is_whole(&received) {
            match reader.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(length) => received.extend_from_slice(&piece[..length]),
            }
        }
    };
    soon("an answer to raw bytes", async {
        tokio::select! {
            () = write => {}
            () = read => {}
        }
    })
    .await;
    let text = String::from_utf8_lossy(&received).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Raw { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// Whether the answer is there with all of its body.
fn is_whole(received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    match length.and_then(|length| length.trim().parse::<usize>().ok()) {
        Some(length) => body.len() >= length,
        None => head.contains(" 204 ") || head.contains(" 202 ") || body.ends_with("0\r\n\r\n"),
    }
}

/// Opens a connection, writes these bytes, and waits until the other side closes it.
pub(super) async fn closes_within(gantry: &Gantry, bytes: &[u8], limit: Duration) -> bool {
    let url = gantry.url("");
    let address = url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.expect("the gateway accepts connections");
    socket.write_all(bytes).await.expect("the gateway reads");
    let read = async {
        let mut piece = [0; 1024];
        while matches!(socket.read(&mut piece).await, Ok(1..)) {}
    };
    tokio::time::timeout(limit, read).await.is_ok()
}
