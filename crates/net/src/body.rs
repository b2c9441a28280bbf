//! The body of a response: read in pieces or whole, always within limits.
//!
//! It owns the connection it comes from. Read to its end, the connection goes back to the idle
//! ones; dropped before, the connection is closed, which is how a peer learns that nobody listens.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use tokio::time::Sleep;

use crate::connection::Connection;
use crate::error::BodyError;
use crate::origin::Origin;

/// A response's body.
pub struct ResponseBody {
    incoming: Incoming,
    /// `None` once the body is at its end or broken.
    lease: Option<Lease>,
    idle_limit: Option<Duration>,
    /// Runs only while nothing comes; made at the first wait, which most bodies never have.
    timer: Option<Pin<Box<Sleep>>>,
}

struct Lease {
    connection: Connection,
    origin: Arc<Origin>,
    /// How long the connection may idle afterwards.
    reuse: Duration,
}

impl ResponseBody {
    pub(crate) fn new(
        incoming: Incoming,
        connection: Connection,
        origin: Arc<Origin>,
        reuse: Duration,
    ) -> Self {
        let lease = Some(Lease { connection, origin, reuse });
        let mut body = Self { incoming, lease, idle_limit: None, timer: None };
        if body.incoming.is_end_stream() {
            body.release();
        }
        body
    }

    /// Limits the time between two pieces; `None` for streams that may be silent.
    #[must_use]
    pub fn with_idle_limit(mut self, limit: Option<Duration>) -> Self {
        self.idle_limit = limit;
        self.timer = None;
        self
    }

    /// Returns the next piece; `None` at the end. Trailers are skipped.
    ///
    /// Cancel safe: a piece is returned or still there.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Polls for the next piece; see [`Self::chunk`].
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        loop {
            let frame = match self.poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => return self.poll_timer(cx).map(Err),
            };
            self.timer = None;
            match frame {
                Some(Ok(frame)) => {
                    if self.incoming.is_end_stream() {
                        self.release();
                    }
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Ok(Some(data)));
                    }
                }
                Some(Err(error)) => {
                    self.lease = None;
                    return Poll::Ready(Err(BodyError::Cut { source: error.into() }));
                }
                None => {
                    self.release();
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        match &mut self.lease {
            Some(lease) => lease.connection.poll_frame(&mut self.incoming, cx),
            // Nothing but the end is left.
            None => Pin::new(&mut self.incoming).poll_frame(cx),
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let Some(limit) = self.idle_limit else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        self.lease = None;
        Poll::Ready(BodyError::Idle { limit })
    }

    /// Reads the whole body, at most `limit` bytes. A body in one piece is not copied.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, BodyError> {
        let hint = self.incoming.size_hint();
        if hint.lower() > limit as u64 {
            return Err(BodyError::TooLarge { limit });
        }
        let expected = hint.exact().and_then(|length| usize::try_from(length).ok());
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        if first.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        if self.lease.is_none() {
            return Ok(first);
        }
        // A piece may be the last one without saying so: chunked framing ends in a piece of its own.
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let room = expected.unwrap_or(first.len() + second.len()).min(limit);
        let mut whole = BytesMut::with_capacity(room);
        whole.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(piece) = next {
            if whole.len() + piece.len() > limit {
                return Err(BodyError::TooLarge { limit });
            }
            whole.extend_from_slice(&piece);
            next = self.chunk().await?;
        }
        Ok(whole.freeze())
    }

    /// Reads the body's first `limit` bytes and says whether that is all of it. For pages and
    /// messages of which the beginning is enough.
    pub async fn collect_prefix(mut self, limit: usize) -> Result<(Bytes, bool), BodyError> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.chunk().await? {
            let room = limit - whole.len();
            whole.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.len() > room {
                return Ok((whole.freeze(), false));
            }
        }
        Ok((whole.freeze(), true))
    }

    fn release(&mut self) {
        if let Some(Lease { connection, origin, reuse }) = self.lease.take() {
            origin.put(connection, reuse);
        }
    }
}

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ResponseBody")
            .field("at_end", &self.lease.is_none())
            .finish_non_exhaustive()
    }
}
