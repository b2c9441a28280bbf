//! The HTTP side of a scripted upstream: from a request to what is answered.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    answer::{Answer, Talk},
    body::{Broken, Content, Guard, Reply, event, plain, stream},
    log::{End, Seen},
    script::Script,
    state::{QUEUE, State, Stream},
};

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(serve_connection(socket, Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_connection(socket: TcpStream, state: Arc<State>) {
    let handle = socket.as_fd().try_clone_to_owned().expect("a socket can be cloned");
    let handle = Arc::new(handle);
    let service = service_fn(move |request| {
        let (state, handle) = (Arc::clone(&state), Arc::clone(&handle));
        async move {
            match exchange(&state, request).await {
                Ok(response) => Ok(response),
                Err(broken) => {
                    reset(&handle);
                    Err(broken)
                }
            }
        }
    });
    // That the other side went away, or is reset, is what tests are about.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

/// Makes the end of a connection a reset.
fn reset(socket: &OwnedFd) {
    let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}

async fn exchange(
    state: &Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Broken> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let seen = Arc::new(Seen {
        number: usize::try_from(state.next.fetch_add(1, Ordering::Relaxed)).unwrap_or_default(),
        at: Instant::now(),
        verb: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers,
        message: serde_json::from_slice(&body).unwrap_or_default(),
        body,
        end: watch::Sender::new(End::Open),
    });
    state.log.add(Arc::clone(&seen));
    let guard = Guard { seen: Arc::clone(&seen), talk: None };
    let script = Arc::clone(&state.script.lock());
    let turn = Turn { state, modern: script.is_modern(&seen), script, seen };
    match turn.first() {
        Answer::Default => {}
        answer => return turn.render(answer, guard).await,
    }
    if turn.script.sse {
        return Ok(turn.over_sse(guard));
    }
    match turn.seen.verb.as_str() {
        "GET" => Ok(turn.get(guard)),
        "DELETE" => Ok(turn.delete(guard)),
        _ => turn.post(guard).await,
    }
}

/// One request, and what it is judged by.
pub(super) struct Turn<'a> {
    pub(super) state: &'a Arc<State>,
    pub(super) script: Arc<Script>,
    pub(super) seen: Arc<Seen>,
    pub(super) modern: bool,
}

impl Turn<'_> {
    fn first(&self) -> Answer {
        self.script.first_answer(&self.seen)
    }

    fn get(&self, guard: Guard) -> Response<Reply> {
        if !self.script.speaks_legacy() || !self.script.get_stream {
            return plain(405, guard);
        }
        if self.script.sessions && !self.state.has_session(&self.seen) {
            return plain(if self.seen.session().is_some() { 404 } else { 405 }, guard);
        }
        let (way, frames) = mpsc::channel(QUEUE);
        let session = self.seen.session().map(str::to_owned);
        self.state.streams.lock().push(Stream { session, listen: None, way });
        stream(frames, guard)
    }

    fn delete(&self, guard: Guard) -> Response<Reply> {
        if !self.state.has_session(&self.seen) {
            return plain(if self.seen.session().is_some() { 404 } else { 405 }, guard);
        }
        let id = self.seen.session();
        self.state.sessions.lock().retain(|known| Some(known.as_str()) != id);
        self.state.streams.lock().retain(|stream| stream.session.as_deref() != id);
        plain(200, guard)
    }

    async fn post(&self, guard: Guard) -> Result<Response<Reply>, Broken> {
        let seen = &self.seen;
        let opens = matches!(seen.method(), "initialize" | "server/discover");
        let refusal = if opens { None } else { self.refusal() };
        if let Some(refusal) = refusal {
            return self.render(refusal, guard).await;
        }
        if seen.method().is_empty() {
            self.state.hear_answer(&seen.message);
            return Ok(plain(202, guard));
        }
        let scripted = self.script.scripted(seen);
        if seen.id().is_null() {
            return match scripted {
                answer @ (Answer::Status { .. } | Answer::Hang | Answer::Reset) => {
                    self.render(answer, guard).await
                }
                _ => Ok(plain(202, guard)),
            };
        }
        let answer = match scripted {
            Answer::Default => self.default_answer(),
            answer => answer,
        };
        if seen.method() == "subscriptions/listen" && matches!(answer, Answer::Default) {
            return Ok(self.listen(guard));
        }
        self.render(answer, guard).await
    }

    /// What is refused whatever is scripted: an envelope that is wrong, a session that is unknown.
    fn refusal(&self) -> Option<Answer> {
        let is_request = !self.seen.id().is_null() && !self.seen.method().is_empty();
        if self.modern {
            return if is_request { self.script.refusal(&self.seen) } else { None };
        }
        if !self.script.sessions || self.state.has_session(&self.seen) {
            return None;
        }
        Some(match self.seen.session() {
            Some(_) => Answer::refused(404, &self.seen, -32001, "Session not found"),
            None => Answer::refused(400, &self.seen, -32000, "Bad Request: no session"),
        })
    }

    pub(super) fn default_answer(&self) -> Answer {
        let seen = &self.seen;
        match (self.modern, seen.method()) {
            (true, "subscriptions/listen") => Answer::Default,
            (true, "initialize" | "server/discover") => {
                self.script.refusal(seen).unwrap_or_else(|| self.script.answer(seen, true))
            }
            (false, "initialize") => Answer::Result(self.script.initialize(seen)),
            (false, "server/discover") => {
                self.refusal().unwrap_or_else(|| self.script.answer(seen, false))
            }
            (modern, _) => self.script.answer(seen, modern),
        }
    }

    fn listen(&self, guard: Guard) -> Response<Reply> {
        let (way, frames) = mpsc::channel(QUEUE);
        let id = self.seen.id().clone();
        let filter = self.script.acknowledged(&self.seen.params()["notifications"]);
        let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
        let acknowledgement = json!({
            "jsonrpc": "2.0",
            "method": "notifications/subscriptions/acknowledged",
            "params": { "_meta": meta, "notifications": filter },
        });
        let _ = way.try_send(Ok(event(&acknowledgement.to_string())));
        self.state.streams.lock().push(Stream { session: None, listen: Some((id, filter)), way });
        stream(frames, guard)
    }

    async fn render(&self, answer: Answer, guard: Guard) -> Result<Response<Reply>, Broken> {
        let opens = self.seen.method() == "initialize" && !self.modern && self.script.sessions;
        let (status, body) = match answer {
            Answer::Hang => std::future::pending().await,
            Answer::Reset => return Err(Broken),
            Answer::Status { status, headers, body } => {
                let mut response = plain(status, guard);
                for (name, value) in headers {
                    let value = value.parse().expect("a header of a script can be sent");
                    response.headers_mut().insert(name, value);
                }
                response.body_mut().content = Content::Whole(Some(Bytes::from(body)));
                return Ok(response);
            }
            Answer::Stream(said, last) => {
                let talk = Answer::talk(async move |talk| {
                    for message in said {
                        talk.send(message).await;
                    }
                    *last
                });
                return Ok(self.talk(talk, guard, opens));
            }
            talk @ Answer::Talk(_) => return Ok(self.talk(talk, guard, opens)),
            answer => (status_of(&answer, self.modern), message_of(self, answer)),
        };
        let mut response = plain(status, guard);
        let json = "application/json".parse().expect("a constant");
        response.headers_mut().insert("content-type", json);
        response.body_mut().content = Content::Whole(Some(Bytes::from(body)));
        if opens && status == 200 {
            self.name_session(&mut response);
        }
        Ok(response)
    }

    fn name_session(&self, response: &mut Response<Reply>) {
        let id = self.state.open_session().parse().expect("our session ids are ASCII");
        response.headers_mut().insert("mcp-session-id", id);
    }

    /// Runs a talk for as long as the client listens.
    fn talk(&self, answer: Answer, mut guard: Guard, opens: bool) -> Response<Reply> {
        let Answer::Talk(run) = answer else { return plain(500, guard) };
        let (way, frames) = mpsc::channel(QUEUE);
        let talk =
            Talk { seen: Arc::clone(&self.seen), state: Arc::clone(self.state), way: way.clone() };
        let (state, script) = (Arc::clone(self.state), Arc::clone(&self.script));
        let (seen, modern) = (Arc::clone(&self.seen), self.modern);
        let task = async move {
            match run(talk).await {
                Answer::Hang => std::future::pending().await,
                Answer::Reset => drop(way.send(Err(Broken)).await),
                // The stream ends, and that is all.
                Answer::Status { .. } => {}
                answer => {
                    let turn = Turn { state: &state, script, seen, modern };
                    let message = message_of(&turn, answer);
                    let _ = way.send(Ok(event(&message))).await;
                }
            }
        };
        guard.talk = Some(self.state.talks.lock().spawn(task));
        let mut response = stream(frames, guard);
        if opens {
            self.name_session(&mut response);
        }
        response
    }
}

fn status_of(answer: &Answer, modern: bool) -> u16 {
    match answer {
        Answer::Error { code: -32601, .. } if modern => 404,
        Answer::Error { code: -32022..=-32020, .. } if modern => 400,
        _ => 200,
    }
}

/// The JSON-RPC message of an answer.
pub(super) fn message_of(turn: &Turn<'_>, answer: Answer) -> String {
    let id = turn.seen.id();
    match answer {
        Answer::Result(result) => {
            let method = turn.seen.method();
            let result = if turn.modern { turn.script.dress(method, result) } else { result };
            json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
        }
        Answer::RawResult(raw) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{raw}}}"#),
        Answer::Error { code, message, data } => {
            let mut error = json!({ "code": code, "message": message });
            if let Some(data) = data {
                error["data"] = data;
            }
            json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
        }
        other => {
            let error = json!({ "code": -32603, "message": format!("no script for {other:?}") });
            json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
        }
    }
}
