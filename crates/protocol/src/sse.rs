//! Server-sent events: an incremental parser on bytes, and the encoder.
//!
//! No IO and no timing. Source: WHATWG HTML, section "Server-sent events". Data is handed out as
//! bytes, because the JSON parser that comes next checks the encoding anyway.

use std::collections::VecDeque;

use bytes::{Buf as _, Bytes, BytesMut};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_field_names, reason = "the fields are named as on the wire")]
pub struct Event {
    /// The id that this event brought; [`Parser::last_event_id`] has the one in force.
    pub id: Option<String>,
    /// The type; `None` means `message`.
    pub event: Option<String>,
    /// The data; several lines are joined by a line feed.
    pub data: Bytes,
    /// The reconnection time in milliseconds that this event brought.
    pub retry: Option<u64>,
}

/// Why an event is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// The event is longer than allowed and was skipped; the next one can be read.
    #[error("an event of the stream is longer than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
}

/// Reads a stream that comes in pieces of any size.
///
/// Push a piece, then take events until there are none; what is pushed is held until it is taken.
/// A last event without its blank line is dropped with the parser, as the standard asks.
#[derive(Debug)]
pub struct Parser {
    input: BytesMut,
    /// How much of `input` was searched for a line end before.
    searched: usize,
    limit: usize,
    start: Start,
    /// The last line ended with CR, so an LF that follows belongs to it.
    after_cr: bool,
    pending: Pending,
    /// The event under way is too large: drop lines until a blank one.
    skipping: bool,
    /// While skipping: part of the present line was dropped already.
    in_line: bool,
    /// The two ends of the data that was skipped last.
    skipped: (BytesMut, BytesMut),
    telling: Telling,
    last_id: String,
    retry: Option<u64>,
    failures: VecDeque<SseError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// A byte order mark may come.
    MayHaveMark,
    Begun,
}

/// When an event that is too large is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// When it is found out.
    AtOnce,
    /// When it is over.
    AtEnd,
}

#[derive(Debug, Default)]
struct Pending {
    id: Option<String>,
    event: Option<String>,
    data: Data,
    retry: Option<u64>,
}

/// One line of data is a slice of the input; only several lines are copied.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Many(BytesMut),
}

const MARK: &[u8] = b"\xef\xbb\xbf";

/// What is kept of either end of an event that is too large, in bytes.
const EDGE: usize = 512;

impl Parser {
    /// Makes a parser that skips events with more than `limit` bytes of data or in a line.
    pub fn new(limit: usize) -> Self {
        Self {
            input: BytesMut::new(),
            searched: 0,
            limit,
            start: Start::MayHaveMark,
            after_cr: false,
            pending: Pending::default(),
            skipping: false,
            in_line: false,
            skipped: (BytesMut::new(), BytesMut::new()),
            telling: Telling::AtOnce,
            last_id: String::new(),
            retry: None,
            failures: VecDeque::new(),
        }
    }

    /// Makes [`SseError::TooLarge`] come when the event is over, so that [`Parser::skipped`] shows
    /// both ends of it.
    pub fn tell_at_end(&mut self) {
        self.telling = Telling::AtEnd;
    }

    /// Returns the first and the last bytes of the data that was skipped last, 512 of each at most.
    /// They overlap if it was shorter than that.
    pub fn skipped(&self) -> (&[u8], &[u8]) {
        (&self.skipped.0, &self.skipped.1)
    }

