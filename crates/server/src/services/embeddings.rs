//! A model that makes vectors of texts, behind an endpoint as `OpenAI` has it (`POST /embeddings`).
//!
//! Texts go in batches, one after the other, within one time limit. What the endpoint says of its
//! errors goes nowhere: it may repeat texts, or the key.

use std::sync::Arc;

use bytes::Bytes;
use gantry_net::{Client, Limits};
use gantry_services::ports::{self, PortError};
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use serde::{Deserialize, Serialize};

use super::gateway::Around;
use super::streaming::guard_of;
use crate::config;

/// The most texts of one call.
const MAX_TEXTS: usize = 4_096;
/// The most texts of one request.
const BATCH: usize = 64;
/// The most bytes of texts of one request, unless one alone has more.
const BATCH_BYTES: usize = 256 << 10;
/// The most bytes of an answer.
const MAX_ANSWER: usize = 16 << 20;
/// The most numbers of a vector.
const MAX_LENGTH: usize = 16_384;
const AGENT: &str = concat!("gantry/", env!("CARGO_PKG_VERSION"));

/// The model.
#[derive(Debug)]
pub(super) struct Model {
    config: config::Embeddings,
    around: Arc<Around>,
}

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    input: &'a [&'a str],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Embedded>,
}

#[derive(Deserialize)]
struct Embedded {
    /// Which of the texts it is of.
    index: usize,
    embedding: Vec<f32>,
}

impl Model {
    pub(super) fn new(config: config::Embeddings, around: Arc<Around>) -> Self {
        Self { config, around }
    }

    async fn ask(&self, http: &Client, texts: &[&str]) -> Result<Vec<Vec<f32>>, PortError> {
        let config = &self.config;
        let guard = guard_of(&config.url, config.private);
        let target = http.guarded_target(&config.url, guard);
        let target = target.map_err(|error| PortError::new(error.to_string()))?;
        let question = Question { model: &config.model, input: texts, encoding_format: "float" };
        let body = serde_json::to_vec(&question);
        let body = body.map_err(|error| PortError::new(error.to_string()))?;
        let limits = Limits { head: Some(config.timeout), body_idle: Some(config.timeout) };
        let sent = target.send(Method::POST, self.headers(), Bytes::from(body), limits).await;
        let answer = sent.map_err(|error| failed(&error))?;
        if !answer.status().is_success() {
            return Err(PortError::new(format!("the endpoint answers {}", answer.status())));
        }
        let body = answer.into_body().collect(MAX_ANSWER).await.map_err(|error| failed(&error))?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| PortError::new("the endpoint answers no list of embeddings"))?;
        in_order(answer, texts.len())
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let key = self.config.api_key.as_ref();
        // The configuration was checked to have none that cannot be sent.
        if let Some(Ok(mut value)) =
            key.map(|key| HeaderValue::from_str(&format!("Bearer {}", key.expose())))
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }
}

impl ports::Embeddings for Model {
    fn model(&self) -> &str {
        &self.config.model
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, PortError> {
        if texts.len() > MAX_TEXTS {
            let problem = format!("{} texts; at most {MAX_TEXTS} are taken", texts.len());
            return Err(PortError::new(problem));
        }
        let (gateway, runtime) = self.around.get()?;
        let http = gateway.registry.http();
        let asking = async {
            let mut vectors = Vec::with_capacity(texts.len());
            for batch in batches(texts) {
                vectors.append(&mut self.ask(&http, batch).await?);
            }
            Ok(vectors)
        };
        let limit = self.config.timeout;
        let limited = async { tokio::time::timeout(limit, asking).await };
        runtime.block_on(limited).unwrap_or_else(|_| {
            Err(PortError::new(format!("the endpoint did not answer within {limit:?}")))
        })
    }
}

/// Puts the vectors in the order of the texts.
fn in_order(answer: Answer, n_texts: usize) -> Result<Vec<Vec<f32>>, PortError> {
    let mut vectors = vec![Vec::new(); n_texts];
    for Embedded { index, embedding } in answer.data {
        let is_sound = !embedding.is_empty()
            && embedding.len() <= MAX_LENGTH
            && embedding.iter().all(|number| number.is_finite());
        match vectors.get_mut(index) {
            Some(place) if place.is_empty() && is_sound => *place = embedding,
            _ => return Err(PortError::new("the endpoint answers a vector that cannot be used")),
        }
    }
    if vectors.iter().any(Vec::is_empty) {
        return Err(PortError::new("the endpoint answers fewer vectors than it was given texts"));
    }
    Ok(vectors)
}

/// Cuts texts into the batches of one request each.
fn batches<'a>(texts: &'a [&'a str]) -> Vec<&'a [&'a str]> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, text) in texts.iter().enumerate() {
        if at > start && (at - start >= BATCH || bytes + text.len() > BATCH_BYTES) {
            batches.push(&texts[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += text.len();
    }
    if start < texts.len() {
        batches.push(&texts[start..]);
    }
    batches
}

fn failed(error: &dyn std::error::Error) -> PortError {
    let text = gantry_core::chain(error);
    gantry_core::log::warn!(error = text, "The endpoint of embeddings does not answer.");
    PortError::new("the endpoint does not answer; the log says why")
}

#[cfg(test)]
mod tests {
    use super::{Answer, BATCH, BATCH_BYTES, Embedded, batches, in_order};

    #[test]
    fn batches_have_a_bound_in_texts_and_in_bytes() {
        let many = vec!["a"; BATCH + 1];
        let sizes: Vec<usize> = batches(&many).iter().map(|batch| batch.len()).collect();
        assert_eq!(sizes, [BATCH, 1]);
        let long = "x".repeat(BATCH_BYTES);
        let longer = "x".repeat(BATCH_BYTES + 1);
        let texts = ["a", &long, &longer, "b"];
        let sizes: Vec<usize> = batches(&texts).iter().map(|batch| batch.len()).collect();
        assert_eq!(sizes, [1, 1, 1, 1]);
        assert!(batches(&[]).is_empty());
    }

    #[test]
    fn vectors_come_in_any_order_and_each_once() {
        let answer = |indices: &[usize], embedding: &[f32]| Answer {
            data: indices
                .iter()
                .map(|index| Embedded { index: *index, embedding: embedding.to_vec() })
                .collect(),
        };
        assert_eq!(in_order(answer(&[1, 0], &[1.0]), 2).unwrap().len(), 2);
        for (indices, embedding) in [
            (&[0, 0][..], &[1.0][..]),
            (&[0], &[1.0]),
            (&[0, 2], &[1.0]),
            (&[0, 1], &[f32::INFINITY]),
        ] {
            assert!(in_order(answer(indices, embedding), 2).is_err(), "{indices:?} {embedding:?}");
        }
    }
}
