//! One event stream: what was said on it, who reads it, and what is kept of it.
//!
//! Pure but for the reader's queue: the moment is handed in, and nothing waits. Bounds are decided by
//! who holds the streams of a session; this says what goes first.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bytes::Bytes;
use gantry_core::ErrorCode;
use gantry_protocol::message::{Kind, failure};
use gantry_protocol::{Message, RpcError, sse};
use gantry_transport::server::EventSender;
use tokio::time::Instant;

use crate::causes;

/// What a stream is for; part of the ids of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// The answers to the requests of one body; it ends with the last.
    Call,
    /// What belongs to no request.
    Standalone,
}

/// The id of an event: a stream that nobody can guess, and a place on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    /// What the stream is for, as the client says.
    pub kind: StreamKind,
    pub(super) stream: u64,
    pub(super) number: u64,
}

impl EventId {
    /// Reads an id; `None` for one that is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = match text.split_at_checked(1)? {
            ("c", rest) => (StreamKind::Call, rest),
            ("s", rest) => (StreamKind::Standalone, rest),
            _ => return None,
        };
        let (stream, number) = rest.split_once('-')?;
        let is_plain = |text: &str, most: usize, digit: fn(&u8) -> bool| {
            !text.is_empty() && text.len() <= most && text.as_bytes().iter().all(digit)
        };
        let is_ours = is_plain(stream, 16, u8::is_ascii_hexdigit)
            && stream.len() == 16
            && is_plain(number, 19, u8::is_ascii_digit);
        is_ours.then_some(())?;
        let stream = u64::from_str_radix(stream, 16).ok()?;
        Some(Self { kind, stream, number: number.parse().ok()? })
    }

    pub(super) fn text(self) -> String {
        let kind = match self.kind {
            StreamKind::Call => 'c',
            StreamKind::Standalone => 's',
        };
        let mut text = String::with_capacity(24);
        let _ = write!(text, "{kind}{:016x}-{}", self.stream, self.number);
        text
    }
}

/// How much an event matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Weight {
    /// Progress and log: the first to go.
    Light,
    /// Whatever must arrive; the digest of the message.
    Must(u64),
    /// A question that is withdrawn while nobody has read it.
    Question(Box<str>),
    /// Stands for an answer that was too large to be kept.
    Substitute,
}

impl Weight {
    pub(super) fn must(message: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        message.hash(&mut hasher);
        Self::Must(hasher.finish())
    }
}

#[derive(Debug)]
struct Event {
    number: u64,
    at: Instant,
    frame: Bytes,
    weight: Weight,
}

/// Who reads a stream.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) number: u64,
    pub(super) sender: EventSender,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// Random.
    pub(super) number: u64,
    pub(super) kind: StreamKind,
    pub(super) reader: Option<Reader>,
    /// When the last reader left, or the stream began.
    pub(super) left: Instant,
    pub(super) finished: Option<Instant>,
    /// The number of the next event; the first is 1, because 0 is before all of them.
    next: u64,
    /// Events below were handed to a reader.
    handed: u64,
    /// The last event that is not kept any more; 0 if all are.
    lost: u64,
    log: VecDeque<Event>,
    bytes: usize,
}

