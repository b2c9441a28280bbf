//! A client that carries out the exchanges of the corpus and keeps every byte that it gets.

use std::{process::Stdio, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{ChildStdin, ChildStdout, Command},
};

use super::{
    corpus::{Case, Step},
    json::{is_request, is_response, raw, string},
    recorder::{Recorder, Saw},
};
use crate::support::{
    client::{CAPABILITIES, CLAIM, Client, MODERN, client_info},
    gantry::Gantry,
    process,
    relay::Relay,
    wait::{eventually, soon},
};

/// How long is waited for what must not come.
const QUIET: Duration = Duration::from_millis(100);

/// A client, and where it is connected to.
#[derive(Debug)]
pub(super) struct Leg {
    way: Way,
    revision: &'static str,
    capabilities: Value,
    /// What stands before the names of the upstream.
    pub(super) prefix: &'static str,
}

#[derive(Debug)]
enum Way {
    Http(Client),
    Pipe(Box<Pipe>),
}

/// Both ends' view of one exchange.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript {
    /// What the upstream saw, in order.
    pub(super) saw: Vec<Saw>,
    /// What the client got, in order; each message to the byte.
    pub(super) got: Vec<String>,
    /// The HTTP status.
    pub(super) status: Option<u16>,
    /// The type of the body, over HTTP.
    pub(super) media: String,
}

/// The pipes of a child.
#[derive(Debug)]
struct Pipe {
    _child: tokio::process::Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Leg {
    /// A client of an HTTP endpoint.
    pub(super) async fn http(url: &str, revision: &'static str, capabilities: Value) -> Self {
        let client = if revision == MODERN {
            Client::modern(url, capabilities.clone())
        } else {
            Client::legacy(url, revision, capabilities.clone()).await
        };
        Self { way: Way::Http(client), revision, capabilities, prefix: "" }
    }

    /// A client that starts the child itself.
    pub(super) async fn child(relay: &Relay, revision: &'static str, capabilities: Value) -> Self {
        let (program, address) = relay.command();
        let mut command = process::command(program);
        command.arg(address);
        Self::pipe(command, revision, capabilities).await
    }

    /// A client of `gantry stdio`, beside a running gateway.
    pub(super) async fn gantry_stdio(
        gantry: &Gantry,
        revision: &'static str,
        capabilities: Value,
    ) -> Self {
        let config = gantry.config();
        let folder = config.parent().expect("a file is in a folder");
        let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
        command.current_dir(folder).env("HOME", folder);
        command.arg("--config").arg(&config).arg("--data-dir").arg(folder.join("data"));
        command.arg("stdio");
        Self::pipe(command, revision, capabilities).await
    }

    async fn pipe(mut command: Command, revision: &'static str, capabilities: Value) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the program can be started");
        let input = child.stdin.take().expect("stdin is piped above");
        let output = child.stdout.take().expect("stdout is piped above");
        let output = BufReader::new(output).lines();
        let mut pipe = Pipe { _child: child, input, output };
        if revision != MODERN {
            let params = json!({
                "protocolVersion": revision,
                "capabilities": capabilities,
                "clientInfo": client_info(),
            });
            let hello =
                json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
            pipe.send(&hello.to_string()).await;
            while !is_response(&pipe.next().await) {}
            pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        }
        Self { way: Way::Pipe(Box::new(pipe)), revision, capabilities, prefix: "" }
    }

    /// Waits until the tools of the upstream are offered.
    pub(super) async fn wait_for_tools(&mut self) {
        match &mut self.way {
            Way::Http(client) => {
                let client = client.clone();
                eventually("the tools of the upstream", async move || {
                    // Its definitions are deeper than most parsers like.
                    let raw = client.request("tools/list", json!({})).await.raw;
                    String::from_utf8_lossy(&raw).contains("echo").then_some(())
                })
                .await;
            }
            Way::Pipe(pipe) => loop {
                let meta = json!({ CLAIM: self.revision, CAPABILITIES: self.capabilities });
                let params =
                    if self.revision == MODERN { json!({ "_meta": meta }) } else { json!({}) };
                let list =
                    json!({ "jsonrpc": "2.0", "id": 0, "method": "tools/list", "params": params });
                pipe.send(&list.to_string()).await;
                let mut answer = pipe.next().await;
                while !is_response(&answer) {
                    answer = pipe.next().await;
                }
                if answer.contains("echo") {
                    return;
                }
            },
        }
    }

    /// Carries out one exchange.
    pub(super) async fn carry_out(&mut self, case: &Arc<Case>, recorder: &Recorder) -> Transcript {
        recorder.begin(case);
        let request = self.fill(&case.request);
        let replies: Vec<_> = case
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Reply(reply) => Some(reply.clone()),
                _ => None,
            })
            .collect();
        let revision = self.revision;
        let mut transcript = match &mut self.way {
            Way::Http(client) => by_http(client, revision, &request, replies).await,
            Way::Pipe(pipe) => by_pipe(pipe, &request, replies).await,
        };
        if case.answer.is_none() {
            // A notification is not answered, so nothing says when it has arrived.
            let _ = tokio::time::timeout(QUIET, recorder.wait_for(1)).await;
        }
        transcript.saw = recorder.saw();
        transcript
    }

    /// Puts the names of this leg into a text.
    pub(super) fn fill(&self, text: &str) -> String {
        text.replace("$N", self.prefix)
    }
}

