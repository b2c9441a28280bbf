//! The event streams of one legacy session: numbered, and kept for a while, so that one that was cut
//! can be resumed by `Last-Event-ID` (2025-11-25 `basic/transports`, Resumability and Redelivery).
//!
//! What is said on a stream goes to its reader and to its log, under one lock, so that the order of
//! numbers is the order on the wire. While nobody reads, it goes to the log alone. What is kept of a
//! session is bounded in events, bytes and time, and of all sessions in bytes ([`Replays`]).
//!
//! Invariant: the lock is held for moments, never across an `.await`. Only [`Streams::send`] waits,
//! for room in the queue of a reader, and for nothing once there is none.

mod log;
mod replays;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::seal::random;
use gantry_protocol::sse;
use gantry_transport::server::{EventBody, EventSender, event_stream};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

pub use log::{EventId, StreamKind};
pub use replays::Replays;

use super::session::next_number;
use crate::census::Fill;
use crate::spec::ReplayLimits;
use log::{Reader, Stream, Weight};

/// Messages that must arrive and wait for somebody who reads the standalone stream.
const MAX_UNREAD: usize = 64;
/// Finished streams that are kept.
const MAX_FINISHED: usize = 64;

/// How a stream is given to its reader.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Silence after which a comment is sent.
    pub keep_alive: Duration,
    /// Whether an event without data comes first, with the id from which a client may resume
    /// (since 2025-11-25), and how long it should wait before that.
    pub primer: Option<Duration>,
    /// What is kept.
    pub limits: ReplayLimits,
}

/// A stream that goes on for a reader.
#[derive(Debug)]
pub struct Resumed {
    /// What it reads from now on.
    pub body: EventBody,
    /// Whether everything after the event it named is in it.
    pub is_complete: bool,
}

/// The streams of one session.
#[derive(Debug)]
pub struct Streams {
    replays: Arc<Replays>,
    inner: Mutex<Inner>,
    /// Told when a reader comes or goes.
    readers: Notify,
}

#[derive(Debug)]
struct Inner {
    /// In the order in which they began.
    streams: Vec<Stream>,
    limits: ReplayLimits,
}

/// The feeding end of one stream, which ends with it.
#[derive(Debug)]
pub struct Feed {
    streams: Arc<Streams>,
    number: u64,
}

/// Held by a body; dropped when its client goes away.
struct Attached {
    streams: Arc<Streams>,
    stream: u64,
    reader: u64,
}

// === impl Streams ===

impl Streams {
    /// Makes the streams of a session that has none yet.
    pub fn new(replays: &Arc<Replays>, limits: ReplayLimits) -> Arc<Self> {
        let streams = Arc::new(Self {
            replays: Arc::clone(replays),
            inner: Mutex::new(Inner { streams: Vec::new(), limits }),
            readers: Notify::new(),
        });
        replays.add(&streams);
        streams
    }

    /// Begins the stream of a call, whose reader gets these messages first.
    pub fn begin(self: &Arc<Self>, reading: Reading, first: &[Bytes]) -> (Feed, EventBody) {
        let number = random::<8>().map_or_else(|_| next_number(), u64::from_be_bytes);
        let feed = Feed { streams: Arc::clone(self), number };
        let body = self.changing(|inner, now| {
            inner.limits = reading.limits;
            let mut stream = Stream::new(number, StreamKind::Call, now);
            push_all(&mut stream, first, now);
            inner.streams.push(stream);
            self.attach(inner, number, reading)
        });
        (feed, body)
    }

    /// Gives the standalone stream to a reader, from where the last one stopped; `waiting` are
    /// messages from before there was one. An older reader's stream ends.
    pub fn standalone(self: &Arc<Self>, reading: Reading, waiting: &[Bytes]) -> EventBody {
        self.changing(|inner, now| {
            inner.limits = reading.limits;
            let number = if let Some(stream) = inner.standalone() {
                stream.number
            } else {
                let number = random::<8>().map_or_else(|_| next_number(), u64::from_be_bytes);
                inner.streams.insert(0, Stream::new(number, StreamKind::Standalone, now));
                number
            };
            if let Some(stream) = inner.stream(number) {
                push_all(stream, waiting, now);
            }
            self.attach(inner, number, reading)
        })
    }

