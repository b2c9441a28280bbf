//! Answers made smaller by gzip (RFC 9110, section 8.4.1.3), where the configuration wants it.
//!
//! Only whole answers are: a stream of events would be held back. A small one is packed at once; a
//! large one in pieces while it is sent, and between two of them others have their turn, because
//! they share this thread.
//!
//! The size of a packed answer tells how much of it was said before. Whoever can put words into an
//! answer and see its size on the wire can thus guess at a secret beside them (BREACH). What is
//! asked with a credential is therefore sent as it is, unless the configuration says otherwise.

use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::write::GzEncoder;
use gantry_transport::server::ReplyBody;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
    COOKIE, ETAG, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;

use crate::config;

/// Bytes that are packed at once: about a millisecond of work.
const PIECE: usize = 32 * 1024;
/// Answers of up to this many bytes are packed before they are sent, and so have a length.
const AT_ONCE: usize = 2 * PIECE;

/// Which answers are made smaller, and how.
#[derive(Debug, Clone)]
pub(crate) struct Compression {
    minimum: usize,
    level: flate2::Compression,
    types: Vec<String>,
    with_credentials: bool,
    key_header: HeaderName,
}

/// What a client takes, and whether it may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    is_gzip: bool,
}

/// A large answer, packed while it is sent.
struct Packing {
    rest: Bytes,
    /// `None` once all is packed.
    encoder: Option<GzEncoder<Vec<u8>>>,
    /// Set when the next one to be asked lets others go first.
    is_resting: bool,
}

// === impl Compression ===

impl Compression {
    /// Returns how answers are made smaller; `None` where none are.
    pub(crate) fn new(server: &config::Server, key_header: &HeaderName) -> Option<Self> {
        let config = &server.compression;
        config.enabled.then(|| Self {
            minimum: config.minimum,
            level: flate2::Compression::new(config.level),
            types: config.types.clone(),
            with_credentials: config.with_credentials,
            key_header: key_header.clone(),
        })
    }

    /// Looks at a request; `None` if its answer is sent as it is, whoever asks.
    pub(super) fn wanted(&self, parts: &Parts) -> Option<Wanted> {
        let has_credential = [&AUTHORIZATION, &COOKIE, &self.key_header]
            .into_iter()
            .any(|name| parts.headers.contains_key(name));
        let may = parts.method != Method::HEAD && (self.with_credentials || !has_credential);
        may.then(|| Wanted { is_gzip: takes_gzip(&parts.headers) })
    }

    /// Makes an answer smaller, if it is one of those.
    pub(super) fn pack(&self, wanted: Wanted, answer: Response<ReplyBody>) -> Response<ReplyBody> {
        let (mut head, body) = answer.into_parts();
        let ReplyBody::Full(Some(bytes)) = body else { return Response::from_parts(head, body) };
        if bytes.len() < self.minimum || !self.fits(&head.headers) {
            return Response::from_parts(head, ReplyBody::Full(Some(bytes)));
        }
        head.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
        if !wanted.is_gzip {
            return Response::from_parts(head, ReplyBody::Full(Some(bytes)));
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), self.level);
        let body = if bytes.len() > AT_ONCE {
            let packing = Packing { rest: bytes, encoder: Some(encoder), is_resting: false };
            ReplyBody::Other(packing.boxed_unsync())
        } else {
            let packed = encoder.write_all(&bytes).and_then(|()| encoder.finish());
            // Writing to memory does not fail; if it ever does, the answer is sent as it is.
            match packed {
                Ok(packed) if packed.len() < bytes.len() => {
                    ReplyBody::Full(Some(Bytes::from(packed)))
                }
                _ => return Response::from_parts(head, ReplyBody::Full(Some(bytes))),
            }
        };
        head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, body)
    }

    /// Tells whether the head of an answer lets it be packed.
    fn fits(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let media = text(CONTENT_TYPE).and_then(|media| media.split(';').next());
        let is_wanted = media.is_some_and(|media| {
            self.types.iter().any(|wanted| media.trim().eq_ignore_ascii_case(wanted))
        });
        let is_fixed = headers.contains_key(CONTENT_ENCODING)
            || headers.contains_key(ETAG)
            || text(CACHE_CONTROL).is_some_and(|said| said.contains("no-transform"));
        is_wanted && !is_fixed
    }
}

/// Reads `Accept-Encoding` (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let (mut named, mut any) = (None, None);
    for line in headers.get_all(ACCEPT_ENCODING) {
        let Ok(line) = line.to_str() else { continue };
        for entry in line.split(',') {
            let mut parts = entry.split(';').map(str::trim);
            let coding = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| {
                let (name, value) = part.split_once('=')?;
                name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>())
            });
            // A weight that is none is taken for the worst.
            let is_taken = weight.is_none_or(|weight| weight.is_ok_and(|weight| weight > 0.0));
            if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
                named = Some(is_taken);
            } else if coding == "*" {
                any = Some(is_taken);
            }
        }
    }
    named.or(any).unwrap_or(false)
}

// === impl Packing ===

impl Packing {
    /// Packs the next piece; `None` when all was sent.
    fn next(&mut self) -> Option<Bytes> {
        let encoder = self.encoder.as_mut()?;
        while !self.rest.is_empty() {
            let piece = self.rest.split_to(PIECE.min(self.rest.len()));
            // Writing to memory does not fail.
            encoder.write_all(&piece).ok()?;
            let packed = encoder.get_mut();
            if !packed.is_empty() {
                return Some(Bytes::from(std::mem::take(packed)));
            }
        }
        self.encoder.take()?.finish().ok().map(Bytes::from)
    }
}

impl Body for Packing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let packing = self.get_mut();
        if std::mem::take(&mut packing.is_resting) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        packing.is_resting = true;
        Poll::Ready(packing.next().map(|packed| Ok(Frame::data(packed))))
    }
}

#[cfg(test)]
mod tests;
