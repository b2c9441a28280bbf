//! One HTTP exchange, or one message on a pipe, that waits for the answers to its requests.
//!
//! It begins quiet. If the answers come first, they go out as plain JSON; if something is said
//! before them or they take long, it turns into a stream, and what comes later goes there.
//!
//! Invariant: nothing is sent after the last answer, and nothing is sent twice.

use bytes::{BufMut as _, Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::hub::{Sink, Way};

/// Notifications kept while an exchange is quiet.
const MAX_SAID: usize = 64;

/// The answers under way.
#[derive(Debug)]
pub(super) struct Exchange {
    state: Mutex<State>,
    wake: Notify,
    /// Told when it becomes a stream.
    opened: Notify,
    /// Whether this client can take a stream.
    streams: bool,
    /// Fires when the client went away, unless it may come again for the rest of a stream.
    pub(super) gone: CancellationToken,
}

#[derive(Debug)]
enum State {
    /// Nothing has gone out yet.
    Quiet { said: Vec<Bytes>, answers: Vec<Bytes>, open: usize },
    /// What is said goes out at once; answers too, unless they are gathered into one array.
    Open { sink: Sink, open: usize, gathered: Option<Vec<Bytes>> },
    /// All is said.
    Over,
}

/// What a quiet exchange became.
#[derive(Debug)]
pub(super) enum Settled {
    /// The answers came first.
    Answers(Vec<Bytes>),
    /// The rest comes as a stream.
    Stream,
}

impl Exchange {
    /// Begins a quiet exchange of that many requests.
    pub(super) fn new(requests: usize, streams: bool, gone: CancellationToken) -> Self {
        let state = State::Quiet { said: Vec::new(), answers: Vec::new(), open: requests };
        Self { state: Mutex::new(state), wake: Notify::new(), opened: Notify::new(), streams, gone }
    }

    /// Begins an exchange on a pipe; the answers to a `batch` go out as one array.
    pub(super) fn on_pipe(sink: Sink, requests: usize, batch: bool) -> Self {
        let state = State::Open { sink, open: requests, gathered: batch.then(Vec::new) };
        Self {
            state: Mutex::new(state),
            wake: Notify::new(),
            opened: Notify::new(),
            streams: true,
            gone: CancellationToken::new(),
        }
    }

    /// Says something that may be lost; `false` when it is.
    pub(super) fn say(&self, message: Bytes) -> bool {
        if !self.streams {
            return false;
        }
        match &mut *self.state.lock() {
            State::Quiet { said, .. } if said.len() >= MAX_SAID => return false,
            State::Quiet { said, .. } => said.push(message),
            State::Open { sink, .. } => return sink.offer(message),
            State::Over => return false,
        }
        self.wake.notify_one();
        true
    }

    /// Says something that must arrive; `false` when nobody can hear it.
    ///
    /// Cancel safe.
    pub(super) async fn insist(&self, message: Bytes) -> bool {
        if !self.streams || self.gone.is_cancelled() {
            return false;
        }
        let sink = match &mut *self.state.lock() {
            State::Quiet { said, .. } => {
                said.push(message.clone());
                None
            }
            State::Open { sink, .. } => Some(sink.clone()),
            State::Over => return false,
        };
        if let Some(sink) = sink {
            return sink.send(message).await;
        }
        self.wake.notify_one();
        true
    }

    /// Gives the answer to one request; `None` when it gets none, because it was cancelled.
    pub(super) async fn finish(&self, answer: Option<Bytes>) {
        let Some((sink, message)) = self.take_answer(answer) else { return };
        if let Some(message) = message {
            sink.send(message).await;
        }
        let mut state = self.state.lock();
        if matches!(&*state, State::Open { open: 0, .. }) {
            *state = State::Over;
        }
    }

    /// Counts an answer; returns what must be sent now, and where.
    fn take_answer(&self, answer: Option<Bytes>) -> Option<(Sink, Option<Bytes>)> {
        match &mut *self.state.lock() {
            State::Quiet { answers, open, .. } => {
                answers.extend(answer);
                *open = open.saturating_sub(1);
                if *open == 0 {
                    self.wake.notify_one();
                }
                None
            }
            State::Open { sink, open, gathered } => {
                *open = open.saturating_sub(1);
                let Some(gathered) = gathered else { return Some((sink.clone(), answer)) };
                gathered.extend(answer);
                if *open > 0 {
                    return None;
                }
                let whole = (!gathered.is_empty()).then(|| array(gathered));
                Some((sink.clone(), whole))
            }
            State::Over => None,
        }
    }

    /// Resolves when every answer is there, or something was said.
    ///
    /// Cancel safe.
    pub(super) async fn ready(&self) {
        loop {
            if let State::Quiet { said, open, .. } = &*self.state.lock()
                && said.is_empty()
                && *open > 0
            {
                // Falls through to the wait; the permit of `notify_one` closes the gap.
            } else {
                return;
            }
            self.wake.notified().await;
        }
    }

    /// Tells whether anything was said.
    pub(super) fn spoke(&self) -> bool {
        matches!(&*self.state.lock(), State::Quiet { said, .. } if !said.is_empty())
    }

    /// Decides what the exchange becomes. `json` tells whether this client can take plain
    /// answers; `sink` makes the stream when there must be one, which begins with what it is given.
    pub(super) fn settle(&self, json: bool, sink: impl FnOnce(&[Bytes]) -> Sink) -> Settled {
        let mut state = self.state.lock();
        let State::Quiet { said, answers, open } = &mut *state else { return Settled::Stream };
        if *open == 0 && said.is_empty() && (json || answers.is_empty()) {
            let answers = std::mem::take(answers);
            *state = State::Over;
            return Settled::Answers(answers);
        }
        let mut first = std::mem::take(said);
        first.append(answers);
        let sink = sink(&first);
        *state = match *open {
            0 => State::Over,
            open => State::Open { sink, open, gathered: None },
        };
        drop(state);
        self.opened.notify_waiters();
        Settled::Stream
    }

    /// Resolves when nobody hears what is said any more, nor will.
    ///
    /// Cancel safe.
    pub(super) async fn abandoned(&self) {
        loop {
            let mut opened = std::pin::pin!(self.opened.notified());
            opened.as_mut().enable();
            let place = match &*self.state.lock() {
                State::Quiet { .. } => None,
                State::Open { sink, .. } => Some(sink.place()),
                State::Over => return,
            };
            match place {
                // A stream that can be resumed is waited for.
                Some(Some((streams, number))) => return streams.abandoned(number).await,
                Some(None) => return self.gone.cancelled().await,
                None => tokio::select! {
                    () = opened => {}
                    () = self.gone.cancelled() => return,
                },
            }
        }
    }
}

impl Way for Exchange {
    fn offer(&self, message: Bytes) -> bool {
        self.say(message)
    }
}

/// Makes a JSON array of messages.
pub(super) fn array(messages: &[Bytes]) -> Bytes {
    let size: usize = messages.iter().map(|message| message.len() + 1).sum();
    let mut out = BytesMut::with_capacity(size + 2);
    out.put_u8(b'[');
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        out.put_slice(message);
    }
    out.put_u8(b']');
    out.freeze()
}

#[cfg(test)]
mod tests;
