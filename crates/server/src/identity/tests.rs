//! Tests of [`super`]: whose a token is, and what happens to what is known.

use gantry_core::Tasks;
use gantry_net::{Client, ClientConfig};
use gantry_policy::jwt::{NewToken, make};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::fetch::Fetcher;
use super::*;
use crate::config::{Config, Env, Source as ConfigSource};

const SECRET: &str = "m3Qv8ZrT1xYbN5kLw0JpD7sGhC2uEfAo";
const NOW: u64 = 1_800_000_000;

fn issuers(auth: &str) -> Issuers {
    let text = format!("auth: {{{auth}}}");
    let config = Config::parse(&text, &ConfigSource::default(), &Env::default()).unwrap();
    Issuers::of(&config.auth).unwrap()
}

fn jwt() -> String {
    format!("jwt: {{secret: {SECRET}}}")
}

fn token(issuer: Option<&str>, secret: &str) -> String {
    let new = NewToken {
        subject_claim: "sub".to_owned(),
        subject: "ada".to_owned(),
        issuer: issuer.map(str::to_owned),
        expires_at: NOW + 60,
        ..NewToken::default()
    };
    make(&new, secret).unwrap()
}

#[test]
fn a_shared_secret_does_not_speak_for_a_provider() {
    let issuers = issuers(&format!("{}, oauth: {{issuer: 'https://id.example.com'}}", jwt()));
    let verify = |issuer| issuers.verify(token(issuer, SECRET).as_bytes(), &[], NOW);
    assert_eq!(&*verify(None).unwrap().issuer, "jwt");
    assert_eq!(&*verify(Some("https://else.example.com")).unwrap().issuer, "jwt");
    // Its keys are not there, and the secret is none of them.
    assert_eq!(verify(Some("https://id.example.com")), Err(Denied::Unverifiable));
    let other = token(None, "w9Fq2NcU6aHtR4vXz8KyB1mEoJ5sLgPd");
    assert_eq!(issuers.verify(other.as_bytes(), &[], NOW), Err(Denied::Wrong));
}

#[test]
fn what_is_known_ends_like_what_is_not() {
    let issuers = issuers(&jwt());
    let token = token(None, SECRET);
    let known = |now| issuers.known(Fingerprint::of(token.as_bytes()), &[], now);
    assert!(known(NOW).is_none());
    issuers.verify(token.as_bytes(), &[], NOW).unwrap();
    assert!(known(NOW).unwrap().is_ok());
    assert!(known(NOW + 89).unwrap().is_ok());
    assert_eq!(known(NOW + 90).unwrap(), Err(Denied::TokenExpired));
}

#[test]
fn a_reload_keeps_what_did_not_change() {
    let before = issuers(&jwt());
    let token = token(None, SECRET);
    before.verify(token.as_bytes(), &[], NOW).unwrap();
    let mut same = issuers(&jwt());
    same.adopt(&before);
    assert!(same.known(Fingerprint::of(token.as_bytes()), &[], NOW).is_some());
    let mut other = issuers(&format!("jwt: {{secret: {SECRET}, audience: [gate]}}"));
    other.adopt(&before);
    assert!(other.known(Fingerprint::of(token.as_bytes()), &[], NOW).is_none());
    assert_eq!(other.verify(token.as_bytes(), &[], NOW), Err(Denied::TokenForOthers));
}

#[test]
fn keys_and_other_words_are_not_taken_for_tokens() {
    assert!(!issuers("").may_know(token(None, SECRET).as_bytes()));
    let issuers = issuers(&jwt());
    assert!(issuers.may_know(token(None, SECRET).as_bytes()));
    assert!(!issuers.may_know(b"gk_abcdefghij_secretsecretsecret"));
    assert!(issuers.wanting(token(None, SECRET).as_bytes()).is_none(), "a secret is there");
}

/// Answers every request with the text that goes with its path, and 404 without one.
async fn answering(answers: Vec<(&'static str, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let own = address.clone();
    #[expect(clippy::disallowed_methods, reason = "it ends with its test's runtime")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap_or_default();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let found = answers.iter().find(|(known, _)| *known == path);
            let (status, body) = match found {
                Some((_, body)) => ("200 OK", body.replace("OWN", &own)),
                None => ("404 Not Found", String::new()),
            };
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    address
}

/// What a token of an issuer with these answers is taken for, once its keys were asked for.
async fn asked(answers: Vec<(&'static str, String)>) -> Denied {
    let address = answering(answers).await;
    let issuers = issuers(&format!("oauth: {{issuer: '{address}'}}"));
    let fetcher = Arc::new(Fetcher::new(Client::new(ClientConfig::default()), Tasks::new()));
    let token = token(Some(&address), SECRET);
    fetcher.supply(&issuers, token.as_bytes()).await;
    issuers.verify(token.as_bytes(), &[], NOW).unwrap_err()
}

#[tokio::test]
async fn only_metadata_of_the_issuer_itself_lead_to_keys() {
    const PLACE: &str = "/.well-known/openid-configuration";
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let keys = ("/keys", format!("{{\"keys\":[{key}]}}"));
    let metadata =
        |issuer: &str| (PLACE, format!("{{\"issuer\":\"{issuer}\",\"jwks_uri\":\"OWN/keys\"}}"));
    // The token is signed with a secret, which none of its keys is.
    assert_eq!(asked(vec![metadata("OWN"), keys.clone()]).await, Denied::Wrong);
    for answers in [
        vec![metadata("OWN/"), keys.clone()],
        vec![metadata("https://else.example.com"), keys.clone()],
        vec![metadata("OWN")],
        vec![keys],
        vec![metadata("OWN"), ("/keys", "{\"keys\":[]}".to_owned())],
        vec![metadata("OWN"), ("/keys", " ".repeat(300 * 1024))],
        vec![(PLACE, "{}".to_owned())],
    ] {
        assert_eq!(asked(answers.clone()).await, Denied::Unverifiable, "{answers:?}");
    }
}