impl Stream {
    pub(super) fn new(number: u64, kind: StreamKind, now: Instant) -> Self {
        Self {
            number,
            kind,
            reader: None,
            left: now,
            finished: None,
            next: 1,
            handed: 1,
            lost: 0,
            log: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(super) fn id(&self, number: u64) -> EventId {
        EventId { kind: self.kind, stream: self.number, number }
    }

    pub(super) fn n_events(&self) -> usize {
        self.log.len()
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.bytes
    }

    /// The message as it would be sent next.
    pub(super) fn frame(&self, message: &[u8]) -> Bytes {
        sse::event(message, Some(&self.id(self.next).text()), None)
    }

    /// Keeps the frame that was made last; `handed` tells whether a reader has got it.
    pub(super) fn push(&mut self, frame: Bytes, weight: Weight, handed: bool, now: Instant) {
        self.bytes += frame.len();
        self.log.push_back(Event { number: self.next, at: now, frame, weight });
        self.next += 1;
        if handed {
            self.handed = self.next;
        }
    }

    /// Tells whether the same message waits already for somebody who reads it.
    pub(super) fn holds_unread(&self, weight: &Weight) -> bool {
        self.unread().any(|event| event.weight == *weight)
    }

    /// Counts what waits for a reader and must arrive.
    pub(super) fn n_unread(&self) -> usize {
        self.unread().filter(|event| event.weight != Weight::Light).count()
    }

    fn unread(&self) -> impl Iterator<Item = &Event> {
        self.log.iter().filter(|event| event.number >= self.handed)
    }

    /// Takes back a question that nobody has read; `false` if it was read, or is not there.
    pub(super) fn withdraw(&mut self, question: &str) -> bool {
        let handed = self.handed;
        let at = self.log.iter().position(|event| {
            event.number >= handed
                && matches!(&event.weight, Weight::Question(id) if **id == *question)
        });
        let event = at.and_then(|at| self.log.remove(at));
        self.bytes -= event.as_ref().map_or(0, |event| event.frame.len());
        event.is_some()
    }

    /// Tells whether a question waits for a reader.
    pub(super) fn holds_question(&self, question: &str) -> bool {
        self.unread()
            .any(|event| matches!(&event.weight, Weight::Question(id) if **id == *question))
    }

    /// Returns what a stream begins with that nobody has read: the id before the first of it, and
    /// the events in one piece.
    pub(super) fn unread_frames(&self) -> (EventId, Vec<u8>) {
        let first = self.unread().next().map_or(self.next, |event| event.number);
        let frames = self.unread().flat_map(|event| &event.frame[..]).copied().collect();
        (self.id(first - 1), frames)
    }

    /// Returns the events after `number`, and whether none of them is missing; `None` if there
    /// never was an event of that number.
    pub(super) fn after(&self, number: u64) -> Option<(Vec<u8>, bool)> {
        if number >= self.next {
            return None;
        }
        let events = self.log.iter().filter(|event| event.number > number);
        let frames = events.flat_map(|event| &event.frame[..]).copied().collect();
        Some((frames, self.lost <= number))
    }

    /// Notes that a reader has got everything so far.
    pub(super) fn hand_over(&mut self) {
        self.handed = self.next;
    }

    /// Lets go of the event that matters least, the oldest of them; `false` if there is none. An
    /// answer is first replaced by an error that says so, for a client that has not got it.
    pub(super) fn evict(&mut self) -> bool {
        let light = self.log.iter().position(|event| event.weight == Weight::Light);
        let read = || self.log.front().filter(|event| event.number < self.handed).map(|_| 0);
        let Some(at) = light.or_else(read).or((!self.log.is_empty()).then_some(0)) else {
            return false;
        };
        if let Some(frame) = self.substitute(at) {
            let event = &mut self.log[at];
            self.bytes = self.bytes - event.frame.len() + frame.len();
            event.frame = frame;
            event.weight = Weight::Substitute;
            return true;
        }
        self.remove(at);
        true
    }

    fn remove(&mut self, at: usize) {
        let Some(event) = self.log.remove(at) else { return };
        self.bytes -= event.frame.len();
        self.lost = self.lost.max(event.number);
    }

    /// Makes what is sent instead of an answer; `None` if it is none, or would not be smaller.
    fn substitute(&self, at: usize) -> Option<Bytes> {
        let event = &self.log[at];
        if !matches!(event.weight, Weight::Must(_)) {
            return None;
        }
        let mut parser = sse::Parser::new(event.frame.len());
        parser.push(&event.frame);
        let message = Message::parse(parser.next()?.ok()?.data).ok()?;
        if !matches!(message.kind(), Kind::Response | Kind::Error) {
            return None;
        }
        let text = "the answer is not kept any more for a client that comes back for it; \
                    see `streams.replay_bytes`";
        let error = RpcError::internal("answer_not_kept", text);
        let error = causes::with_code(error, ErrorCode::AnswerNotKept);
        let id = self.id(event.number).text();
        let frame = sse::event(&failure(message.id(), &error), Some(&id), None);
        (frame.len() < event.frame.len()).then_some(frame)
    }

    /// Lets go of what a reader got before that moment, and of progress and log from before it.
    pub(super) fn forget_before(&mut self, moment: Instant) {
        let mut at = 0;
        while at < self.log.len() {
            let event = &self.log[at];
            let is_done = event.number < self.handed || event.weight == Weight::Light;
            if event.at < moment && is_done {
                self.remove(at);
            } else {
                at += 1;
            }
        }
        if self.log.is_empty() {
            self.log.shrink_to_fit();
        }
    }
}
