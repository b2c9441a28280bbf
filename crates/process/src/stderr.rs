//! Drains a child's stderr, whatever it writes and whether or not anybody looks.
//!
//! A child that writes to a full stderr stands still, so this never waits for a reader: the last lines are kept for
//! error reports, lines are handed on at a limited rate through a bounded queue, and all others are only counted.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use memchr::memchr;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::{mpsc, watch},
    time::Instant,
};

use crate::Limits;

/// How many lines may wait for their reader.
const QUEUE: usize = 128;

/// How much one read takes. A flood costs more reads, a quiet child (nearly all of them) less memory.
const CHUNK: usize = 8 * 1024;

/// What a child wrote to stderr, as lines.
#[derive(Debug)]
pub struct Stderr {
    lines: mpsc::Receiver<StderrLine>,
    tail: StderrTail,
}

/// One line of stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StderrLine {
    /// Its text without the line end; invalid UTF-8 is replaced, and a long line is cut.
    pub text: String,
    /// How many lines before this one were not handed on, because there were too many.
    pub n_dropped_before: u64,
}

/// The last lines of stderr. A clone sees the same lines, also when the child is gone.
#[derive(Clone)]
pub struct StderrTail {
    kept: Arc<Mutex<Kept>>,
    /// Closed once stderr has ended.
    drained: watch::Receiver<()>,
}

/// The last lines, and the counts. Locked for the length of one read's worth of lines.
struct Kept {
    lines: VecDeque<Vec<u8>>,
    max_lines: usize,
    n_lines: u64,
    n_dropped: u64,
}

/// Cuts stderr into lines and hands them on; runs until stderr ends.
pub(crate) struct Drain<R> {
    source: R,
    kept: Arc<Mutex<Kept>>,
    queue: mpsc::Sender<StderrLine>,
    _drained: watch::Sender<()>,
    line: Vec<u8>,
    line_max: usize,
    rate: Rate,
    n_dropped_before: u64,
}

/// A bucket of lines that fills at a steady rate and holds one second's worth.
struct Rate {
    per_second: u32,
    filled: f64,
    at: Instant,
}

/// Makes both ends: the future to run and the handle to read from.
pub(crate) fn drain<R>(source: R, limits: &Limits) -> (Drain<R>, Stderr) {
    let (queue, lines) = mpsc::channel(QUEUE);
    let (drained_sender, drained) = watch::channel(());
    let kept = Kept {
        lines: VecDeque::new(),
        max_lines: limits.stderr_tail_lines,
        n_lines: 0,
        n_dropped: 0,
    };
    let kept = Arc::new(Mutex::new(kept));
    let drain = Drain {
        source,
        kept: Arc::clone(&kept),
        queue,
        _drained: drained_sender,
        line: Vec::new(),
        line_max: limits.stderr_line_max,
        rate: Rate::new(limits.stderr_lines_per_second),
        n_dropped_before: 0,
    };
    (drain, Stderr { lines, tail: StderrTail { kept, drained } })
}

// === impl Stderr ===

impl Stderr {
    /// Returns the next line that is handed on, or `None` when stderr has ended. Cancel safety: safe.
    pub async fn next(&mut self) -> Option<StderrLine> {
        self.lines.recv().await
    }

    /// Returns a handle to the last lines.
    pub fn tail(&self) -> StderrTail {
        self.tail.clone()
    }
}

// === impl StderrTail ===

impl StderrTail {
    /// Returns the last lines, oldest first, the one that has not ended yet excluded.
    pub fn lines(&self) -> Vec<String> {
        self.kept.lock().lines.iter().map(|line| text(line)).collect()
    }

    /// Returns how many lines there were in all.
    pub fn n_lines(&self) -> u64 {
        self.kept.lock().n_lines
    }

    /// Returns how many lines were not handed on to [`Stderr::next`].
    pub fn n_dropped(&self) -> u64 {
        self.kept.lock().n_dropped
    }

    /// Waits until stderr has ended, at most for `limit`. After a child's exit its last words, which say why, may
    /// still be on their way; and a descendant may hold stderr open for much longer. Cancel safety: safe.
    pub async fn settle(&self, limit: Duration) {
        let mut drained = self.drained.clone();
        // An error of `changed` is the end waited for; nothing is ever sent.
        let _ = tokio::time::timeout(limit, drained.changed()).await;
    }
}

impl fmt::Debug for StderrTail {
    /// What a child prints is not ours to print.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StderrTail")
            .field("n_lines", &self.n_lines())
            .finish_non_exhaustive()
    }
}

// === impl Drain ===

impl<R: AsyncRead + Unpin> Drain<R> {
    /// Reads until stderr ends or fails, which comes to the same: nothing more will come.
    pub(crate) async fn run(mut self) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(n_read @ 1..) = self.source.read(&mut buffer).await {
            self.take(buffer.get(..n_read).unwrap_or_default());
        }
        if !self.line.is_empty() {
            self.end_lines([&[][..]].into_iter());
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut lines = Lines(bytes);
        self.end_lines(&mut lines);
        let Lines(rest) = lines;
        self.extend_line(rest);
    }

    /// Ends one line for every piece, the first one together with what was kept of it before.
    fn end_lines<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>) {
        let kept = Arc::clone(&self.kept);
        let mut kept = kept.lock();
        self.rate.fill(Instant::now());
        for piece in pieces {
            self.extend_line(piece);
            if self.line.ends_with(b"\r") {
                self.line.pop();
            }
            let handed_on = self.rate.take() && self.hand_on();
            kept.keep(&mut self.line, handed_on);
            self.n_dropped_before = if handed_on { 0 } else { self.n_dropped_before + 1 };
        }
    }

    fn extend_line(&mut self, piece: &[u8]) {
        let n_taken = piece.len().min(self.line_max.saturating_sub(self.line.len()));
        self.line.extend_from_slice(piece.get(..n_taken).unwrap_or_default());
    }

    fn hand_on(&self) -> bool {
        let Ok(place) = self.queue.try_reserve() else {
            return false;
        };
        place.send(StderrLine { text: text(&self.line), n_dropped_before: self.n_dropped_before });
        true
    }
}

impl<R> fmt::Debug for Drain<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Drain").finish_non_exhaustive()
    }
}

/// The whole lines of a chunk, without their line feeds; what is left is the beginning of the next one.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (line, rest) = self.0.split_at_checked(memchr(b'\n', self.0)?)?;
        self.0 = rest.get(1..)?;
        Some(line)
    }
}

// === impl Kept ===

impl Kept {
    /// Keeps `line` and leaves an empty buffer in its place, a used one if there is one.
    fn keep(&mut self, line: &mut Vec<u8>, handed_on: bool) {
        self.n_lines += 1;
        self.n_dropped += u64::from(!handed_on);
        let mut spare = if self.lines.len() >= self.max_lines {
            self.lines.pop_front().unwrap_or_default()
        } else {
            Vec::new()
        };
        spare.clear();
        std::mem::swap(line, &mut spare);
        if self.max_lines > 0 {
            self.lines.push_back(spare);
        }
    }
}

// === impl Rate ===

impl Rate {
    fn new(per_second: u32) -> Self {
        Self { per_second, filled: per_second.into(), at: Instant::now() }
    }

    fn fill(&mut self, now: Instant) {
        let gained = now.duration_since(self.at).as_secs_f64() * f64::from(self.per_second);
        self.filled = (self.filled + gained).min(self.per_second.into());
        self.at = now;
    }

    fn take(&mut self) -> bool {
        let any = self.filled >= 1.0;
        if any {
            self.filled -= 1.0;
        }
        any
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests;
