//! A raw client on a pipe: it starts `gantry stdio` and sends it lines.
//!
//! ```ignore
//! let mut client = PipeClient::start("servers: {}");
//! client.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).await;
//! let answer = client.answer_to(&json!(1)).await;
//! let listed = client.modern("tools/list", json!({})).await;      // with an envelope
//! let listed = client.legacy("tools/list", json!({})).await;      // without one
//! ```

use std::{collections::VecDeque, process::Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use super::{CAPABILITIES, CLAIM, CLIENT_INFO, MODERN, client_info};
use crate::support::{gantry::Gantry, process, wait::soon};

/// A client at the other end of the pipes of `gantry stdio`, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct PipeClient {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    /// What was read while something else was waited for.
    aside: VecDeque<Value>,
    next_id: u64,
    folder: Option<TempDir>,
}

impl PipeClient {
    /// A gateway of its own with the configuration `config`.
    pub(crate) fn start(config: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("gantry-").tempdir();
        let folder = folder.expect("a temporary folder can be made");
        let file = folder.path().join("gantry.yaml");
        std::fs::write(&file, config).expect("a file can be written in one's own folder");
        let mut client = Self::spawn(&file, &folder.path().join("data"));
        client.folder = Some(folder);
        client
    }

    /// A line to a gateway that runs.
    pub(crate) fn attach(gantry: &Gantry) -> Self {
        let config = gantry.config();
        let folder = config.parent().expect("a file is in a folder");
        Self::spawn(&config, &folder.join("data"))
    }

    fn spawn(config: &std::path::Path, data: &std::path::Path) -> Self {
        let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
        let folder = config.parent().expect("a file is in a folder");
        command.current_dir(folder).env("HOME", folder);
        command.arg("--config").arg(config).arg("--data-dir").arg(data).arg("stdio");
        Self::of(command)
    }

    /// Any other server on stdio, to compare with.
    pub(crate) fn of(mut command: tokio::process::Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the server can be started");
        let input = child.stdin.take();
        let output = child.stdout.take().expect("stdout is piped above");
        let output = BufReader::new(output).lines();
        Self { child, input, output, aside: VecDeque::new(), next_id: 1, folder: None }
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string()).await;
    }

    /// Sends any line.
    pub(crate) async fn send_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input was not closed");
        let line = format!("{line}\n");
        let sending = input.write_all(line.as_bytes());
        soon("room in the pipe", sending).await.expect("the gateway reads");
        input.flush().await.expect("the gateway reads");
    }

    /// The next message, whatever it is.
    pub(crate) async fn next(&mut self) -> Value {
        match self.aside.pop_front() {
            Some(message) => message,
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Value {
        let line = soon("a line", self.output.next_line()).await.expect("the pipe can be read");
        let line = line.expect("the gateway ended before the next line");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no message: {line}"))
    }

    /// The response with this id; what comes before it is kept for [`Self::next`].
    pub(crate) async fn answer_to(&mut self, id: &Value) -> Value {
        let is_it = |message: &Value| message["method"].is_null() && message["id"] == *id;
        if let Some(at) = self.aside.iter().position(is_it) {
            return self.aside.remove(at).expect("it was just found");
        }
        loop {
            let message = self.read().await;
            if is_it(&message) {
                return message;
            }
            self.aside.push_back(message);
        }
    }

    /// Sends a request without an envelope; returns the whole response.
    pub(crate) async fn legacy(&mut self, method: &str, params: Value) -> Value {
        let id = self.fresh_id();
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        self.answer_to(&id).await
    }

    /// Sends a request with an envelope; returns the whole response.
    pub(crate) async fn modern(&mut self, method: &str, mut params: Value) -> Value {
        params["_meta"][CLAIM] = MODERN.into();
        params["_meta"][CAPABILITIES] = json!({});
        params["_meta"][CLIENT_INFO] = client_info();
        self.legacy(method, params).await
    }

    /// Makes the legacy handshake; returns the whole response to `initialize`.
    pub(crate) async fn handshake(&mut self, revision: &str, capabilities: Value) -> Value {
        let params = json!({
            "protocolVersion": revision,
            "capabilities": capabilities,
            "clientInfo": client_info(),
        });
        let response = self.legacy("initialize", params).await;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        response
    }

    /// An id that was not used by the requests above.
    pub(crate) fn fresh_id(&mut self) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        id.into()
    }

    /// Whether the gateway still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Closes the input and waits for the end.
    pub(crate) async fn close(mut self) -> std::process::ExitStatus {
        drop(self.input.take());
        soon("the end of `gantry stdio`", self.child.wait()).await.expect("it can be waited for")
    }
}
