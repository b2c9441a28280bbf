//! A scripted upstream: an MCP server that does what its test says, and remembers what it was sent.
//!
//! Over HTTP it lives inside the test, on a real socket ([`Scripted`]); on stdio it is the program
//! `examples/scripted_stdio.rs` ([`stdio::StdioScript`]). It shares no code with the gateway, and
//! what is not scripted it does as a plain server of its era does.
//!
//! ```ignore
//! let upstream = Scripted::legacy("2025-11-25")                 // or modern(), or dual()
//!     .tool("add", json!({}), |seen| Answer::text(seen.arguments()["a"].to_string()))
//!     .resource("test://a", json!({}), |_| Answer::Result(json!({ "contents": [] })))
//!     .on("completion/complete", |_| Answer::error(-32602, "no"))  // any method; wins over all else
//!     .first(|seen| seen.header("authorization").is_none().then(|| Answer::status(401)))
//!     .start()
//!     .await;
//! let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
//! // What Gantry sent, in order; `wait_for` waits until there are that many.
//! let calls = upstream.wait_for("tools/call", 1).await;
//! assert_eq!(calls[0].header("mcp-name"), Some("add"));
//! // Said outside of calls: on the GET streams (legacy) or the listens that asked for it (modern).
//! upstream.push("notifications/tools/list_changed", json!({})).await;
//! // Changed while it runs.
//! upstream.change(|script| script.tool("more", json!({}), |_| Answer::text("more")));
//! upstream.turn_into(Scripted::modern());
//! upstream.expire_sessions();
//! upstream.break_streams();
//! ```
//!
//! A handler is given the request ([`Seen`]) and returns an [`Answer`]; one that says something
//! before it answers, or asks back, is an [`Answer::talk`]:
//!
//! ```ignore
//! .tool("ask", json!({}), |_| Answer::talk(async |talk| {
//!     talk.progress(0.5).await;
//!     talk.notify("notifications/message", json!({ "level": "info", "data": "hm" })).await;
//!     let answer = talk.ask("elicitation/create", json!({ "message": "?" })).await;
//!     Answer::text(answer["result"]["action"].to_string())
//! }))
//! ```
//!
//! All waiting has a limit and fails its test with everything that was seen.

pub(crate) mod answer;
mod body;
mod defaults;
mod http;
pub(crate) mod log;
mod script;
mod sse;
mod state;
pub(crate) mod stdio;

use std::{net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

pub(crate) use self::{
    answer::Answer,
    log::{End, Seen},
    script::Script,
};
use self::{log::Log, state::State};
use super::wait::eventually;

/// A running upstream; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Scripted {
    address: SocketAddr,
    state: Arc<State>,
    _server: JoinSet<()>,
}

impl Scripted {
    /// A server of one legacy revision, with sessions and a GET stream.
    pub(crate) fn legacy(revision: &str) -> Script {
        Script::new(&[revision])
    }

    /// A server of 2026-07-28 alone, which checks envelopes and headers.
    pub(crate) fn modern() -> Script {
        Script::new(&["2026-07-28"])
    }

    /// A server of all revisions: what has an envelope is served as modern, all else as legacy.
    pub(crate) fn dual() -> Script {
        Script::new(&["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
    }

    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State::new(script));
        let mut server = JoinSet::new();
        server.spawn(http::serve(listener, Arc::clone(&state)));
        Self { address, state, _server: server }
    }

    /// Its endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Its entry under `servers` in a configuration. Add keys to it as needed.
    pub(crate) fn server(&self) -> Value {
        json!({ "url": self.url(), "probe_timeout": "2s", "timeout": "10s" })
    }

    // === what it was sent ===

    /// Everything that was sent so far: each POST, GET and DELETE in order of arrival.
    pub(crate) fn seen(&self) -> Vec<Arc<Seen>> {
        self.log().all()
    }

    /// The messages of one method so far.
    pub(crate) fn seen_of(&self, method: &str) -> Vec<Arc<Seen>> {
        self.seen().into_iter().filter(|seen| seen.method() == method).collect()
    }

    /// Waits until `count` messages of a method have come, and returns all of that method.
    #[track_caller]
    pub(crate) fn wait_for(
        &self,
        method: &str,
        count: usize,
    ) -> impl Future<Output = Vec<Arc<Seen>>> + use<> {
        let method = method.to_owned();
        self.wait_until(&format!("{count} times `{method}`"), move |seen| {
            let of_method = seen.iter().filter(|seen| seen.method() == method);
            let of_method: Vec<_> = of_method.cloned().collect();
            (of_method.len() >= count).then_some(of_method)
        })
    }

    /// Waits until `look` makes something of what was sent.
    #[track_caller]
    pub(crate) fn wait_until<T, L: FnMut(&[Arc<Seen>]) -> Option<T>>(
        &self,
        what: &str,
        look: L,
    ) -> impl Future<Output = T> + use<T, L> {
        self.log().wait_until(what, look)
    }

    /// Forgets what was sent so far.
    pub(crate) fn forget(&self) {
        self.log().clear();
    }

    fn log(&self) -> &Log {
        &self.state.log
    }

    // === what it says by itself ===

    /// Sends a notification to everybody who listens for it, and waits until somebody does:
    /// on each GET stream, and on each listen stream whose filter has it. Returns how many.
    #[track_caller]
    pub(crate) fn push(&self, method: &str, params: Value) -> impl Future<Output = usize> + use<> {
        let what = format!("somebody listens for `{method}`");
        let state = Arc::clone(&self.state);
        let method = method.to_owned();
        eventually(&what, async move || {
            let sent = state.push(&method, &params);
            (sent > 0).then_some(sent)
        })
    }

    /// Sends a notification to those who listen for it right now; returns how many.
    pub(crate) fn push_now(&self, method: &str, params: &Value) -> usize {
        self.state.push(method, params)
    }

    /// Asks the client something on the GET stream, and waits for its answer, a whole message.
    #[track_caller]
    pub(crate) fn ask_outside(
        &self,
        method: &str,
        params: Value,
    ) -> impl Future<Output = Value> + use<> {
        self.state.ask_outside(method, params)
    }

    /// Waits until that many GET and listen streams are open.
    #[track_caller]
    pub(crate) fn wait_for_streams(&self, count: usize) -> impl Future<Output = ()> + use<> {
        let state = Arc::clone(&self.state);
        eventually(&format!("{count} streams"), async move || {
            (state.streams() == count).then_some(())
        })
    }

    /// Cuts the GET and listen streams in the middle.
    pub(crate) fn break_streams(&self) {
        self.state.break_streams();
    }

    /// Ends the listen streams well: each gets its result.
    pub(crate) fn end_listens(&self) {
        self.state.end_listens();
    }

    // === how it changes ===

    /// Changes what it does from now on.
    pub(crate) fn change(&self, change: impl FnOnce(Script) -> Script) {
        self.state.change(change);
    }

    /// Becomes another server at the same address; open streams and sessions stay, see
    /// [`Self::expire_sessions`] and [`Self::break_streams`].
    pub(crate) fn turn_into(&self, script: Script) {
        self.state.change(|_| script);
    }

    /// The ids of its legacy sessions.
    pub(crate) fn sessions(&self) -> Vec<String> {
        self.state.sessions()
    }

    /// Forgets its sessions, so that each of them is answered 404.
    pub(crate) fn expire_sessions(&self) {
        self.state.expire_sessions();
    }
}