async fn by_http(
    client: &Client,
    revision: &str,
    request: &str,
    replies: Vec<String>,
) -> Transcript {
    let headers = headers_for(client, revision, request);
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let mut open = client.open(request.to_owned(), &headers).await;
    let mut transcript = Transcript { status: Some(open.status), ..Transcript::default() };
    let media = open.headers.get("content-type").and_then(|media| media.to_str().ok());
    transcript.media = media.unwrap_or_default().to_owned();
    if !open.is_stream() {
        let whole = open.finish().await.raw;
        if !whole.is_empty() {
            transcript.got.push(String::from_utf8_lossy(&whole).into_owned());
        }
        return transcript;
    }
    let mut replies = replies.into_iter();
    while let Some(event) = open.next_event().await {
        if event.data.is_empty() {
            continue;
        }
        let message = event.data;
        if is_request(&message)
            && let Some(reply) = replies.next()
        {
            let reply = reply.replace("$ASK", raw(&message, &["id"]).unwrap_or_default());
            let headers = headers_for(client, revision, &reply);
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(client.post(reply, &headers).await.status, 202);
        }
        let is_last = is_response(&message);
        transcript.got.push(message);
        if is_last {
            break;
        }
    }
    transcript
}

/// The headers that belong to a message, read from its text.
fn headers_for(client: &Client, revision: &str, message: &str) -> Vec<(String, String)> {
    let mut headers = client.headers_of(&Value::Null);
    headers.retain(|(name, _)| !matches!(&**name, "mcp-method" | "mcp-name"));
    if revision != MODERN {
        return headers;
    }
    let method = string(message, &["method"]).unwrap_or_default();
    let member = match &*method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        _ => None,
    };
    let name = member.and_then(|member| string(message, &["params", member]));
    headers.push(("mcp-method".to_owned(), method));
    headers.extend(name.map(|name| ("mcp-name".to_owned(), encoded(&name))));
    headers
}

/// A value as a header can carry it.
fn encoded(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.trim() == text;
    if is_plain { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) }
}

async fn by_pipe(pipe: &mut Pipe, request: &str, replies: Vec<String>) -> Transcript {
    let mut transcript = Transcript::default();
    pipe.send(request).await;
    let id = raw(request, &["id"]);
    if id.is_none() {
        return transcript;
    }
    let mut replies = replies.into_iter();
    loop {
        let message = pipe.next().await;
        if is_request(&message)
            && let Some(reply) = replies.next()
        {
            let reply = reply.replace("$ASK", raw(&message, &["id"]).unwrap_or_default());
            pipe.send(&reply).await;
        }
        // On a pipe everything comes on one stream, what belongs to no request as well.
        if string(&message, &["method"]).is_some_and(|method| method.ends_with("/list_changed")) {
            continue;
        }
        let is_last = is_response(&message);
        transcript.got.push(message);
        if is_last {
            return transcript;
        }
    }
}

impl Pipe {
    /// Sends a message; on a pipe it must be one line.
    async fn send(&mut self, message: &str) {
        let line = format!("{}\n", message.replace(['\n', '\r'], " "));
        let sending = self.input.write_all(line.as_bytes());
        soon("room in the pipe", sending).await.expect("the other end reads");
        self.input.flush().await.expect("the other end reads");
    }

    async fn next(&mut self) -> String {
        let line = soon("a line", self.output.next_line()).await.expect("the pipe can be read");
        line.expect("the other end closed before the next line")
    }
}