    /// Goes on after an event; `None` if it is not known here.
    pub fn resume(self: &Arc<Self>, after: EventId, reading: Reading) -> Option<Resumed> {
        self.changing(|inner, _| {
            let stream = inner.stream(after.stream).filter(|stream| stream.kind == after.kind)?;
            let (frames, is_complete) = stream.after(after.number)?;
            let mut first = Vec::new();
            if !is_complete {
                first.extend_from_slice(b": what came before this is not kept any more\n\n");
            }
            first.extend_from_slice(&frames);
            let body = self.read(stream, reading.keep_alive, first);
            Some(Resumed { body, is_complete })
        })
    }

    /// Says something that may be lost; `false` when it is.
    fn offer(&self, number: u64, message: &[u8]) -> bool {
        self.changing(|inner, now| {
            let limits = inner.limits;
            inner.stream(number).is_some_and(|stream| offer(stream, message, limits, now))
        })
    }

    /// Says something that must arrive, waiting for room; `false` when the stream is over.
    ///
    /// Cancel safe.
    async fn send(&self, number: u64, message: &[u8]) -> bool {
        loop {
            let full = self.changing(|inner, now| {
                let Some(stream) = inner.open_stream(number) else { return Err(false) };
                match insist(stream, message, Weight::must(message), now) {
                    Some(full) => Ok(full),
                    None => Err(true),
                }
            });
            let (reader, sender) = match full {
                Ok(full) => full,
                Err(said) => return said,
            };
            // Ordering: the number is given when there is room, so nobody overtakes.
            let Some(room) = sender.reserve().await else { continue };
            let said = self.changing(|inner, now| {
                let stream = inner.open_stream(number)?;
                stream.reader.as_ref().filter(|now| now.number == reader)?;
                let frame = stream.frame(message);
                room.send(frame.clone());
                stream.push(frame, Weight::must(message), true, now);
                Some(())
            });
            if said.is_some() {
                return true;
            }
        }
    }

    /// Says something on the standalone stream that must arrive, now or to the next reader; `None`
    /// if there is no such stream yet.
    pub fn tell(&self, message: &[u8], question: Option<&str>) -> Option<bool> {
        self.changing(|inner, now| {
            let stream = inner.standalone()?;
            let weight = match question {
                Some(id) => Weight::Question(id.into()),
                None => Weight::must(message),
            };
            if stream.reader.is_none() {
                if stream.holds_unread(&weight) {
                    return Some(true);
                }
                if stream.n_unread() >= MAX_UNREAD {
                    return Some(false);
                }
            }
            if insist(stream, message, weight.clone(), now).is_some() {
                // A reader that lets the queue fill loses its connection, not its messages: it
                // comes again and gets what was kept.
                stream.reader = None;
                stream.left = now;
                let frame = stream.frame(message);
                stream.push(frame, weight, false, now);
            }
            Some(true)
        })
    }

    /// Says something on the standalone stream that may be lost; `false` when it is.
    pub fn tell_now(&self, message: &[u8]) -> bool {
        self.changing(|inner, now| {
            let limits = inner.limits;
            inner.standalone().is_some_and(|stream| offer(stream, message, limits, now))
        })
    }

    /// Takes back a question that nobody has read.
    pub fn withdraw(&self, question: &str) -> bool {
        self.changing(|inner, _| inner.standalone().is_some_and(|stream| stream.withdraw(question)))
    }

    /// Tells whether a question waits for somebody who reads it.
    pub fn holds_question(&self, question: &str) -> bool {
        let mut inner = self.inner.lock();
        inner.standalone().is_some_and(|stream| stream.holds_question(question))
    }

    /// Tells how full the queue of the standalone stream is, if somebody reads it.
    pub fn fill(&self) -> Option<Fill> {
        let mut inner = self.inner.lock();
        let reader = inner.standalone()?.reader.as_ref()?;
        let (waiting, most) = reader.sender.fill();
        Some(Fill { waiting, most })
    }

