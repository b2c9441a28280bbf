//! The clients: scripts in `tests/peers` on the SDKs, and the inspector's command line. All are
//! given the same plan and say what they saw in the same form.

use std::{path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::process::Command;

use crate::support::{node, process};

/// How long a client may take for its whole plan.
const LIMIT: Duration = Duration::from_mins(1);

/// A client and the era it is told to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    TypescriptV1,
    /// By the transport of 2024-11-05.
    TypescriptV1Sse,
    TypescriptV2Legacy,
    TypescriptV2Modern,
    TypescriptV2Auto,
    PythonLegacy,
    PythonModern,
    PythonAuto,
    /// By the transport of 2024-11-05.
    PythonSse,
    InspectorLegacy,
    InspectorModern,
}

/// What a client has to do after listing the tools.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Plan {
    answers: bool,
    calls: Vec<Call>,
}

#[derive(Debug, Serialize)]
struct Call {
    name: String,
    arguments: Value,
}

/// What a client saw.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    revision: Option<String>,
    tools: Vec<String>,
    /// The results in the order of the plan; `{"error": {"code", "message"}}` for one refused.
    results: Vec<Value>,
}

impl Plan {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The client declares that it can be asked back, and answers.
    pub(crate) fn answering(mut self) -> Self {
        self.answers = true;
        self
    }

    /// Calls the tool `name`.
    pub(crate) fn call(mut self, name: &str, arguments: Value) -> Self {
        self.calls.push(Call { name: name.to_owned(), arguments });
        self
    }
}

impl Client {
    /// All clients of Streamable HTTP.
    pub(crate) const ALL: [Self; 9] = [
        Self::TypescriptV1,
        Self::TypescriptV2Legacy,
        Self::TypescriptV2Modern,
        Self::TypescriptV2Auto,
        Self::PythonLegacy,
        Self::PythonModern,
        Self::PythonAuto,
        Self::InspectorLegacy,
        Self::InspectorModern,
    ];

    /// The clients that a server can ask back: the inspector's command line has nobody to ask.
    pub(crate) const ANSWERING: [Self; 5] = [
        Self::TypescriptV1,
        Self::TypescriptV2Legacy,
        Self::TypescriptV2Modern,
        Self::PythonLegacy,
        Self::PythonModern,
    ];

    /// Has the client carry out `plan` at `url`.
    ///
    /// # Panics
    ///
    /// If it fails, or speaks another era than it was told to.
    pub(crate) async fn run(self, url: &str, plan: &Plan) -> Seen {
        let seen = match self {
            Self::InspectorLegacy | Self::InspectorModern => self.inspect(url, plan).await,
            _ => self.answer(self.script(url, plan)).await,
        };
        self.check(&seen, plan);
        seen
    }

    /// Has a client that is a script carry out `plan` at `url`, which has a certificate by the
    /// authority in the file `ca`.
    pub(crate) async fn run_trusting(self, url: &str, plan: &Plan, ca: &Path) -> Seen {
        let mut command = self.script(url, plan);
        command.env("NODE_EXTRA_CA_CERTS", ca).env("SSL_CERT_FILE", ca);
        let seen = self.answer(command).await;
        self.check(&seen, plan);
        seen
    }

    fn check(self, seen: &Seen, plan: &Plan) {
        if let Some(revision) = &seen.revision {
            let modern = revision.as_str() >= "2026-07-28";
            assert_eq!(modern, self.era() != "legacy", "{self:?} spoke {revision}");
        }
        assert_eq!(seen.results.len(), plan.calls.len(), "{self:?} made other calls: {seen:?}");
    }

    fn era(self) -> &'static str {
        match self {
            Self::TypescriptV1
            | Self::TypescriptV1Sse
            | Self::TypescriptV2Legacy
            | Self::PythonLegacy
            | Self::PythonSse
            | Self::InspectorLegacy => "legacy",
            Self::TypescriptV2Modern | Self::PythonModern | Self::InspectorModern => "modern",
            Self::TypescriptV2Auto | Self::PythonAuto => "auto",
        }
    }

    fn script(self, url: &str, plan: &Plan) -> Command {
        let mut plan = serde_json::to_value(plan).expect("a plan is JSON");
        plan["era"] = self.era().into();
        if matches!(self, Self::TypescriptV1Sse | Self::PythonSse) {
            plan["transport"] = "sse".into();
        }
        let mut command = match self {
            Self::TypescriptV1 | Self::TypescriptV1Sse => node::script(script("typescript_v1.cjs")),
            Self::PythonLegacy | Self::PythonModern | Self::PythonAuto | Self::PythonSse => {
                let mut command = process::command(node::python());
                command.arg(script("python.py"));
                command
            }
            _ => node::script(script("typescript_v2.cjs")),
        };
        command.arg(url).arg(plan.to_string());
        command
    }

    /// The inspector does one thing each time it is run.
    async fn inspect(self, url: &str, plan: &Plan) -> Seen {
        let listed = self.answer::<Value>(self.inspector(url, "tools/list")).await;
        let names = listed["result"]["tools"].as_array().into_iter().flatten();
        let names = names.filter_map(|tool| tool["name"].as_str().map(str::to_owned));
        let mut seen = Seen { revision: None, tools: names.collect(), results: Vec::new() };
        for call in &plan.calls {
            let mut command = self.inspector(url, "tools/call");
            command.args(["--tool-name", &call.name]);
            command.args(["--tool-args-json", &call.arguments.to_string()]);
            let answer = self.answer::<Value>(command).await;
            seen.results.push(answer["result"].clone());
        }
        seen
    }

    fn inspector(self, url: &str, method: &str) -> Command {
        let launcher = "clients/launcher/build/index.js";
        let mut command = node::script(node::package("@modelcontextprotocol/inspector", launcher));
        // It keeps its own notes under its home.
        command.env("HOME", env!("CARGO_TARGET_TMPDIR"));
        command.args(["--cli", url, "--transport", "http", "--protocol-era", self.era()]);
        command.args(["--format", "json", "--quiet", "--method", method]);
        command
    }

    /// What the command says in the last line it prints.
    async fn answer<T: serde::de::DeserializeOwned>(self, command: Command) -> T {
        let finished = process::run(command, LIMIT).await;
        let finished = finished.unwrap_or_else(|reason| panic!("{self:?}: {reason}"));
        let line = finished.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| panic!("{self:?} failed: {finished}"))
    }
}

impl Seen {
    /// Panics unless all of `names` were listed, in any order among others.
    #[track_caller]
    pub(crate) fn assert_has_tools(&self, names: &[&str]) {
        let is_missing = |name: &&&str| !self.tools.iter().any(|listed| listed == **name);
        let missing: Vec<_> = names.iter().filter(is_missing).collect();
        assert!(missing.is_empty(), "{missing:?} are missing in {:?}", self.tools);
    }

    /// The text of the result of the call at `index`.
    #[track_caller]
    pub(crate) fn text(&self, index: usize) -> &str {
        let result = &self.results[index];
        let text = result["content"][0]["text"].as_str();
        text.unwrap_or_else(|| panic!("the result {index} has no text: {result}"))
    }

    /// Whether the tool of the call at `index` says that it failed.
    pub(crate) fn is_error(&self, index: usize) -> bool {
        self.results[index]["isError"] == Value::Bool(true)
    }
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}
