//! Tests of [`super`]: which requests pass the gate.

use http::HeaderValue;

use super::*;
use crate::config::{Config, Env, Source};

const TOKEN: &str = "0123456789abcdef";
const ADMIN: &str = "admin-0123456789abcdef";

fn live(yaml: &str) -> Live {
    let config = Config::parse(yaml, &Source::default(), &Env::default()).unwrap();
    Live::new(config, None).unwrap()
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[track_caller]
fn refused<T>(outcome: Result<T, Refusal>) -> ErrorCode {
    outcome.err().expect("it should be refused").code()
}

#[test]
fn a_request_for_somebody_else_is_refused() {
    let live = live("");
    let check = |uri: &'static str, list: &[(&'static str, &str)]| {
        is_meant_for_us(&live, &Uri::from_static(uri), &headers(list))
    };
    assert!(check("/mcp", &[("host", "localhost:8080")]).is_ok());
    assert_eq!(refused(check("/mcp", &[])), ErrorCode::HostRefused);
    assert_eq!(refused(check("/mcp", &[("host", "evil.example")])), ErrorCode::HostRefused);
    let page = [("host", "localhost:8080"), ("origin", "https://evil.example")];
    assert_eq!(refused(check("/mcp", &page)), ErrorCode::OriginRefused);
    let twice = [("host", "localhost"), ("host", "evil.example")];
    assert_eq!(refused(check("/mcp", &twice)), ErrorCode::MalformedMessage);
    // The request line wins over the header.
    let line = "http://evil.example/mcp";
    assert_eq!(refused(check(line, &[("host", "localhost")])), ErrorCode::HostRefused);
}

#[test]
fn a_proxy_may_not_pass_strangers_on_as_the_loopback() {
    let forwarded = headers(&[("x-forwarded-for", "203.0.113.7")]);
    assert_eq!(refused(is_not_forwarded_unasked(&live(""), &forwarded)), ErrorCode::TokenWrong);
    let with_token = live(&format!("auth: {{ tokens: [{{ name: a, token: {TOKEN} }}] }}"));
    assert!(is_not_forwarded_unasked(&with_token, &forwarded).is_ok());
}

#[test]
fn the_admin_token_is_no_client_token_and_the_other_way_round() {
    let live = live(&format!("auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}"));
    let admin = AdminToken::new(ADMIN).unwrap();
    let with = |token: &str| headers(&[("authorization", &format!("Bearer {token}"))]);
    assert_eq!(&*client(&live.tokens, &with(TOKEN)).unwrap().subject, "ann");
    assert_eq!(refused(client(&live.tokens, &with(ADMIN))), ErrorCode::TokenWrong);
    assert_eq!(refused(client(&live.tokens, &headers(&[]))), ErrorCode::TokenWrong);
    assert!(administrator(&admin, &with(ADMIN)).is_ok());
    assert_eq!(refused(administrator(&admin, &with(TOKEN))), ErrorCode::AdminTokenWrong);
}

#[test]
fn details_are_for_this_machine_and_for_tokens() {
    let live = live(&format!("auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}"));
    let admin = AdminToken::new(ADMIN).unwrap();
    let near = Peer::At("127.0.0.1:4000".parse().unwrap());
    let far = Peer::At("192.0.2.1:4000".parse().unwrap());
    let sees =
        |peer, list: &[(&'static str, &str)]| may_see_details(&live, &admin, peer, &headers(list));
    assert!(sees(near, &[]));
    assert!(!sees(near, &[("x-forwarded-for", "203.0.113.7")]));
    assert!(!sees(far, &[]));
    assert!(sees(far, &[("authorization", &format!("Bearer {TOKEN}"))]));
    assert!(sees(far, &[("authorization", &format!("Bearer {ADMIN}"))]));
    assert!(!sees(far, &[("authorization", "Bearer somebody-elses-token")]));
}

#[test]
fn the_socket_is_its_users_unless_a_proxy_passes_strangers_on() {
    let far = Peer::At("192.0.2.1:4000".parse().unwrap());
    let forwarded = headers(&[("x-forwarded-for", "203.0.113.7")]);
    assert_eq!(&*same_user(Peer::SameUser, &headers(&[])).unwrap().subject, "local");
    assert!(same_user(Peer::SameUser, &forwarded).is_none());
    assert!(same_user(far, &headers(&[])).is_none());
}

#[test]
fn without_tokens_nobody_far_away_sees_details() {
    let live = live("");
    let admin = AdminToken::new(ADMIN).unwrap();
    let far = Peer::At("192.0.2.1:4000".parse().unwrap());
    let any = headers(&[("authorization", "Bearer whatever-it-may-be")]);
    assert!(!may_see_details(&live, &admin, far, &any));
}
