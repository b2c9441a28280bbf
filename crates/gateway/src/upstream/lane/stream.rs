//! The standalone stream of a legacy session over HTTP: kept open as long as the session lives.

use std::sync::Arc;
use std::time::Duration;

use gantry_protocol::message::Body;
use gantry_protocol::method;
use gantry_transport::client::http::HttpError;

use super::super::offers::Asker as _;
use super::{Lane, Wire};

/// First pause before the stream is opened again; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Some servers send the headers of the stream with its first event only.
const HEAD_LIMIT: Option<Duration> = None;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Lane {
    /// Keeps the stream open in the background.
    pub(super) fn listen(self: &Arc<Self>) {
        let lane = Arc::clone(self);
        self.shared.tasks.spawn_until_stop("lane-stream", async move {
            let closed = lane.closed.clone();
            tokio::select! {
                () = closed.cancelled() => {}
                () = lane.keep_listening() => {}
            }
        });
    }

    async fn keep_listening(self: &Arc<Self>) {
        let Wire::Http(http) = &self.wire else { return };
        let mut pause = FIRST_PAUSE;
        let mut resume_from: Option<String> = None;
        loop {
            match http
                .upstream
                .open_stream(&http.headers(), resume_from.as_deref(), HEAD_LIMIT)
                .await
            {
                Ok(mut stream) => {
                    while let Ok(Some(event)) = stream.next().await {
                        pause = FIRST_PAUSE;
                        if event.data.is_empty() {
                            continue;
                        }
                        match Body::parse(event.data) {
                            Ok(Body::One(message)) => self.hear(None, message),
                            Ok(Body::Batch(messages)) => {
                                for message in messages.into_iter().flatten() {
                                    self.hear(None, message);
                                }
                            }
                            Err(error) => {
                                gantry_core::log::warn!(upstream = %self.shared.spec.name, %error, "An event is no message.");
                            }
                        }
                    }
                    if let Some(id) = stream.last_event_id() {
                        resume_from = Some(id.to_owned());
                    }
                    if let Some(asked) = stream.retry() {
                        pause = pause.max(asked.min(LONGEST_PAUSE));
                    }
                }
                Err(HttpError::NoStream { answer }) => match answer.status.as_u16() {
                    // The session is gone, or there is no such route; an answer by POST tells. Its
                    // own 404 ends the lane.
                    404 if http.session.is_some() => {
                        let _ = self.ask(method::PING, b"{}".to_vec()).await;
                        return;
                    }
                    // It has no such stream, and says so for good.
                    400..=499 | 501 => return,
                    _ => {}
                },
                // The session may be gone with the server: somebody must look.
                Err(_) => self.shared.suspect.notify_one(),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
