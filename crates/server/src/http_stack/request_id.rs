//! Names for requests: the caller's own, if it is fit for a log, else a new one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gantry_core::seal::{self, SealError};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ones would fill the log with what a stranger likes.
const LONGEST: usize = 128;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
const LENGTH: usize = 16;

/// Makes request ids that are unique across restarts, without asking for randomness each time.
#[derive(Debug)]
pub(crate) struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Result<Self, SealError> {
        Ok(Self { next: AtomicU64::new(u64::from_be_bytes(seal::random::<8>()?)) })
    }

    /// Takes the caller's `X-Request-Id`, or makes one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Arc<str> {
        match headers.get(REQUEST_ID).and_then(|value| acceptable(value)) {
            Some(text) => text.into(),
            None => self.fresh(),
        }
    }

    /// Makes an id: 16 hexadecimal digits.
    pub(crate) fn fresh(&self) -> Arc<str> {
        // The multiplier is odd, so that no number comes twice; it spreads neighbours apart, so
        // that the ids of two requests are not mistaken for one another by a reader.
        let number = self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut text = [0_u8; LENGTH];
        for (place, byte) in number.to_be_bytes().into_iter().enumerate() {
            text[2 * place] = DIGITS[usize::from(byte >> 4)];
            text[2 * place + 1] = DIGITS[usize::from(byte & 15)];
        }
        std::str::from_utf8(&text).expect("hexadecimal digits are UTF-8").into()
    }
}

/// Returns an id as a header.
pub(crate) fn header(id: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(id).ok()
}

/// What may stand in a log line and in a header without quotes.
fn acceptable(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
    (!text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{REQUEST_ID, RequestIds};

    #[track_caller]
    fn is_taken(text: &str, taken: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(text).unwrap());
        let id = RequestIds::new().unwrap().of(&headers);
        assert_eq!(&*id == text, taken, "{text} {id}");
    }

    #[test]
    fn a_callers_id_is_kept_if_it_is_fit_for_a_log() {
        is_taken("4bf92f3577b34da6", true);
        is_taken("edge-7/2026.1:x", true);
        is_taken("with space", false);
        is_taken("\"quoted\"", false);
        is_taken(&"x".repeat(129), false);
        is_taken("", false);
    }

    #[test]
    fn new_ids_differ() {
        let ids = RequestIds::new().unwrap();
        let (first, second) = (ids.fresh(), ids.fresh());
        assert_ne!(first, second);
        assert_eq!(first.len(), 16);
    }
}
