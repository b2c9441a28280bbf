//! Tests of [`super`]: what is refused, what it is told of, and what is counted as authentication.

use super::super::{Config, Env, Source};

const SECRET: &str = "m3Qv8ZrT1xYbN5kLw0JpD7sGhC2uEfAo";

fn problems(auth: &str) -> String {
    let text = format!("auth: {{{auth}}}");
    let env = Env::from_pairs([("WEAK", "0123456789abcdef"), ("GOOD", SECRET)]);
    match Config::parse(&text, &Source::default(), &env) {
        Ok(_) => String::new(),
        Err(errors) => errors.to_string(),
    }
}

#[track_caller]
fn refused(auth: &str, expected: &str) {
    let found = problems(auth);
    assert!(found.contains(expected), "{auth}: {found}");
}

#[test]
fn what_could_not_be_meant_is_refused() {
    refused("jwt: {}", "`auth.jwt` has neither of `secret` and `jwks_url`");
    refused("jwt: {secret: '${GOOD}', jwks_url: 'https://a/'}", "`auth.jwt` has both");
    refused("jwt: {jwks_url: 'https://a/'}", "`auth.jwt` has `jwks_url` and no `issuer`");
    refused("jwt: {jwks_url: 'https://a/', issuer: x}", "and no `audience`");
    refused("jwt: {secret: '${GOOD}', issuer: gantry}", "`auth.jwt.issuer` must be");
    refused("jwt: {secret: '${GOOD}', issuer: 'gantry:admin'}", "`auth.jwt.issuer` must be");
    refused("jwt: {secret: '${GOOD}', issuer: 'a#b'}", "`auth.jwt.issuer` must be");
    refused("jwt: {secret: '${GOOD}', skew: 1h}", "`auth.jwt.skew` must be from");
    refused("oauth: {}", "`auth.oauth` has no `issuer`");
    for issuer in
        ["http://id.example.com", "id.example.com", "https://a:b@id.example.com", "https://a/?b"]
    {
        refused(
            &format!("oauth: {{issuer: '{issuer}'}}"),
            "`auth.oauth.issuer` must be an address",
        );
    }
    refused(
        "jwt: {secret: '${GOOD}', issuer: 'https://a'}, oauth: {issuer: 'https://a'}",
        "`auth.oauth.issuer` is that of `auth.jwt` too",
    );
    refused(
        "oauth: {issuer: 'https://a', required_scopes: ['a b']}",
        "`auth.oauth.required_scopes`",
    );
}

#[test]
fn a_weak_secret_is_refused_and_not_shown() {
    let found = problems("jwt: {secret: '${WEAK}'}");
    assert!(found.contains("has 16 bytes, and at least 32 are needed"), "{found}");
    assert!(!found.contains("0123456789"), "{found}");
    refused("jwt: {secret: change-me-change-me-change-me-change-me}", "stands in examples");
}

#[test]
fn what_is_usual_is_taken() {
    for good in [
        "jwt: {secret: '${GOOD}'}",
        "jwt: {jwks_url: 'https://a/keys', issuer: b, audience: [c]}",
        "oauth: {issuer: 'http://localhost:4000'}",
        "oauth: {issuer: 'http://127.0.0.1:4000/realms/x', resource: 'https://a/mcp'}",
        "jwt: {secret: '${GOOD}'}, oauth: {issuer: 'https://a/'}",
    ] {
        assert_eq!(problems(good), "", "{good}");
    }
}

#[test]
fn tokens_that_others_sign_count_as_authentication() {
    let listen = |auth: &str| {
        let text = format!("server: {{listen: '0.0.0.0:8080'}}\nauth: {{{auth}}}");
        Config::parse(&text, &Source::default(), &Env::default()).is_ok()
    };
    assert!(!listen(""));
    assert!(listen(&format!("jwt: {{secret: {SECRET}}}")));
    assert!(listen("oauth: {issuer: 'https://a'}"));
}

#[test]
fn the_secret_is_kept_and_the_rest_is_shown() {
    let text = format!(
        "auth: {{jwt: {{secret: {SECRET}, audience: [a]}}, oauth: {{issuer: 'https://a', \
         required_scopes: [read]}}}}"
    );
    let config = Config::parse(&text, &Source::default(), &Env::default()).unwrap();
    let shown = config.normalized_yaml();
    assert!(!shown.contains(SECRET) && shown.contains("issuer: https://a"), "{shown}");
    assert!(shown.contains("mcp:read"), "{shown}");
    assert_eq!(config.secrets(), [SECRET]);
    let places: Vec<_> = config.literal_secrets().iter().map(ToString::to_string).collect();
    assert_eq!(places, ["auth.jwt.secret"]);
    // What was shown can be used again, with the secret put in.
    let again = shown.replace("'[redacted]'", SECRET).replace("\"[redacted]\"", SECRET);
    let again = Config::parse(&again, &Source::default(), &Env::default()).unwrap();
    assert_eq!(again.auth, config.auth);
}
