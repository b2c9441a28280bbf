//! Writes lines to a stream, never a part of one between two others.
//!
//! Whoever ends the process behind the stream can close it from elsewhere (see `Closer`), while the task that writes
//! goes on and learns of it by [`WriteError::Closed`].

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memchr;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use tokio_util::sync::CancellationToken;

/// How many pieces (a line and its line feed are two) one call to the system writes at most.
const PIECES_PER_WRITE: usize = 64;

const LINE_FEED: Bytes = Bytes::from_static(b"\n");

/// Why a line was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The reader is gone, or the stream was closed on our side.
    #[error("the stream is closed")]
    Closed,
    /// The line was refused, and nothing of it was written.
    #[error("a line must not hold a line feed; there is one at byte {position}")]
    LineFeed {
        /// Where it is, from 0.
        position: usize,
    },
    /// The stream failed; nothing more can be written to it.
    #[error("failed to write a line")]
    Io {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Writes lines to `W`. Dropping it closes the stream.
pub struct LineWriter<W> {
    slot: Arc<Slot<W>>,
    /// Pieces still to be written. Invariant: all but the first are whole.
    queue: VecDeque<Bytes>,
}

/// Closes the stream of a [`LineWriter`] from elsewhere.
pub(crate) struct Closer<W>(Arc<Slot<W>>);

/// The stream, shared by the writer and its closer.
struct Slot<W> {
    /// `None` once closed. The lock is held for one non-blocking write at a time.
    stream: Mutex<Option<W>>,
    closed: CancellationToken,
}

// === impl LineWriter ===

impl<W: AsyncWrite + Unpin> LineWriter<W> {
    /// Makes a writer of lines.
    pub fn new(stream: W) -> Self {
        let slot = Slot { stream: Mutex::new(Some(stream)), closed: CancellationToken::new() };
        Self { slot: Arc::new(slot), queue: VecDeque::new() }
    }

    /// Writes `line` and a line feed, and whatever was queued before.
    ///
    /// Cancel safety: no line is ever torn or lost. Once this was polled, the line is queued; what a cancelled call
    /// has not written is written first by the next `send` or [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`WriteError::LineFeed`] refuses this one line; the others end the stream.
    pub async fn send(&mut self, line: Bytes) -> Result<(), WriteError> {
        self.enqueue(line)?;
        self.flush().await
    }

    /// Queues `line` without writing it, so that one [`flush`](Self::flush) writes many lines with few calls to the
    /// system. The queue has no bound of its own: flush after at most a few dozen lines.
    ///
    /// # Errors
    /// [`WriteError::LineFeed`] refuses this one line; [`WriteError::Closed`] if the stream is closed.
    pub fn enqueue(&mut self, line: Bytes) -> Result<(), WriteError> {
        if let Some(position) = memchr(b'\n', &line) {
            return Err(WriteError::LineFeed { position });
        }
        if self.slot.closed.is_cancelled() {
            return Err(WriteError::Closed);
        }
        if !line.is_empty() {
            self.queue.push_back(line);
        }
        self.queue.push_back(LINE_FEED);
        Ok(())
    }

    /// Writes what is queued.
    ///
    /// Cancel safety: as [`send`](Self::send).
    ///
    /// # Errors
    /// Every error ends the stream.
    pub async fn flush(&mut self) -> Result<(), WriteError> {
        let Self { slot, queue } = self;
        let written = tokio::select! {
            biased;
            written = poll_fn(|context| slot.poll_write_all(context, queue)) => written,
            () = slot.closed.cancelled() => Err(WriteError::Closed),
        };
        if written.is_err() {
            self.queue.clear();
            self.slot.close();
        }
        written
    }

    pub(crate) fn closer(&self) -> Closer<W> {
        Closer(Arc::clone(&self.slot))
    }
}

impl<W> Drop for LineWriter<W> {
    fn drop(&mut self) {
        self.slot.close();
    }
}

impl<W> fmt::Debug for LineWriter<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = self.slot.closed.is_cancelled();
        formatter
            .debug_struct("LineWriter")
            .field("n_queued", &self.queue.len())
            .field("closed", &closed)
            .finish()
    }
}

// === impl Closer ===

impl<W> Closer<W> {
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

impl<W> fmt::Debug for Closer<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Closer").finish()
    }
}

// === impl Slot ===

impl<W> Slot<W> {
    fn close(&self) {
        self.closed.cancel();
        drop(self.stream.lock().take());
    }
}

impl<W: AsyncWrite + Unpin> Slot<W> {
    fn poll_write_all(
        &self,
        context: &mut Context<'_>,
        queue: &mut VecDeque<Bytes>,
    ) -> Poll<Result<(), WriteError>> {
        let mut guard = self.stream.lock();
        let Some(stream) = guard.as_mut() else {
            return Poll::Ready(Err(WriteError::Closed));
        };
        let mut stream = Pin::new(stream);
        if !stream.is_write_vectored() && queue.len() > 1 {
            join(queue);
        }
        while !queue.is_empty() {
            let n_written = ready!(poll_write_some(stream.as_mut(), context, queue))?;
            advance(queue, n_written);
        }
        stream.poll_flush(context).map_err(write_error)
    }
}

fn poll_write_some<W: AsyncWrite>(
    stream: Pin<&mut W>,
    context: &mut Context<'_>,
    queue: &VecDeque<Bytes>,
) -> Poll<Result<usize, WriteError>> {
    let mut pieces = [IoSlice::new(&[]); PIECES_PER_WRITE];
    let mut n_pieces = 0;
    for (piece, bytes) in pieces.iter_mut().zip(queue) {
        *piece = IoSlice::new(bytes);
        n_pieces += 1;
    }
    let (pieces, _) = pieces.split_at(n_pieces);
    match ready!(stream.poll_write_vectored(context, pieces)) {
        Ok(0) => Poll::Ready(Err(WriteError::Closed)),
        Ok(n_written) => Poll::Ready(Ok(n_written)),
        Err(error) => Poll::Ready(Err(write_error(error))),
    }
}

/// Drops the first `n_written` bytes of the queue.
fn advance(queue: &mut VecDeque<Bytes>, mut n_written: usize) {
    while let Some(first) = queue.front_mut() {
        if n_written < first.len() {
            first.advance(n_written);
            return;
        }
        n_written -= first.len();
        queue.pop_front();
    }
}

/// Makes one piece of all: a stream that takes one slice at a time would cost a call for every line feed.
fn join(queue: &mut VecDeque<Bytes>) {
    let mut joined = BytesMut::with_capacity(queue.iter().map(Bytes::len).sum());
    for piece in queue.drain(..) {
        joined.extend_from_slice(&piece);
    }
    queue.push_back(joined.freeze());
}

fn write_error(source: std::io::Error) -> WriteError {
    match source.kind() {
        std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset => WriteError::Closed,
        _ => WriteError::Io { source },
    }
}

#[cfg(test)]
mod tests;
