//! Which answers are packed, and that they are the same when they are unpacked.

use std::io::Read as _;

use flate2::read::GzDecoder;
use http::{Request, StatusCode};

use super::*;
use crate::config::{Config, Env, Source};

fn compression(more: &str) -> Compression {
    let text = format!("server: {{ compression: {{ enabled: true{more} }} }}");
    let config = Config::parse(&text, &Source::default(), &Env::default()).unwrap();
    Compression::new(&config.server, &config.auth.api_key_header).unwrap()
}

fn asked(method: &str, headers: &[(&'static str, &'static str)]) -> Parts {
    let mut request = Request::builder().method(method);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn answer(media: &'static str, text: &str) -> Response<ReplyBody> {
    let mut answer = gantry_transport::server::full(StatusCode::OK, Bytes::from(text.to_owned()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    answer
}

async fn unpacked(answer: Response<ReplyBody>) -> String {
    assert_eq!(answer.headers()[CONTENT_ENCODING], "gzip");
    let packed = answer.into_body().collect().await.unwrap().to_bytes();
    let mut text = String::new();
    GzDecoder::new(&*packed).read_to_string(&mut text).unwrap();
    text
}

fn is_packed(answer: &Response<ReplyBody>) -> bool {
    answer.headers().contains_key(CONTENT_ENCODING)
}

const GZIP: Wanted = Wanted { is_gzip: true };

#[tokio::test]
async fn what_is_unpacked_is_what_was_packed_however_long_it_is() {
    let compression = compression("");
    for length in [1024, PIECE, AT_ONCE, AT_ONCE + 1, 7 * PIECE + 13] {
        let letters: Vec<char> = ('a'..='w').collect();
        let text: String = (0..length).map(|at| letters[at * at % letters.len()]).collect();
        let packed = compression.pack(GZIP, answer("application/json; charset=utf-8", &text));
        assert_eq!(packed.headers()[VARY], "accept-encoding");
        assert!(unpacked(packed).await == text, "{length}");
    }
}

#[test]
fn small_and_odd_answers_are_sent_as_they_are() {
    let compression = compression(", minimum: 100B");
    let (long, short) = ("x".repeat(100), "x".repeat(99));
    assert!(is_packed(&compression.pack(GZIP, answer("application/json", &long))));
    assert!(!is_packed(&compression.pack(GZIP, answer("application/json", &short))));
    assert!(!is_packed(&compression.pack(GZIP, answer("image/png", &long))));
    assert!(!is_packed(&compression.pack(GZIP, answer("text/event-stream", &long))));
    let other = compression.pack(Wanted { is_gzip: false }, answer("application/json", &long));
    // A cache must know that another client may get it packed.
    assert!(!is_packed(&other) && other.headers()[VARY] == "accept-encoding");
    for (name, value) in
        [("content-encoding", "br"), ("etag", "x"), ("cache-control", "no-transform")]
    {
        let mut fixed = answer("application/json", &long);
        fixed.headers_mut().insert(name, HeaderValue::from_static(value));
        let sent = compression.pack(GZIP, fixed);
        assert_ne!(
            sent.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes),
            Some(&b"gzip"[..])
        );
    }
    // What packing would make larger.
    let noise: String = (0u32..110).map(|at| char::from(33 + (at * 7919 % 89) as u8)).collect();
    assert!(!is_packed(&compression.pack(GZIP, answer("application/json", &noise))));
}

#[test]
fn what_is_asked_with_a_credential_is_sent_as_it_is() {
    for name in ["authorization", "cookie", "x-api-key"] {
        let parts = asked("GET", &[("accept-encoding", "gzip"), (name, "x")]);
        assert_eq!(compression("").wanted(&parts), None, "{name}");
        assert_eq!(compression(", with_credentials: true").wanted(&parts), Some(GZIP), "{name}");
    }
    let parts = asked("HEAD", &[("accept-encoding", "gzip")]);
    assert_eq!(compression("").wanted(&parts), None);
}

#[test]
fn a_client_says_what_it_takes() {
    for (said, takes) in [
        ("gzip", true),
        ("GZIP", true),
        ("br, gzip;q=0.5, *;q=0", true),
        ("x-gzip", true),
        ("*", true),
        ("", false),
        ("br", false),
        ("identity", false),
        ("gzip;q=0", false),
        ("gzip; q=0.000, *", false),
        ("*;q=0", false),
        ("gzip;q=x", false),
    ] {
        let parts = asked("GET", &[("accept-encoding", said)]);
        assert_eq!(compression("").wanted(&parts), Some(Wanted { is_gzip: takes }), "{said}");
    }
    assert_eq!(compression("").wanted(&asked("GET", &[])), Some(Wanted { is_gzip: false }));
}
