//! The way from a running call of a service back to its client.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::{CallContext, ClientLink};
use gantry_protocol::message::{notification, request};
use gantry_protocol::{Id, Message, method};
use gantry_services::context::{CallLink, Sampling};
use gantry_services::ports::PortError;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// How long a client's own model may take.
const SAMPLING_LIMIT: Duration = Duration::from_mins(2);

/// Whatever a call needs after its request was handed to the pool.
#[derive(Debug)]
pub(super) struct Link {
    client: Arc<dyn ClientLink>,
    can_sample: bool,
    cancelled: CancellationToken,
    /// Where the client is spoken to: the call itself runs outside of it.
    runtime: Handle,
}

impl Link {
    /// Makes the link of a call; within a runtime.
    pub(super) fn new(context: &CallContext, cancelled: CancellationToken) -> Self {
        let profile = &context.caller.profile;
        Self {
            client: Arc::clone(&context.client),
            can_sample: profile.missing_for(method::SAMPLING_CREATE_MESSAGE, None).is_none(),
            cancelled,
            runtime: Handle::current(),
        }
    }

    fn tell(&self, method: &str, params: &Value) {
        if let Ok(message) = Message::parse(notification(method, params.to_string().as_bytes())) {
            self.client.notify(&message);
        }
    }
}

impl CallLink for Link {
    fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    fn wants_progress(&self) -> bool {
        self.client.wants_progress()
    }

    fn progress(&self, done: f64, total: f64, message: &str) {
        // The client's own token is put in on the way.
        let params =
            json!({ "progressToken": 0, "progress": done, "total": total, "message": message });
        self.tell(method::PROGRESS, &params);
    }

    fn notify(&self, method: &str, params: &Value) {
        self.tell(method, params);
    }

    fn sample(&self, question: &Sampling<'_>) -> Result<String, PortError> {
        if !self.can_sample {
            return Err(PortError::new("the client did not say that it can be asked for samples"));
        }
        let params = json!({
            "messages": [{ "role": "user", "content": { "type": "text", "text": question.prompt } }],
            "systemPrompt": question.system,
            "maxTokens": question.max_tokens,
        });
        let params = params.to_string();
        let asked = request(&Id::from(0), method::SAMPLING_CREATE_MESSAGE, params.as_bytes());
        let Ok(message) = Message::parse(asked) else {
            return Err(PortError::new("the question cannot be written as a message"));
        };
        let answer = self.runtime.block_on(async {
            tokio::select! {
                () = self.cancelled.cancelled() => Err(PortError::new("the call was cancelled")),
                answer = tokio::time::timeout(SAMPLING_LIMIT, self.client.ask(&message)) => {
                    match answer {
                        Ok(Ok(answer)) => Ok(answer),
                        Ok(Err(error)) => Err(PortError::new(error.message)),
                        Err(_) => Err(PortError::new("the client's model did not answer in time")),
                    }
                }
            }
        })?;
        text_of(&answer)
    }
}

/// Reads the text of an answer: one block of content, or several of them.
fn text_of(answer: &Message) -> Result<String, PortError> {
    let Some(raw) = answer.result() else {
        return Err(PortError::new("the client refused to ask its model"));
    };
    let result: Value = serde_json::from_slice(raw).unwrap_or_default();
    let blocks = match &result["content"] {
        Value::Array(blocks) => blocks.as_slice(),
        one => std::slice::from_ref(one),
    };
    let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
    if texts.is_empty() {
        return Err(PortError::new("the client's model answered without a text"));
    }
    Ok(texts.join("\n"))
}
