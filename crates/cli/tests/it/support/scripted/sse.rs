//! The HTTP+SSE side of a scripted upstream, the transport of 2024-11-05: GET opens a session, and
//! all that is answered to a POST comes on its stream.

use std::sync::Arc;

use hyper::Response;
use tokio::sync::mpsc;

use super::{
    answer::{Answer, Talk},
    body::{Broken, Frame, Guard, Reply, event, plain, stream},
    http::{Turn, message_of},
    state::{QUEUE, Stream},
};

/// Where messages are posted; the session follows.
const MESSAGES: &str = "/messages?session=";

impl Turn<'_> {
    pub(super) fn over_sse(&self, guard: Guard) -> Response<Reply> {
        match (self.seen.verb.as_str(), self.seen.path.strip_prefix(MESSAGES)) {
            ("GET", None) => self.open_sse(guard),
            ("POST", Some(session)) => match self.way_of(session) {
                Some(way) => self.hear_over_sse(&way, guard),
                None => plain(404, guard),
            },
            _ => plain(405, guard),
        }
    }

    fn open_sse(&self, guard: Guard) -> Response<Reply> {
        let (way, frames) = mpsc::channel(QUEUE);
        let session = self.state.open_session();
        let first = format!("event: endpoint\ndata: {MESSAGES}{session}\n\n");
        let _ = way.try_send(Ok(first.into()));
        self.state.streams.lock().push(Stream { session: Some(session), listen: None, way });
        stream(frames, guard)
    }

    fn way_of(&self, session: &str) -> Option<mpsc::Sender<Frame>> {
        let streams = self.state.streams.lock();
        let stream = streams.iter().find(|stream| stream.session.as_deref() == Some(session))?;
        (!stream.way.is_closed()).then(|| stream.way.clone())
    }

    fn hear_over_sse(&self, way: &mpsc::Sender<Frame>, guard: Guard) -> Response<Reply> {
        if self.seen.method().is_empty() {
            self.state.hear_answer(&self.seen.message);
            return plain(202, guard);
        }
        let scripted = self.script.scripted(&self.seen);
        if let Answer::Status { status, .. } = scripted {
            return plain(status, guard);
        }
        if !self.seen.id().is_null() {
            let answer = match scripted {
                Answer::Default => self.default_answer(),
                answer => answer,
            };
            self.answer_over_sse(way.clone(), answer);
        }
        plain(202, guard)
    }

    fn answer_over_sse(&self, way: mpsc::Sender<Frame>, answer: Answer) {
        let talk = Talk { seen: Arc::clone(&self.seen), state: Arc::clone(self.state), way };
        let (state, script) = (Arc::clone(self.state), Arc::clone(&self.script));
        let task = async move {
            let (seen, way) = (Arc::clone(&talk.seen), talk.way.clone());
            let answer = match answer {
                Answer::Talk(run) => run(talk).await,
                answer => answer,
            };
            match answer {
                Answer::Hang => {}
                Answer::Reset => drop(way.send(Err(Broken)).await),
                answer => {
                    let turn = Turn { state: &state, script, seen, modern: false };
                    let _ = way.send(Ok(event(&message_of(&turn, answer)))).await;
                }
            }
        };
        self.state.talks.lock().spawn(task);
    }
}
