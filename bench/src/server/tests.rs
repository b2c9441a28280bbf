//! The upstream over a real socket.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::serve;
use crate::answer::Answers;

fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(&listener, 2, Answers::new(false)));
    address
}

fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn post(address: SocketAddr, body: &str) -> String {
    let head = "POST /mcp HTTP/1.1\r\nHost: echo\r\nConnection: close\r\nMCP-Protocol-Version: 2026-07-28\r\n";
    exchange(address, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()))
}

#[test]
fn it_answers_calls_and_counts_them() {
    let address = start();
    for _ in 0..3 {
        let answer = post(
            address,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}"#,
        );
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(r#""isError":false"#), "{answer}");
    }
    post(address, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    let count = exchange(address, "GET /calls HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n");
    assert!(count.ends_with("\r\n\r\n3"), "{count}");
}

#[test]
fn it_refuses_what_is_not_a_post() {
    let answer = exchange(start(), "GET /mcp HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}
