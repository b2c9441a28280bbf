//! A few bytes of HTTP/1.1, enough to ask a server on the loopback one thing.
//!
//! One request a connection, a time limit on each step and a limit on the answer; not a client for anything else.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// How long one read or write may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// No answer that we ask for is longer.
const MAX_ANSWER_BYTES: u64 = 4 << 20;

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Asks for `path`.
pub(crate) fn get(address: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    exchange(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
    )
}

/// Posts a JSON-RPC message to `path`, with more headers.
pub(crate) fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> anyhow::Result<Answer> {
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    head.push_str(
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n",
    );
    for (name, value) in headers {
        // Writing to a string cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    exchange(address, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()))
}

fn exchange(address: SocketAddr, request: &str) -> anyhow::Result<Answer> {
    let context = || format!("failed to ask `{address}`");
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT).with_context(context)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(request.as_bytes()).with_context(context)?;
    let mut bytes = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut bytes).with_context(context)?;
    let text = String::from_utf8(bytes).context("the answer is not UTF-8")?;
    parse(&text).with_context(|| format!("cannot read the answer of `{address}`"))
}

/// Reads a complete answer.
fn parse(text: &str) -> anyhow::Result<Answer> {
    let (head, body) =
        text.split_once("\r\n\r\n").context("the head of the answer does not end")?;
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let status = status.context("the answer has no status")?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: String::new() };
    let is_chunked = answer
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    answer.body = if is_chunked { unchunk(body)? } else { body.to_owned() };
    Ok(answer)
}

/// Puts the pieces of a chunked body together.
fn unchunk(mut rest: &str) -> anyhow::Result<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").context("a chunk has no size")?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16)
            .with_context(|| format!("`{size}` is no size of a chunk"))?;
        if size == 0 {
            return Ok(body);
        }
        let Some((chunk, after)) = after.split_at_checked(size) else {
            bail!("a chunk is cut off")
        };
        body.push_str(chunk);
        rest = after.strip_prefix("\r\n").context("a chunk does not end where it says")?;
    }
}

// === impl Answer ===

impl Answer {
    /// The first header of this name, which is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_plain_answer_is_read() {
        let answer = parse("HTTP/1.1 404 Not Found\r\nMcp-Session-Id: x:y\r\n\r\nnothing").unwrap();
        assert_eq!(
            (answer.status, answer.header("mcp-session-id"), answer.body.as_str()),
            (404, Some("x:y"), "nothing")
        );
    }

    #[test]
    fn a_chunked_answer_is_put_together() {
        let answer = parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n").unwrap();
        assert_eq!(answer.body, "abcde");
    }

    #[test]
    fn a_broken_answer_is_an_error() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
