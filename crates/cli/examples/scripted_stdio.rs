//! An upstream on stdio that does what a file says; `tests/it/support/scripted/stdio.rs` writes the
//! file and describes it. It shares no code with Gantry.
//!
//! ```text
//! scripted_stdio FOLDER/script.json
//! ```
//!
//! What it is sent is written to `FOLDER/received`, a line for each start to `FOLDER/starts`.

use std::{
    collections::{HashMap, HashSet},
    fs::OpenOptions,
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use serde_json::{Value, json};

/// The first modern revision.
const MODERN: &str = "2026-07-28";

/// The process.
struct Program {
    script: Value,
    folder: PathBuf,
    start: u64,
    /// Who waits for the answer to a request of ours.
    waiting: Mutex<HashMap<String, mpsc::Sender<Value>>>,
    /// The methods that have come.
    known: Mutex<HashSet<String>>,
}

fn main() -> ExitCode {
    let Some(file) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return ExitCode::from(2);
    };
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    let script = std::fs::read_to_string(&file).unwrap_or_default();
    let start = number_of_this_start(&folder);
    let program = Arc::new(Program {
        script: serde_json::from_str(&script).unwrap_or_default(),
        folder,
        start,
        waiting: Mutex::default(),
        known: Mutex::default(),
    });
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        program.hear(&line);
    }
    ExitCode::SUCCESS
}

fn number_of_this_start(folder: &Path) -> u64 {
    let path = folder.join("starts");
    let before = std::fs::read_to_string(&path).unwrap_or_default().lines().count();
    append(&path, &std::process::id().to_string());
    before as u64
}

fn append(path: &Path, line: &str) {
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path) {
        // One write, so that lines of several processes do not mix.
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}

/// A poisoned lock means that another thread of this program failed; what it guards is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes());
    let _ = out.flush();
}

impl Program {
    fn hear(self: &Arc<Self>, line: &str) {
        let message: Value = serde_json::from_str(line).unwrap_or_else(|_| line.into());
        let note = json!({ "start": self.start, "pid": std::process::id(), "message": message });
        append(&self.folder.join("received"), &note.to_string());
        if message["method"].is_null() {
            let waiting = lock(&self.waiting).remove(message["id"].as_str().unwrap_or_default());
            if let Some(waiting) = waiting {
                let _ = waiting.send(message);
            }
            return;
        }
        let steps = self.steps(&message);
        if message["id"].is_null() && steps.is_empty() {
            return;
        }
        let program = Arc::clone(self);
        std::thread::spawn(move || program.run(&message, &steps));
    }

    /// The steps for a message; none for a notification that is not scripted.
    fn steps(&self, message: &Value) -> Vec<Value> {
        let method = message["method"].as_str().unwrap_or_default();
        let start = self.start.to_string();
        let is_first = lock(&self.known).insert(method.to_owned());
        if let (true, Some(steps)) = (is_first, self.script["once"][method].as_array()) {
            return steps.clone();
        }
        let scripted = [&self.script["starts"][start.as_str()][method], &self.script["on"][method]];
        if let Some(steps) = scripted.into_iter().find_map(Value::as_array) {
            return steps.clone();
        }
        if message["id"].is_null() { Vec::new() } else { vec![json!({ "default": true })] }
    }

    fn run(&self, message: &Value, steps: &[Value]) {
        let mut heard = Value::Null;
        for step in steps {
            let Some((kind, value)) = step.as_object().and_then(|step| step.iter().next()) else {
                continue;
            };
            let value = &self.numbered(value);
            match kind.as_str() {
                "result" if value == "$answer" => {
                    let content = json!([{ "type": "text", "text": heard.to_string() }]);
                    answer(message, "result", json!({ "content": content }));
                }
                "result" | "error" => answer(message, kind, value.clone()),
                "default" => self.answer_plainly(message),
                "silence" => return,
                "delay_ms" => pause(value.as_u64().unwrap_or_default()),
                "wait_for_file" => {
                    while !Path::new(value.as_str().unwrap_or_default()).exists() {
                        pause(5);
                    }
                }
                "notify" => notify(&value["method"], &value["params"]),
                "progress" => {
                    let token = &message["params"]["_meta"]["progressToken"];
                    if !token.is_null() {
                        let params = json!({ "progressToken": token, "progress": value });
                        notify(&"notifications/progress".into(), &params);
                    }
                }
                "ask" => heard = self.ask(message, value),
                "raw" => say(value.as_str().unwrap_or_default()),
                "stderr" => {
                    let _ = writeln!(std::io::stderr(), "{}", value.as_str().unwrap_or_default());
                }
                "exit" => end(value),
                "setsid" => start_apart(value),
                _ => answer(message, "error", json!({ "code": -32603, "message": step })),
            }
        }
    }