    /// Tells whether somebody reads.
    pub fn is_read(&self) -> bool {
        self.inner.lock().streams.iter().any(|stream| stream.reader.is_some())
    }

    /// Ends the reading of the standalone stream, and tells the client when to come again.
    pub fn say_farewell(&self, retry: Duration) {
        let farewell = Bytes::from(format!("retry: {}\n\n", retry.as_millis()));
        self.changing(|inner, now| {
            if let Some(stream) = inner.standalone()
                && let Some(reader) = stream.reader.take()
            {
                reader.sender.offer(farewell);
                stream.left = now;
            }
        });
    }

    /// Ends all of them and forgets what was kept.
    pub fn clear(&self) {
        self.changing(|inner, _| inner.streams = Vec::new());
        self.readers.notify_waiters();
    }

    /// Resolves when nobody has read a stream for as long as events are kept, or it is over.
    ///
    /// Cancel safe.
    pub async fn abandoned(&self, number: u64) {
        loop {
            let mut changed = std::pin::pin!(self.readers.notified());
            changed.as_mut().enable();
            let left = {
                let mut inner = self.inner.lock();
                let limit = inner.limits.time;
                let Some(stream) = inner.open_stream(number) else { return };
                stream.reader.is_none().then(|| limit.saturating_sub(stream.left.elapsed()))
            };
            match left {
                Some(Duration::ZERO) => return,
                Some(left) => {
                    let _ = tokio::time::timeout(left, changed).await;
                }
                None => changed.await,
            }
        }
    }

    fn finish(&self, number: u64) {
        self.changing(|inner, now| {
            if let Some(stream) = inner.stream(number) {
                stream.finished = Some(now);
                stream.reader = None;
            }
            let is_finished = |stream: &Stream| stream.finished.is_some();
            inner.streams.retain(|stream| !is_finished(stream) || stream.n_events() > 0);
            let finished = inner.streams.iter().filter(|stream| is_finished(stream)).count();
            if finished > MAX_FINISHED
                && let Some(oldest) = inner.streams.iter().position(is_finished)
            {
                inner.streams.remove(oldest);
            }
        });
        self.readers.notify_waiters();
    }

    fn detach(&self, number: u64, reader: u64) {
        self.changing(|inner, now| {
            if let Some(stream) = inner.stream(number)
                && stream.reader.as_ref().is_some_and(|present| present.number == reader)
            {
                stream.reader = None;
                stream.left = now;
            }
        });
        self.readers.notify_waiters();
    }

    fn attach(self: &Arc<Self>, inner: &mut Inner, number: u64, reading: Reading) -> EventBody {
        let Some(stream) = inner.stream(number) else {
            return event_stream(reading.keep_alive).1;
        };
        let (before, unread) = stream.unread_frames();
        let mut first = Vec::new();
        if let Some(retry) = reading.primer {
            let retry = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
            first.extend_from_slice(&sse::primer(&before.text(), Some(retry)));
        }
        first.extend_from_slice(&unread);
        self.read(stream, reading.keep_alive, first)
    }

    /// Makes the reader of a stream, which gets `first` in one piece.
    fn read(
        self: &Arc<Self>,
        stream: &mut Stream,
        keep_alive: Duration,
        first: Vec<u8>,
    ) -> EventBody {
        let (sender, body) = event_stream(keep_alive);
        if !first.is_empty() {
            sender.offer(first.into());
        }
        stream.hand_over();
        if stream.finished.is_some() {
            return body;
        }
        let number = next_number();
        stream.reader = Some(Reader { number, sender });
        self.readers.notify_waiters();
        body.holding(Attached { streams: Arc::clone(self), stream: stream.number, reader: number })
    }