    /// Takes in the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        self.input.extend_from_slice(piece);
    }

    /// Returns the id to resume after; empty while none was sent.
    pub fn last_event_id(&self) -> &str {
        &self.last_id
    }

    /// Returns the last reconnection time that was sent, in milliseconds.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// Takes the next line out of the input; `None` until its end came.
    fn line(&mut self) -> Option<Bytes> {
        if self.start == Start::MayHaveMark {
            let seen = self.input.len().min(MARK.len());
            if self.input[..seen] == MARK[..seen] && seen < MARK.len() {
                return None;
            }
            if self.input.starts_with(MARK) {
                self.input.advance(MARK.len());
            }
            self.start = Start::Begun;
        }
        if self.after_cr && !self.input.is_empty() {
            self.after_cr = false;
            if self.input[0] == b'\n' {
                self.input.advance(1);
            }
        }
        let Some(found) = memchr::memchr2(b'\r', b'\n', &self.input[self.searched..]) else {
            self.searched = self.input.len();
            return None;
        };
        let end = self.searched + found;
        self.searched = 0;
        self.after_cr = self.input[end] == b'\r';
        let line = self.input.split_to(end).freeze();
        self.input.advance(1);
        Some(line)
    }

    /// Keeps the unfinished line within the limit.
    fn bound(&mut self) {
        if self.skipping {
            let input = std::mem::take(&mut self.input);
            self.drop_data(&input);
            self.in_line |= !input.is_empty();
            self.searched = 0;
        } else if self.pending.data.len() + self.input.len() > self.limit {
            self.skip();
            self.bound();
        }
    }

    fn skip(&mut self) {
        self.skipping = true;
        self.in_line = false;
        let pending = Pending { id: self.pending.id.take(), ..Pending::default() };
        self.skipped = (BytesMut::new(), BytesMut::new());
        match std::mem::replace(&mut self.pending, pending).data {
            Data::None => {}
            Data::One(line) => self.drop_data(&line),
            Data::Many(lines) => self.drop_data(&lines),
        }
        if self.telling == Telling::AtOnce {
            self.failures.push_back(SseError::TooLarge { limit: self.limit });
        }
    }

    /// Keeps no more than the ends of data that is skipped.
    fn drop_data(&mut self, piece: &[u8]) {
        let (head, tail) = &mut self.skipped;
        let field = if self.in_line { None } else { piece.strip_prefix(b"data:") };
        let piece = field.unwrap_or(piece);
        let room = EDGE - head.len();
        head.extend_from_slice(&piece[..piece.len().min(room)]);
        tail.extend_from_slice(&piece[piece.len().saturating_sub(EDGE)..]);
        tail.advance(tail.len().saturating_sub(EDGE));
    }

    /// Takes in a line; returns an event when the line ends one.
    fn take(&mut self, line: &Bytes) -> Option<Event> {
        if self.skipping {
            let blank = line.is_empty() && !self.in_line;
            self.drop_data(line);
            self.in_line = false;
            if blank {
                self.skipping = false;
                if self.telling == Telling::AtEnd {
                    self.failures.push_back(SseError::TooLarge { limit: self.limit });
                }
                return self.dispatch();
            }
            return None;
        }
        if line.is_empty() {
            return self.dispatch();
        }
        if self.pending.data.len() + line.len() > self.limit {
            self.skip();
            self.drop_data(line);
            return None;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            None => (&line[..], Bytes::new()),
            Some(at) => {
                let rest = line.slice(at + 1..);
                let lead = usize::from(rest.first() == Some(&b' '));
                (&line[..at], rest.slice(lead..))
            }
        };
        match field {
            b"data" => self.pending.data.add(value),
            b"event" => self.pending.event = Some(text(&value)),
            // A NUL would end the header by which the stream is resumed.
            b"id" if !value.contains(&0) => self.pending.id = Some(text(&value)),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.pending.retry = text(&value).parse().ok();
            }
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let pending = std::mem::take(&mut self.pending);
        if let Some(id) = &pending.id {
            self.last_id.clone_from(id);
        }
        self.retry = pending.retry.or(self.retry);
        let data = match pending.data {
            // An event without data changes the id, and that is all.
            Data::None => return None,
            Data::One(line) => line,
            Data::Many(lines) => lines.freeze(),
        };
        let event = pending.event.filter(|name| !name.is_empty());
        Some(Event { id: pending.id, event, data, retry: pending.retry })
    }
}

impl Iterator for Parser {
    type Item = Result<Event, SseError>;

    /// Returns the next event; `None` until more is pushed.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(failure) = self.failures.pop_front() {
                return Some(Err(failure));
            }
            let Some(line) = self.line() else {
                self.bound();
                return self.failures.pop_front().map(Err);
            };
            if let Some(event) = self.take(&line) {
                return Some(Ok(event));
            }
        }
    }
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(line) => line.len(),
            Self::Many(lines) => lines.len(),
        }
    }

    fn add(&mut self, line: Bytes) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(line),
            Self::One(first) => {
                let mut lines = BytesMut::with_capacity(first.len() + line.len() + 1);
                lines.extend_from_slice(&first);
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&line);
                Self::Many(lines)
            }
            Self::Many(mut lines) => {
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&line);
                Self::Many(lines)
            }
        };
    }
}

fn text(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).into_owned()
}

/// Writes one event. Line ends within `data` make several data lines, which the reader joins by
/// line feeds; within `id` and `event` they are left out, since nothing could carry them.
pub fn event(data: &[u8], id: Option<&str>, event: Option<&str>) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 64);
    field(&mut out, "event", event);
    field(&mut out, "id", id);
    let mut rest = data;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&rest[..at]);
        out.push(b'\n');
        let wide = rest[at..].starts_with(b"\r\n");
        rest = &rest[at + 1 + usize::from(wide)..];
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(rest);
    out.extend_from_slice(b"\n\n");
    Bytes::from(out)
}

/// Writes the event that primes a stream for resuming: an id, no data, and perhaps how many
/// milliseconds to wait before reconnecting (2025-11-25 `basic/transports`).
pub fn primer(id: &str, retry: Option<u64>) -> Bytes {
    let mut out = Vec::with_capacity(64);
    field(&mut out, "id", Some(id));
    field(&mut out, "retry", retry.map(|millis| millis.to_string()).as_deref());
    out.extend_from_slice(b"data: \n\n");
    Bytes::from(out)
}

/// A comment, which keeps a quiet stream open and is ignored by every reader.
pub fn comment() -> Bytes {
    Bytes::from_static(b":\n\n")
}

fn field(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(value.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)));
    out.push(b'\n');
}

#[cfg(test)]
mod tests;