    fn numbered(&self, value: &Value) -> Value {
        let text = value.to_string().replace("$start", &self.start.to_string());
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn ask(&self, message: &Value, request: &Value) -> Value {
        let id = format!("ask-{}-{}", self.start, message["id"]);
        let (sender, receiver) = mpsc::channel();
        lock(&self.waiting).insert(id.clone(), sender);
        let (method, params) = (&request["method"], &request["params"]);
        let asked = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        say(&asked.to_string());
        receiver.recv().unwrap_or_default()
    }

    fn answer_plainly(&self, message: &Value) {
        let revision = self.script["revision"].as_str().unwrap_or_default();
        let (modern, legacy) = match revision {
            "dual" => (true, Some("2025-11-25")),
            MODERN => (true, None),
            legacy => (false, Some(legacy)),
        };
        let method = message["method"].as_str().unwrap_or_default();
        let result = match method {
            "server/discover" if modern => {
                let supported: Vec<_> = [Some(MODERN), legacy].into_iter().flatten().collect();
                json!({ "supportedVersions": supported, "capabilities": capabilities() })
            }
            "initialize" if let Some(legacy) = legacy => json!({
                "protocolVersion": legacy,
                "capabilities": capabilities(),
                "serverInfo": { "name": "scripted", "version": "1.0.0" },
            }),
            "initialize" => {
                let data = json!({ "supported": [MODERN], "requested": "?" });
                let error = json!({ "code": -32022, "message": "too old", "data": data });
                return answer(message, "error", error);
            }
            "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
                json!({})
            }
            "tools/list" => {
                let tools: Vec<_> = self.tools().map(|tool| &tool["definition"]).collect();
                json!({ "tools": tools })
            }
            "tools/call" => {
                let asked = &message["params"]["name"];
                let tool = self.tools().find(|tool| tool["definition"]["name"] == *asked);
                let steps = tool.and_then(|tool| tool["steps"].as_array());
                if let Some(steps) = steps {
                    return self.run(message, steps);
                }
                let error = json!({ "code": -32602, "message": "unknown tool" });
                return answer(message, "error", error);
            }
            _ => {
                let error = json!({ "code": -32601, "message": "method not found" });
                return answer(message, "error", error);
            }
        };
        answer(message, "result", result);
    }

    fn tools(&self) -> impl Iterator<Item = &Value> {
        self.script["tools"].as_array().into_iter().flatten()
    }
}

/// What it offers.
fn capabilities() -> Value {
    json!({ "tools": { "listChanged": true }, "logging": {} })
}

fn notify(method: &Value, params: &Value) {
    say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
}

/// Answers a message; `kind` is `result` or `error`.
fn answer(message: &Value, kind: &str, mut value: Value) {
    if kind == "result" && is_modern(message) {
        let method = message["method"].as_str().unwrap_or_default();
        if value["resultType"].is_null() {
            value["resultType"] = "complete".into();
        }
        if (method.ends_with("/list") || method == "server/discover") && value["ttlMs"].is_null() {
            value["ttlMs"] = 0.into();
            value["cacheScope"] = "private".into();
        }
    }
    say(&json!({ "jsonrpc": "2.0", "id": message["id"], kind: value }).to_string());
}

fn is_modern(message: &Value) -> bool {
    !message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].is_null()
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

#[expect(clippy::exit, reason = "the script says that the process ends now, whatever it was doing")]
fn end(code: &Value) {
    std::process::exit(code.as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(1));
}

#[expect(clippy::disallowed_methods, reason = "a child that nobody looks after is what is tested")]
fn start_apart(seconds: &Value) {
    let mut command = std::process::Command::new("setsid");
    let _ = command.arg("sleep").arg(seconds.to_string()).spawn();
}
