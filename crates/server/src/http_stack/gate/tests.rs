//! Tests of [`super`]: which requests pass the gate.

use http::HeaderValue;

use super::*;
use crate::config::{Config, Env, Source};
use crate::keys::tests::Safe;

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

const WITH_TOKEN: &str = "auth: { tokens: [{ name: ann, token: 0123456789abcdef }] }";

/// A gateway whose gate is asked.
struct House {
    live: Live,
    safe: Safe,
    admin: AdminToken,
    shown: Shown,
}

impl House {
    async fn new(yaml: &str) -> Self {
        let admin = AdminToken::new(ADMIN).unwrap();
        Self { live: live(yaml), safe: Safe::new().await, admin, shown: Shown::default() }
    }

    fn asking<'a>(&'a self, peer: Peer, headers: &'a HeaderMap) -> Asking<'a> {
        let (live, keys, admin, shown) = (&self.live, &self.safe.keys, &self.admin, &self.shown);
        Asking { live, keys, admin, peer, headers, shown, resource: None }
    }

    /// Whom a client from this machine is taken for.
    fn client(&self, list: &[(&'static str, &str)]) -> Result<String, ErrorCode> {
        let headers = headers(list);
        let client = self.asking(near(), &headers).client();
        client.map(|client| client.subject.to_string()).map_err(|refusal| refusal.code())
    }
}

fn near() -> Peer {
    Peer::At("127.0.0.1:4000".parse().unwrap())
}

fn far() -> Peer {
    Peer::At("192.0.2.1:4000".parse().unwrap())
}

fn bearer(token: &str) -> HeaderMap {
    headers(&[("authorization", &format!("Bearer {token}"))])
}

#[tokio::test]
async fn a_proxy_may_not_pass_strangers_on_as_the_loopback() {
    let forwarded = headers(&[("x-forwarded-for", "203.0.113.7")]);
    let house = House::new("").await;
    let refusal = house.asking(near(), &forwarded).is_not_forwarded_unasked();
    assert_eq!(refused(refusal), ErrorCode::TokenWrong);
    let with_token = House::new(WITH_TOKEN).await;
    assert!(with_token.asking(near(), &forwarded).is_not_forwarded_unasked().is_ok());
    house.safe.make("alice").await;
    assert!(house.asking(near(), &forwarded).is_not_forwarded_unasked().is_ok());
}

#[tokio::test]
async fn the_admin_token_is_no_client_token_and_the_other_way_round() {
    let house = House::new(WITH_TOKEN).await;
    let (token, admin) = (bearer(TOKEN), bearer(ADMIN));
    assert_eq!(&*house.asking(near(), &token).client().unwrap().subject, "ann");
    assert_eq!(refused(house.asking(near(), &admin).client()), ErrorCode::TokenWrong);
    assert_eq!(house.client(&[]), Err(ErrorCode::TokenWrong));
    assert!(house.asking(near(), &admin).administrator().is_ok());
    let refusal = house.asking(near(), &token).administrator();
    assert_eq!(refused(refusal), ErrorCode::AdminTokenWrong);
}

#[tokio::test]
async fn what_a_connection_remembers_opens_nothing_that_was_taken_back() {
    let house = House::new(WITH_TOKEN).await;
    let [alice, bob] = [house.safe.make("alice").await, house.safe.make("bob").await];
    let [alice_asks, bob_asks] = [&alice, &bob].map(|key| bearer(&key.key));
    let who = |headers: &HeaderMap| {
        let client = house.asking(far(), headers).client();
        client.map(|client| client.subject.to_string()).map_err(|refusal| refusal.code())
    };
    // All by one connection, as a proxy may send them.
    for _ in 0..2 {
        assert_eq!(who(&alice_asks).as_deref(), Ok("alice"));
        assert_eq!(who(&alice_asks).as_deref(), Ok("alice"));
        assert_eq!(who(&bob_asks).as_deref(), Ok("bob"));
        assert_eq!(who(&bearer(TOKEN)).as_deref(), Ok("ann"));
    }
    assert_eq!(who(&alice_asks).as_deref(), Ok("alice"));
    house.safe.keys.revoke(&alice.about.id).await.unwrap();
    assert_eq!(who(&alice_asks), Err(ErrorCode::TokenWrong));
    assert_eq!(who(&bob_asks).as_deref(), Ok("bob"));
    assert_eq!(who(&alice_asks), Err(ErrorCode::TokenWrong));
}

#[tokio::test]
async fn details_are_for_this_machine_and_for_tokens() {
    let house = House::new(WITH_TOKEN).await;
    let key = house.safe.make("bob").await;
    let sees = |peer, list: &[(&'static str, &str)]| {
        let headers = headers(list);
        house.asking(peer, &headers).may_see_details()
    };
    assert!(sees(near(), &[]));
    assert!(!sees(near(), &[("x-forwarded-for", "203.0.113.7")]));
    assert!(!sees(far(), &[]));
    assert!(sees(far(), &[("authorization", &format!("Bearer {TOKEN}"))]));
    assert!(sees(far(), &[("authorization", &format!("Bearer {ADMIN}"))]));
    assert!(sees(far(), &[("x-api-key", &key.key)]));
    assert!(!sees(far(), &[("authorization", "Bearer somebody-elses-token")]));
}

#[tokio::test]
async fn the_socket_is_its_users_unless_a_proxy_passes_strangers_on() {
    let house = House::new("").await;
    let (plain, forwarded) = (headers(&[]), headers(&[("x-forwarded-for", "203.0.113.7")]));
    let user = house.asking(Peer::SameUser, &plain).same_user();
    assert_eq!(&*user.unwrap().subject, "local");
    assert!(house.asking(Peer::SameUser, &forwarded).same_user().is_none());
    assert!(house.asking(far(), &plain).same_user().is_none());
}

#[tokio::test]
async fn without_tokens_nobody_far_away_sees_details() {
    let house = House::new("").await;
    let any = headers(&[("authorization", "Bearer whatever-it-may-be")]);
    assert!(!house.asking(far(), &any).may_see_details());
}

#[tokio::test]
async fn once_a_key_was_made_nobody_is_anonymous_even_after_it_was_revoked() {
    let house = House::new("").await;
    assert_eq!(house.client(&[]).as_deref(), Ok("anonymous"));
    assert_eq!(house.client(&[("x-api-key", "whatever")]).as_deref(), Ok("anonymous"));
    let key = house.safe.make("alice").await;
    assert_eq!(house.client(&[]), Err(ErrorCode::TokenWrong));
    let header = format!("Bearer {}", key.key);
    assert_eq!(house.client(&[("authorization", &header)]).as_deref(), Ok("alice"));
    house.safe.keys.revoke(&key.about.id).await.unwrap();
    assert_eq!(house.client(&[("authorization", &header)]), Err(ErrorCode::TokenWrong));
    assert_eq!(house.client(&[]), Err(ErrorCode::TokenWrong));
    house.safe.keys.forget(&key.about.id).await.unwrap();
    assert_eq!(house.client(&[]).as_deref(), Ok("anonymous"));
    let required = House::new("auth: { required: true }").await;
    assert_eq!(required.client(&[]), Err(ErrorCode::TokenWrong));
}

#[tokio::test]
async fn a_key_comes_in_either_header_and_in_both_if_they_agree() {
    let house = House::new(
        "auth: { api_keys: [{ name: ann, key: 0123456789abcdef }], api_key_header: X-Client-Key }",
    )
    .await;
    let bob = house.safe.make("bob").await.key;
    let (ann, bob_bearer) = ("0123456789abcdef", format!("Bearer {bob}"));
    assert_eq!(house.client(&[("x-client-key", ann)]).as_deref(), Ok("ann"));
    assert_eq!(house.client(&[("x-client-key", &bob)]).as_deref(), Ok("bob"));
    assert_eq!(house.client(&[("x-api-key", ann)]), Err(ErrorCode::TokenWrong));
    let both = |key: &str| house.client(&[("authorization", &bob_bearer), ("x-client-key", key)]);
    assert_eq!(both(&bob).as_deref(), Ok("bob"));
    assert_eq!(both(ann), Err(ErrorCode::CredentialsAmbiguous));
    let admin = headers(&[("authorization", &format!("Bearer {ADMIN}")), ("x-client-key", ann)]);
    let refusals = [
        refused(house.asking(near(), &admin).administrator()),
        refused(house.asking(near(), &admin).api_caller()),
    ];
    assert_eq!(refusals, [ErrorCode::CredentialsAmbiguous; 2]);
    let twice = [("x-client-key", ann), ("x-client-key", ann)];
    assert_eq!(house.client(&twice), Err(ErrorCode::MalformedMessage));
}

#[tokio::test]
async fn the_refusal_of_a_key_does_not_tell_whether_there_is_one() {
    let house =
        House::new("auth: { api_keys: [{ name: a, key: 0123456789abcdef, expires: 2020-01-01 }] }")
            .await;
    let revoked = house.safe.make("bob").await;
    house.safe.keys.revoke(&revoked.about.id).await.unwrap();
    let told = |secret: &str| {
        let headers = bearer(secret);
        let refusal = house.asking(near(), &headers).client().unwrap_err();
        let response = refusal.into_response(true, "request");
        (response.status().as_u16(), response.headers().clone())
    };
    let unknown = told("nobody-has-this-key-0123456789");
    assert_eq!(unknown.0, 401);
    for known in [revoked.key.as_str(), "0123456789abcdef"] {
        assert_eq!(told(known), unknown);
    }
}
