//! A scripted upstream on stdio: a description for the program `examples/scripted_stdio.rs`, and
//! what that program was sent.
//!
//! ```ignore
//! let script = StdioScript::new("2025-11-25")                       // or "2026-07-28", or "dual"
//!     .tool("echo", json!({}), json!([{ "result": { "content": [] } }]))
//!     .on("server/discover", json!([{ "exit": 1 }]))                // any method; wins over all else
//!     .on_start(0, "initialize", json!([{ "silence": true }]))       // only in the first process
//!     .once("tools/list", json!([{ "delay_ms": 50 }, { "default": true }])); // only the first time
//! let gantry = Gantry::start(&config(&[("up", script.server())])).await;
//! let lines = script.wait_for("initialize", 2).await;                // lines[0].start == 0
//! ```
//!
//! An answer is a list of steps, carried out one after another; requests do not wait for each other:
//!
//! | step | what it does |
//! |---|---|
//! | `{"result": JSON}` | answers; in a modern process `resultType: complete` is added |
//! | `{"error": {"code": N, "message": "..."}}` | answers |
//! | `{"default": true}` | answers as if nothing were scripted |
//! | `{"silence": true}` | ends the steps without an answer |
//! | `{"delay_ms": N}` | waits |
//! | `{"wait_for_file": PATH}` | waits until the file is there |
//! | `{"notify": {"method": M, "params": JSON}}` | says something |
//! | `{"progress": N}` | tells progress, if the request has a token |
//! | `{"ask": {"method": M, "params": JSON}}` | asks the client; then `{"result": "$answer"}` is a tool result whose text is the answer's JSON |
//! | `{"raw": TEXT}` | prints a line |
//! | `{"stderr": TEXT}` | prints a line there |
//! | `{"exit": CODE}` | ends the process |
//! | `{"setsid": SECONDS}` | starts a child with a session of its own that sleeps |
//!
//! Where text holds `$start`, the number of the process is put in its place, from 0 on.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::wait::eventually;

/// A description of a program on stdio, and the folder in which it writes down what it was sent.
#[derive(Clone, Debug)]
pub(crate) struct StdioScript {
    script: Value,
    folder: Arc<TempDir>,
}

/// A line that the program was sent.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Which process it was, from 0 on.
    pub(crate) start: u64,
    pub(crate) pid: u64,
    pub(crate) message: Value,
}

impl StdioScript {
    /// A program that speaks one revision, or `dual`: 2026-07-28 and 2025-11-25.
    pub(crate) fn new(revision: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("scripted-").tempdir();
        Self {
            script: json!({ "revision": revision, "tools": [], "on": {}, "starts": {} }),
            folder: Arc::new(folder.expect("a temporary folder can be made")),
        }
    }

    /// A tool and the steps of a call; `name` and an empty `inputSchema` are added.
    pub(crate) fn tool(mut self, name: &str, definition: Value, steps: Value) -> Self {
        let mut whole = json!({ "name": name, "inputSchema": { "type": "object" } });
        for (member, value) in definition.as_object().into_iter().flatten() {
            whole[member] = value.clone();
        }
        let tool = json!({ "definition": whole, "steps": steps });
        self.script["tools"].as_array_mut().expect("an array from the start").push(tool);
        self
    }

    /// The steps of a method.
    pub(crate) fn on(mut self, method: &str, steps: Value) -> Self {
        self.script["on"][method] = steps;
        self
    }

    /// The steps of a method in the process of that number, from 0 on.
    pub(crate) fn on_start(mut self, start: u64, method: &str, steps: Value) -> Self {
        self.script["starts"][start.to_string()][method] = steps;
        self
    }

    /// The steps of the first message of a method in each process.
    pub(crate) fn once(mut self, method: &str, steps: Value) -> Self {
        self.script["once"][method] = steps;
        self
    }

    /// Its entry under `servers` in a configuration.
    pub(crate) fn server(&self) -> Value {
        std::fs::write(self.file(), self.script.to_string())
            .expect("a file can be written in one's own folder");
        json!({
            "command": program(),
            "args": [self.file()],
            "probe_timeout": "5s",
            "timeout": "10s",
        })
    }

    /// Changes what later processes do.
    pub(crate) fn turn_into(&self, other: &Self) {
        std::fs::write(self.file(), other.script.to_string())
            .expect("a file can be written in one's own folder");
    }

    /// A path in the folder of this script, for `wait_for_file`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("script.json")
    }

    /// Everything its processes were sent so far.
    pub(crate) fn seen(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(self.path("received")).unwrap_or_default();
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let line = |line: Value| Line {
            start: line["start"].as_u64().unwrap_or_default(),
            pid: line["pid"].as_u64().unwrap_or_default(),
            message: line["message"].clone(),
        };
        lines.map(line).collect()
    }

    /// The lines of one method so far.
    pub(crate) fn seen_of(&self, method: &str) -> Vec<Line> {
        self.seen().into_iter().filter(|line| line.message["method"] == method).collect()
    }

    /// How many processes were started so far.
    pub(crate) fn starts(&self) -> usize {
        let text = std::fs::read_to_string(self.path("starts")).unwrap_or_default();
        text.lines().count()
    }

    /// Waits until `count` lines of a method have come.
    #[track_caller]
    pub(crate) fn wait_for(
        &self,
        method: &str,
        count: usize,
    ) -> impl Future<Output = Vec<Line>> + use<> {
        let (this, method) = (self.clone(), method.to_owned());
        eventually(&format!("{count} times `{method}` on stdio"), async move || {
            let seen = this.seen_of(&method);
            (seen.len() >= count).then_some(seen)
        })
    }
}

/// The program, for a gateway that starts it: `PROGRAM SCRIPT_FILE`.
#[track_caller]
fn program() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_gantry")).parent();
    let folder = folder.expect("a program is in a folder");
    let program = folder.join("examples/scripted_stdio");
    assert!(
        program.is_file(),
        "`{}` has not been built\nhint: `cargo build -p gantry-cli --examples` builds it",
        program.display()
    );
    program
}
