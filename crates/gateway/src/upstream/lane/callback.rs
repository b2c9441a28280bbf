//! The upstream asks back: whom, and how the answer returns.

use std::sync::Arc;

use bytes::Bytes;
use gantry_core::session::SessionId;
use gantry_protocol::message::{failure, response};
use gantry_protocol::{Id, Message, RpcError, method};
use tokio_util::sync::CancellationToken;

use super::super::flight::Flight;
use super::super::scope::Scope;
use super::Lane;

/// Callbacks that one lane may have open: more is a fault of the upstream.
const MAX_CALLBACKS: usize = 64;

/// Whom a callback is for.
enum Asked {
    Caller(Arc<Flight>),
    Session(SessionId),
}

impl Lane {
    pub(super) fn hear_request(self: &Arc<Self>, flight: Option<&Arc<Flight>>, request: Message) {
        let Some(id) = request.id().cloned() else { return };
        if request.method() == method::PING {
            self.answer(response(&id, b"{}"));
            return;
        }
        if !method::is_callback(request.method()) {
            let error = RpcError::method_not_found(request.method());
            self.answer(failure(Some(&id), &error));
            return;
        }
        self.shared.learn_question(request.method() == method::ROOTS_LIST);
        // A client must not be asked for what was not declared for it, whoever it is.
        let params = request.envelope().raw(request.bytes(), "params");
        if let Some(missing) = self.key.profile.missing_for(request.method(), params) {
            let text = format!("this client did not declare `{missing}`");
            self.answer(failure(Some(&id), &RpcError::invalid_params(text)));
            return;
        }
        let Some(asked) = self.whom(flight) else {
            let text = "no client is waiting that this could be asked of; ask within a call";
            self.answer(failure(Some(&id), &RpcError::invalid_params(text)));
            return;
        };
        let withdrawn = CancellationToken::new();
        {
            let mut callbacks = self.callbacks.lock();
            if callbacks.len() >= MAX_CALLBACKS || callbacks.contains_key(&id) {
                drop(callbacks);
                let error = RpcError::invalid_request("too many open requests, or a repeated id");
                self.answer(failure(Some(&id), &error));
                return;
            }
            callbacks.insert(id.clone(), withdrawn.clone());
        }
        let lane = Arc::clone(self);
        self.shared.deps.tasks.spawn("callback", async move {
            let answer = tokio::select! {
                answer = lane.put(&asked, &request) => Some(answer),
                () = withdrawn.cancelled() => None,
                () = lane.ended() => None,
            };
            lane.callbacks.lock().remove(&id);
            if let Some(answer) = answer {
                lane.answer(answered(&id, answer));
            }
        });
    }

    /// Finds the one client that a callback is for.
    fn whom(&self, flight: Option<&Arc<Flight>>) -> Option<Asked> {
        if let Some(flight) = flight {
            return Some(Asked::Caller(Arc::clone(flight)));
        }
        if let Some(flight) = self.flights.only_carrier() {
            return Some(Asked::Caller(flight));
        }
        match self.key.scope {
            Scope::Session(session) => Some(Asked::Session(session)),
            _ => None,
        }
    }

    /// Asks, while the clock of the call stands still.
    async fn put(&self, asked: &Asked, request: &Message) -> Result<Message, RpcError> {
        match asked {
            Asked::Caller(flight) => {
                self.remember_elicitation(request, flight.session);
                let _paused = flight.patience.pause();
                flight.link.ask(request).await
            }
            Asked::Session(session) => {
                self.remember_elicitation(request, Some(*session));
                self.shared.deps.outlet.ask_session(*session, request).await
            }
        }
    }

    /// Sends an answer without waiting for the wire.
    fn answer(self: &Arc<Self>, bytes: Bytes) {
        let lane = Arc::clone(self);
        self.shared.deps.tasks.spawn("callback-answer", async move { lane.tell(bytes).await });
    }
}

fn answered(id: &Id, answer: Result<Message, RpcError>) -> Bytes {
    match answer {
        Ok(answer) => answer.with_id(id),
        Err(error) => failure(Some(id), &error),
    }
}
