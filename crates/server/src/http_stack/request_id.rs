//! Names for requests: the caller's own, if it is fit for a log, else a new one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gantry_core::seal::{self, SealError};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Both ways: the name of one request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Both ways, if the caller sends it: the name of what a request is a part of.
pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// Longer ones would fill the log with what a stranger likes.
const LONGEST: usize = 128;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
const LENGTH: usize = 16;

/// Makes request ids that are unique across restarts, without asking for randomness each time.
#[derive(Debug)]
pub(crate) struct RequestIds {
    next: AtomicU64,
}

/// What a request is called.
#[derive(Debug, Clone)]
pub(crate) struct RequestNames {
    /// The request itself.
    pub(crate) request: Arc<str>,
    /// What it is a part of; the same if the caller says nothing.
    pub(crate) correlation: Arc<str>,
    wants_correlation: bool,
}

impl RequestIds {
    pub(crate) fn new() -> Result<Self, SealError> {
        Ok(Self { next: AtomicU64::new(u64::from_be_bytes(seal::random::<8>()?)) })
    }

    /// Takes the caller's names, or makes one. Each stands in for the other where only one of them
    /// is given and fit.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestNames {
        let given = |name| headers.get(name).and_then(acceptable).map(Arc::<str>::from);
        let wants_correlation = headers.contains_key(CORRELATION_ID);
        let correlation = if wants_correlation { given(CORRELATION_ID) } else { None };
        let request =
            given(REQUEST_ID).or_else(|| correlation.clone()).unwrap_or_else(|| self.fresh());
        let correlation = correlation.unwrap_or_else(|| Arc::clone(&request));
        RequestNames { request, correlation, wants_correlation }
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

impl RequestNames {
    /// Repeats the names in the answer.
    pub(super) fn write(&self, answer: &mut HeaderMap) {
        if let Ok(id) = HeaderValue::from_str(&self.request) {
            answer.insert(REQUEST_ID, id);
        }
        if self.wants_correlation
            && let Ok(id) = HeaderValue::from_str(&self.correlation)
        {
            answer.insert(CORRELATION_ID, id);
        }
    }
}

/// What may stand in a log line and in a header without quotes.
fn acceptable(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
    (!text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{CORRELATION_ID, REQUEST_ID, RequestIds, RequestNames};

    fn names(sent: &[(HeaderName, &str)]) -> RequestNames {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        RequestIds::new().unwrap().of(&headers)
    }

    /// The headers of the answer.
    fn repeated(names: &RequestNames) -> (Option<String>, Option<String>) {
        let mut answer = HeaderMap::new();
        names.write(&mut answer);
        let text = |name| answer.get(name).map(|value| value.to_str().unwrap().to_owned());
        (text(REQUEST_ID), text(CORRELATION_ID))
    }

    #[track_caller]
    fn is_taken(text: &str, taken: bool) {
        let names = names(&[(REQUEST_ID, text)]);
        assert_eq!(&*names.request == text, taken, "{text} {names:?}");
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
    fn the_name_of_the_whole_and_of_the_part_are_repeated() {
        let both = names(&[(REQUEST_ID, "part"), (CORRELATION_ID, "whole")]);
        assert_eq!(repeated(&both), (Some("part".into()), Some("whole".into())));
        let whole = names(&[(CORRELATION_ID, "whole")]);
        assert_eq!(repeated(&whole), (Some("whole".into()), Some("whole".into())));
        let part = names(&[(REQUEST_ID, "part")]);
        assert_eq!((&*part.correlation, repeated(&part)), ("part", (Some("part".into()), None)));
        let unfit = names(&[(CORRELATION_ID, "un fit")]);
        let (request, correlation) = repeated(&unfit);
        assert_eq!(
            (request.as_deref(), request.as_ref()),
            (Some(&*unfit.request), correlation.as_ref())
        );
        assert_eq!(unfit.request.len(), 16);
    }

    #[test]
    fn new_ids_differ() {
        let ids = RequestIds::new().unwrap();
        let (first, second) = (ids.fresh(), ids.fresh());
        assert_ne!(first, second);
        assert_eq!(first.len(), 16);
    }
}
