//! Cuts a stream of bytes into lines, without copying them.
//!
//! Bytes stay bytes: whether a line is UTF-8 or JSON is for the reader of the lines to say.

use bytes::{Bytes, BytesMut};
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The least room for one read. A line that is kept keeps its whole chunk alive, so this is small.
const CHUNK_MIN: usize = 8 * 1024;

/// The most room for one read: what a pipe holds by default on Linux.
const CHUNK_MAX: usize = 64 * 1024;

/// How much is kept of either end of a line that is skipped: enough to tell what it was, and too little
/// to cost anything.
const EDGE: usize = 512;

/// Why a line could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The line was skipped; the next call goes on behind it.
    #[error("a line of {length} bytes is longer than the limit of {limit}; it was skipped")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
        /// How long the line was, without its line feed but with a carriage return before it.
        length: u64,
        /// Its first bytes, at most 512.
        head: Bytes,
        /// Its last bytes, at most 512; they may overlap the first ones.
        tail: Bytes,
    },
    /// The stream failed; nothing more can be read from it.
    #[error("failed to read a line")]
    Io {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Reads lines from `R`, each at most as long as a limit.
#[derive(Debug)]
pub struct LineReader<R> {
    source: R,
    max_line: usize,
    buffer: BytesMut,
    /// How much of `buffer` holds no line feed.
    scanned: usize,
    /// What is left of a line that is too long; `None` outside of such a line.
    skipped: Option<Skipped>,
    chunk: usize,
}

/// A line that is too long, as far as it was thrown away.
#[derive(Debug)]
struct Skipped {
    length: u64,
    head: Bytes,
    tail: Vec<u8>,
}

// === impl LineReader ===

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// Makes a reader of lines of at most `max_line` bytes.
    pub fn new(source: R, max_line: usize) -> Self {
        Self {
            source,
            max_line,
            buffer: BytesMut::new(),
            scanned: 0,
            skipped: None,
            chunk: CHUNK_MIN,
        }
    }

    /// Returns the next line without its line end (`\n` or `\r\n`), or `None` at the end of the stream. A last line
    /// that lacks its line feed is a line too.
    ///
    /// The bytes are a slice of the read buffer, which lives as long as any slice of it does.
    ///
    /// Cancel safety: safe. What was read stays in the reader.
    ///
    /// # Errors
    /// [`LineError::TooLong`] for one line, after which reading goes on; [`LineError::Io`] ends the stream.
    pub async fn next(&mut self) -> Result<Option<Bytes>, LineError> {
        loop {
            let (_, unscanned) = self.buffer.split_at(self.scanned);
            if let Some(position) = memchr(b'\n', unscanned) {
                return self.take_line(self.scanned + position).map(Some);
            }
            self.scanned = self.buffer.len();
            self.skip_what_is_too_long();
            if self.read().await? == 0 {
                return self.take_rest();
            }
        }
    }

    async fn read(&mut self) -> Result<usize, LineError> {
        // A long line doubles the buffer, so that it is moved a few times only.
        self.buffer.reserve(self.chunk.max(self.buffer.len()));
        let room = self.buffer.capacity() - self.buffer.len();
        let n_read = self
            .source
            .read_buf(&mut self.buffer)
            .await
            .map_err(|source| LineError::Io { source })?;
        if n_read >= room.min(self.chunk) {
            self.chunk = (self.chunk * 2).min(CHUNK_MAX);
        } else if n_read < CHUNK_MIN {
            self.chunk = CHUNK_MIN;
        }
        Ok(n_read)
    }

    /// Cuts off the line that ends before the line feed at `end`.
    fn take_line(&mut self, end: usize) -> Result<Bytes, LineError> {
        let mut line = self.buffer.split_to(end + 1);
        self.scanned = 0;
        line.truncate(end);
        self.checked(line)
    }

    fn take_rest(&mut self) -> Result<Option<Bytes>, LineError> {
        self.scanned = 0;
        if self.buffer.is_empty() && self.skipped.is_none() {
            return Ok(None);
        }
        let rest = self.buffer.split();
        self.checked(rest).map(Some)
    }

    fn checked(&mut self, mut line: BytesMut) -> Result<Bytes, LineError> {
        let mut skipped = self.skipped.take();
        let is_too_long =
            skipped.is_some() || line.strip_suffix(b"\r").unwrap_or(&line).len() > self.max_line;
        if is_too_long {
            let skipped = Skipped::more(&mut skipped, &line);
            return Err(LineError::TooLong {
                limit: self.max_line,
                length: skipped.length,
                head: skipped.head.clone(),
                tail: Bytes::copy_from_slice(&skipped.tail),
            });
        }
        if line.ends_with(b"\r") {
            line.truncate(line.len() - 1);
        }
        Ok(line.freeze())
    }

    fn skip_what_is_too_long(&mut self) {
        // One byte more than the limit may be a carriage return, which does not count.
        if self.skipped.is_some() || self.buffer.len() > self.max_line.saturating_add(1) {
            // Dropped, not cleared: a buffer that grew towards the limit must not stay that large.
            let buffer = std::mem::take(&mut self.buffer);
            Skipped::more(&mut self.skipped, &buffer);
            self.scanned = 0;
        }
    }
}

// === impl Skipped ===

impl Skipped {
    /// Adds the next piece of the line, which is its beginning if nothing was skipped before.
    fn more<'a>(skipped: &'a mut Option<Self>, piece: &[u8]) -> &'a mut Self {
        let end = &piece[piece.len().saturating_sub(EDGE)..];
        let all = skipped.get_or_insert_with(|| Self {
            length: 0,
            head: Bytes::copy_from_slice(&piece[..piece.len().min(EDGE)]),
            tail: Vec::new(),
        });
        all.length += piece.len() as u64;
        all.tail.extend_from_slice(end);
        all.tail.drain(..all.tail.len().saturating_sub(EDGE));
        all
    }
}

#[cfg(test)]
mod tests;