    /// Changes the streams, and keeps to the limits of the session and of all sessions.
    fn changing<T>(&self, change: impl FnOnce(&mut Inner, Instant) -> T) -> T {
        let (outcome, before, after) = {
            let mut inner = self.inner.lock();
            let before = inner.n_bytes();
            let outcome = change(&mut inner, Instant::now());
            inner.keep_to_limits();
            (outcome, before, inner.n_bytes())
        };
        if self.replays.account(before, after) {
            self.replays.make_room();
        }
        outcome
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.replays.account(self.inner.get_mut().n_bytes(), 0);
    }
}

// === impl Inner ===

impl Inner {
    fn stream(&mut self, number: u64) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.number == number)
    }

    fn open_stream(&mut self, number: u64) -> Option<&mut Stream> {
        self.stream(number).filter(|stream| stream.finished.is_none())
    }

    fn standalone(&mut self) -> Option<&mut Stream> {
        self.streams.first_mut().filter(|stream| stream.kind == StreamKind::Standalone)
    }

    fn n_bytes(&self) -> usize {
        self.streams.iter().map(Stream::n_bytes).sum()
    }

    fn n_events(&self) -> usize {
        self.streams.iter().map(Stream::n_events).sum()
    }

    /// Old answers go first, then what the streams that are open can spare.
    fn keep_to_limits(&mut self) {
        while self.n_events() > self.limits.events || self.n_bytes() > self.limits.bytes {
            let others = self.streams.len().saturating_sub(1);
            let is_finished = |stream: &Stream| stream.finished.is_some();
            if let Some(oldest) = self.streams.iter().take(others).position(is_finished) {
                self.streams.remove(oldest);
                continue;
            }
            let largest = self.streams.iter_mut().max_by_key(|stream| stream.n_bytes());
            if !largest.is_some_and(Stream::evict) {
                return;
            }
        }
    }
}

/// Keeps messages that a stream begins with.
fn push_all(stream: &mut Stream, messages: &[Bytes], now: Instant) {
    for message in messages {
        let frame = stream.frame(message);
        stream.push(frame, Weight::must(message), false, now);
    }
}

/// Says something that may be lost: to the reader if it has room; to the log if there was a reader
/// lately who may come again.
fn offer(stream: &mut Stream, message: &[u8], limits: ReplayLimits, now: Instant) -> bool {
    if stream.finished.is_some() {
        return false;
    }
    let frame = stream.frame(message);
    if let Some(reader) = &stream.reader {
        let sent = reader.sender.offer(frame.clone());
        if sent || !reader.sender.is_closed() {
            if sent {
                stream.push(frame, Weight::Light, true, now);
            }
            return sent;
        }
        stream.reader = None;
        stream.left = now;
    }
    if now.saturating_duration_since(stream.left) >= limits.time {
        return false;
    }
    stream.push(frame, Weight::Light, false, now);
    true
}

/// Says something that must arrive, to the reader or to the log; returns the reader if it has no
/// room.
fn insist(
    stream: &mut Stream,
    message: &[u8],
    weight: Weight,
    now: Instant,
) -> Option<(u64, EventSender)> {
    let frame = stream.frame(message);
    let mut handed = false;
    if let Some(reader) = &stream.reader {
        handed = reader.sender.offer(frame.clone());
        if !handed && !reader.sender.is_closed() {
            return Some((reader.number, reader.sender.clone()));
        }
    }
    if !handed && stream.reader.take().is_some() {
        stream.left = now;
    }
    stream.push(frame, weight, handed, now);
    None
}

// === impl Feed ===

impl Feed {
    /// Says something that may be lost; `false` when it is.
    pub fn offer(&self, message: &[u8]) -> bool {
        self.streams.offer(self.number, message)
    }

    /// Says something that must arrive; it waits for a reader, but not for one that is gone.
    ///
    /// Cancel safe.
    pub async fn send(&self, message: &[u8]) -> bool {
        self.streams.send(self.number, message).await
    }

    /// Returns the streams it belongs to, and which of them it is; neither keeps it open.
    pub fn place(&self) -> (Arc<Streams>, u64) {
        (Arc::clone(&self.streams), self.number)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.streams.finish(self.number);
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.streams.detach(self.stream, self.reader);
    }
}

#[cfg(test)]
mod tests;
