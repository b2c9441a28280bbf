//! An open event stream of an upstream.

use std::time::Duration;

use gantry_net::error::Cause;
use gantry_net::{BodyError, ResponseBody};
use gantry_protocol::sse::{Event, Parser, SseError};

/// What is read of a stream after its last event of interest, before it is given up.
const REST_LIMIT: usize = 64 * 1024;

/// Events as they come. Dropping it closes the connection, unless the upstream has ended the
/// stream and that was read.
#[derive(Debug)]
pub struct EventStream {
    body: ResponseBody,
    parser: Parser,
    /// Where a resumed stream was taken up; holds until an event brings an id.
    resumed_after: Option<String>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
}

/// Why the next event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The connection ended before the stream did. A legacy stream may be resumed after
    /// [`EventStream::last_event_id`].
    #[error("the event stream was cut off")]
    Cut {
        /// What the connection reported.
        #[source]
        source: Cause,
    },
    /// One event was too large and is left out; the stream goes on.
    #[error("an event of the stream is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Nothing came for too long, not even a comment.
    #[error("the event stream stood still for {limit:?}")]
    Idle {
        /// The limit.
        limit: Duration,
    },
}

impl EventStream {
    pub(super) fn new(body: ResponseBody, max_event: usize) -> Self {
        let parser = Parser::new(max_event);
        Self { body, parser, resumed_after: None, state: State::Open }
    }

    pub(super) fn resume_after(&mut self, id: Option<&str>) {
        self.resumed_after = id.map(str::to_owned);
    }

    /// Returns the next event with data; `None` at the stream's end, and from then on. Comments
    /// and the events that only prime a stream for resuming are skipped.
    ///
    /// Cancel safe: an event is returned or still there.
    pub async fn next(&mut self) -> Result<Option<Event>, StreamError> {
        loop {
            for event in self.parser.by_ref() {
                match event {
                    Ok(event) if event.data.is_empty() => {}
                    Ok(event) => return Ok(Some(event)),
                    Err(SseError::TooLarge { limit }) => {
                        return Err(StreamError::TooLarge { limit });
                    }
                }
            }
            if self.state == State::Ended {
                return Ok(None);
            }
            match self.body.chunk().await {
                Ok(Some(piece)) => self.parser.push(&piece),
                // A last event without its blank line is dropped, as the standard asks.
                Ok(None) => self.state = State::Ended,
                Err(error) => {
                    self.state = State::Ended;
                    return Err(StreamError::from_body(error));
                }
            }
        }
    }

    /// Makes [`StreamError::TooLarge`] come when the event is over, so that
    /// [`EventStream::skipped`] shows both ends of it.
    pub(in crate::client) fn tell_at_end(&mut self) {
        self.parser.tell_at_end();
    }

    /// Returns the first and the last bytes of the event that was left out last.
    pub(in crate::client) fn skipped(&self) -> (&[u8], &[u8]) {
        self.parser.skipped()
    }

    /// Returns the id to resume after; `None` if the upstream sent none.
    pub fn last_event_id(&self) -> Option<&str> {
        match self.parser.last_event_id() {
            "" => self.resumed_after.as_deref(),
            id => Some(id),
        }
    }

    /// Returns how long the upstream wants to be left alone before the stream is resumed.
    pub fn retry(&self) -> Option<Duration> {
        self.parser.retry().map(Duration::from_millis)
    }

    /// Reads what is left after the last event that mattered, for at most `wait`, so that the
    /// connection can be used again. To be called once the answer is on its way to the client;
    /// a stream that goes on is closed.
    pub async fn finish(mut self, wait: Duration) {
        let rest = async {
            let mut n_read = 0;
            while let Ok(Some(piece)) = self.body.chunk().await {
                n_read += piece.len();
                if n_read > REST_LIMIT {
                    return;
                }
            }
        };
        // Whether it ended in time shows in the connection, not here.
        let _ = tokio::time::timeout(wait, rest).await;
    }
}

impl StreamError {
    fn from_body(error: BodyError) -> Self {
        match error {
            BodyError::Cut { source } => Self::Cut { source },
            BodyError::Idle { limit } => Self::Idle { limit },
            BodyError::TooLarge { limit } => Self::TooLarge { limit },
        }
    }
}
