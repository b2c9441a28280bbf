//! Tests of [`super`]: which tokens are good, and for whom.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proptest::prelude::*;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "m3Qv8ZrT1xYbN5kLw0JpD7sGhC2uEfAo";
const ISSUER: &str = "https://id.example.com";

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// An issuer with a key of its own.
struct House {
    pair: Ed25519KeyPair,
    keys: KeySet,
    trust: Trust,
}

impl House {
    fn new() -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let x = encoded(pair.public_key());
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one" });
        let keys = KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
        let trust = Trust {
            issuer: Some(ISSUER.into()),
            audiences: vec!["gate".into()],
            own_address: false,
            skew: 30,
            required_scopes: Box::default(),
            mapping: Mapping {
                subject: vec!["sub".into()],
                roles: Some("realm_access.roles".into()),
                tier: Some("https://example.com/tier".into()),
                limited_by_scopes: true,
            },
        };
        Self { pair, keys, trust }
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(head.to_string()), encoded(claims.to_string()));
        let signature = encoded(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// A token with some claims more, or others.
    fn token(&self, more: Value) -> String {
        let mut claims = json!({ "iss": ISSUER, "sub": "ada", "aud": "gate", "exp": NOW + 60 });
        if let Value::Object(more) = more {
            claims.as_object_mut().unwrap().extend(more);
        }
        self.sign(&json!({ "alg": "EdDSA", "kid": "one" }), &claims)
    }

    fn verify(&self, token: &str, now: u64) -> Result<Verified, BadToken> {
        let token = Compact::parse(token.as_bytes())?;
        let verified = self.trust.verify(&token, &self.keys, now)?;
        self.trust.check(&verified, &["https://gate.example/mcp".to_owned()], now)?;
        Ok(verified)
    }

    #[track_caller]
    fn refused(&self, more: Value) -> BadToken {
        self.verify(&self.token(more), NOW).expect_err("it should be refused")
    }
}

#[test]
fn a_good_token_becomes_its_principal() {
    let house = House::new();
    let token = house.token(json!({
        "scope": "openid read tools:git__log:call",
        "realm_access": { "roles": ["dev", "ops"] },
        "https://example.com/tier": "gold",
    }));
    let verified = house.verify(&token, NOW).unwrap();
    assert_eq!(*verified.principal, Principal::new(ISSUER, "ada"));
    let grants = &verified.principal.grants;
    assert_eq!(grants.scopes.as_ref().unwrap().join(" "), "openid mcp:read tools:git__log:call");
    assert_eq!(
        (grants.roles.join(" "), grants.tier.as_deref()),
        ("dev ops".to_owned(), Some("gold"))
    );
    assert_eq!(verified.ends_at, NOW + 90);
}

#[test]
fn the_algorithm_is_that_of_the_key() {
    let house = House::new();
    let claims = json!({ "iss": ISSUER, "sub": "ada", "aud": "gate", "exp": NOW + 60 });
    let head = |alg: &str| json!({ "alg": alg, "kid": "one" });
    for alg in ["none", "None", "HS256", "RS256", "ES256", "eddsa", ""] {
        let token = house.sign(&head(alg), &claims);
        assert_eq!(house.verify(&token, NOW), Err(BadToken::Algorithm), "{alg}");
    }
    // What everybody knows of the key, used as a secret.
    let secret = hmac::Key::new(hmac::HMAC_SHA256, house.pair.public_key().as_ref());
    let signed = format!("{}.{}", encoded(head("HS256").to_string()), encoded(claims.to_string()));
    let forged = format!("{signed}.{}", encoded(hmac::sign(&secret, signed.as_bytes())));
    assert_eq!(house.verify(&forged, NOW), Err(BadToken::Algorithm));
    let unsigned =
        format!("{}.{}.", encoded(head("EdDSA").to_string()), encoded(claims.to_string()));
    assert_eq!(house.verify(&unsigned, NOW), Err(BadToken::Signature));
    let other = house.sign(&json!({ "alg": "EdDSA", "kid": "two" }), &claims);
    assert_eq!(house.verify(&other, NOW), Err(BadToken::UnknownKey));
    let unnamed = house.sign(&json!({ "alg": "EdDSA" }), &claims);
    assert!(house.verify(&unnamed, NOW).is_ok());
}

#[test]
fn a_head_that_asks_for_more_is_not_understood() {
    let house = House::new();
    let claims = json!({ "iss": ISSUER, "sub": "ada", "aud": "gate", "exp": NOW + 60 });
    for more in [json!({ "crit": ["b64"] }), json!({ "crit": [] }), json!({ "typ": "logout+jwt" })]
    {
        let mut head = json!({ "alg": "EdDSA", "kid": "one" });
        head.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refused = house.verify(&house.sign(&head, &claims), NOW);
        assert!(matches!(refused, Err(BadToken::Malformed(_))), "{more}");
    }
    let typed = house.sign(&json!({ "alg": "EdDSA", "typ": "at+JWT" }), &claims);
    assert!(house.verify(&typed, NOW).is_ok());
    let twice = encoded(r#"{"alg":"EdDSA","alg":"none"}"#);
    let text = format!("{twice}.{}.AA", encoded(claims.to_string()));
    assert!(matches!(house.verify(&text, NOW), Err(BadToken::Malformed(_))));
}

#[test]
fn a_token_opens_from_its_beginning_to_its_end() {
    let house = House::new();
    assert_eq!(house.refused(json!({ "exp": NOW - 30 })), BadToken::Expired);
    assert_eq!(house.refused(json!({ "nbf": NOW + 31 })), BadToken::NotYet);
    assert_eq!(house.refused(json!({ "iat": NOW + 31 })), BadToken::NotYet);
    for good in
        [json!({ "exp": NOW - 29 }), json!({ "nbf": NOW + 30 }), json!({ "exp": 1.8e9 + 5.5 })]
    {
        assert!(house.verify(&house.token(good.clone()), NOW).is_ok(), "{good}");
    }
    for bad in [
        json!({ "exp": null }),
        json!({ "exp": "soon" }),
        json!({ "exp": -1 }),
        json!({ "exp": 1e300 }),
    ] {
        assert_eq!(house.refused(bad.clone()), BadToken::Claim("exp".into()), "{bad}");
    }
    // One that is known ends all the same.
    let verified = house.verify(&house.token(json!({})), NOW).unwrap();
    assert_eq!(house.trust.check(&verified, &[], NOW + 89), Ok(()));
    assert_eq!(house.trust.check(&verified, &[], NOW + 90), Err(BadToken::Expired));
}

#[test]
fn a_token_is_for_those_whom_it_names() {
    let mut house = House::new();
    let addresses =
        ["https://gate.example/mcp".to_owned(), "https://gate.example/mcp/git".to_owned()];
    let mut check = |audiences: &[&str], own_address: bool, aud: Value, n_names: usize| {
        house.trust.audiences = audiences.iter().map(|text| Box::from(*text)).collect();
        house.trust.own_address = own_address;
        let text = house.token(json!({ "aud": aud }));
        let token = Compact::parse(text.as_bytes()).unwrap();
        let verified = house.trust.verify(&token, &house.keys, NOW).unwrap();
        house.trust.check(&verified, &addresses[..n_names], NOW).is_ok()
    };
    assert!(check(&["gate"], false, json!(["other", "gate"]), 0));
    assert!(!check(&["gate"], false, json!("gat"), 0));
    assert!(!check(&["gate"], false, Value::Null, 0));
    assert!(!check(&["gate"], false, json!([]), 0));
    // Nobody said who we are: what names somebody is for them.
    assert!(check(&[], false, Value::Null, 0));
    assert!(!check(&[], false, json!("anybody"), 0));
    assert!(check(&[], true, json!("https://gate.example/mcp"), 1));
    assert!(check(&[], true, json!("https://gate.example/mcp/"), 1));
    assert!(!check(&[], true, json!("https://gate.example/mcp/git"), 1));
    assert!(check(&[], true, json!("https://gate.example/mcp/git"), 2));
    assert!(!check(&[], true, json!("https://gate.example"), 2));
    assert!(!check(&[], true, Value::Null, 2));
}

#[test]
fn no_token_makes_a_principal_of_the_gateway() {
    let mut house = House::new();
    assert_eq!(house.refused(json!({ "iss": "https://other.example.com" })), BadToken::Issuer);
    assert_eq!(house.refused(json!({ "iss": null })), BadToken::Issuer);
    house.trust.issuer = None;
    for ours in ["gantry", "gantry:admin", "gantry:x"] {
        assert_eq!(house.refused(json!({ "iss": ours })), BadToken::Issuer, "{ours}");
    }
    let verified = house.verify(&house.token(json!({ "iss": "whoever" })), NOW).unwrap();
    assert_eq!(&*verified.principal.issuer, UNNAMED_ISSUER);
}

#[test]
fn claims_that_cannot_be_used_refuse_the_token() {
    let house = House::new();
    for (more, claim) in [
        (json!({ "sub": null }), "sub"),
        (json!({ "sub": "" }), "sub"),
        (json!({ "sub": "a\nb" }), "sub"),
        (json!({ "sub": 7 }), "sub"),
        (json!({ "sub": "x".repeat(257) }), "sub"),
        (json!({ "scope": { "a": 1 } }), "scope"),
        (json!({ "scope": "sc\"ope" }), "scope"),
        (json!({ "realm_access": { "roles": [1] } }), "realm_access.roles"),
        (json!({ "https://example.com/tier": "two words" }), "https://example.com/tier"),
        (json!({ "aud": 7 }), "aud"),
    ] {
        assert_eq!(house.refused(more.clone()), BadToken::Claim(claim.into()), "{more}");
    }
}

#[test]
fn scopes_limit_a_token_and_the_lack_of_them_closes_it() {
    let mut house = House::new();
    let scopes = |house: &House, more: Value| {
        let verified = house.verify(&house.token(more), NOW).unwrap();
        verified.principal.grants.scopes.as_ref().map(|scopes| scopes.join(" "))
    };
    for (more, expected) in [
        (json!({}), ""),
        (json!({ "scope": "" }), ""),
        (json!({ "scp": ["read", "x"] }), "mcp:read x"),
        (json!({ "permissions": ["read", "write"] }), "mcp:read mcp:write"),
        (json!({ "scope": null, "permissions": ["x"] }), "x"),
        (json!({ "scope": "a", "scp": ["b"], "permissions": "c" }), "a"),
    ] {
        assert_eq!(scopes(&house, more.clone()).as_deref(), Some(expected), "{more}");
    }
    house.trust.mapping.limited_by_scopes = false;
    assert_eq!(scopes(&house, json!({ "scope": "a" })), None);
    house.trust.required_scopes = Box::new(["mcp:read".into()]);
    assert_eq!(house.refused(json!({ "scope": "a" })), BadToken::Scope);
    assert_eq!(scopes(&house, json!({ "scope": "read" })), None);
}

#[test]
fn a_token_of_ours_is_taken_by_whoever_has_the_secret() {
    let mut house = House::new();
    house.keys = KeySet::of_secret(SECRET).unwrap();
    let mut new = NewToken {
        subject_claim: "sub".to_owned(),
        subject: "ada".to_owned(),
        scopes: vec!["mcp:read".to_owned()],
        roles: Some(("realm_access.roles".to_owned(), vec!["dev".to_owned()])),
        tier: Some(("https://example.com/tier".to_owned(), "gold".to_owned())),
        issuer: Some(ISSUER.to_owned()),
        audiences: vec!["gate".to_owned()],
        issued_at: NOW,
        expires_at: NOW + 60,
        id: "1".to_owned(),
    };
    let verified = house.verify(&make(&new, SECRET).unwrap(), NOW).unwrap();
    assert_eq!(verified.principal.grants.roles.join(" "), "dev");
    assert_eq!(verified.principal.grants.tier.as_deref(), Some("gold"));
    let other = make(&new, "another-secret-of-32-bytes-0123456789").unwrap();
    assert_eq!(house.verify(&other, NOW), Err(BadToken::Signature));
    new.issuer = None;
    assert_eq!(house.verify(&make(&new, SECRET).unwrap(), NOW), Err(BadToken::Issuer));
    assert!(make(&new, "short").is_err());
}

#[test]
fn what_is_known_is_bounded_and_can_be_forgotten() {
    let house = House::new();
    let verified = Arc::new(house.verify(&house.token(json!({})), NOW).unwrap());
    let known = Known::default();
    let name = |number: u32| Fingerprint::of(&number.to_be_bytes());
    for number in 0..40_000 {
        known.keep(name(number), &verified);
        // One that is used goes on to be known.
        assert!(known.find(name(0)).is_some(), "{number}");
        assert!(known.len() <= 2 * 8192, "{number}");
    }
    assert!(known.find(name(1)).is_none() && known.find(name(39_999)).is_some());
    known.clear();
    assert!(known.is_empty() && known.find(name(0)).is_none());
}

#[test]
fn what_looks_like_a_token_is_taken_apart_and_nothing_else() {
    let house = House::new();
    assert!(Compact::is_likely(house.token(json!({})).as_bytes()));
    let long = [b"ey.".as_slice(), &vec![b'.'; LONGEST]].concat();
    for other in [b"gk_abcdefghij_secret".as_slice(), b"a.b.c", b"ey.a", b"ey.a.b.c", &long] {
        assert!(!Compact::is_likely(other));
    }
    assert!(matches!(Compact::parse(&long), Err(BadToken::Malformed(_))));
}

proptest! {
    #[test]
    fn a_changed_token_is_never_good(at in 0_usize..300, letter in "[A-Za-z0-9_.-]") {
        let house = House::new();
        let token = house.token(json!({ "scope": "mcp:read" }));
        let at = at % token.len();
        let mut changed = token.clone();
        changed.replace_range(at..=at, &letter);
        prop_assume!(changed != token);
        prop_assert!(house.verify(&changed, NOW).is_err(), "{changed}");
    }

    #[test]
    fn nothing_that_is_sent_panics(bytes in any::<Vec<u8>>(), head in "\\PC{0,60}", claims in "\\PC{0,60}") {
        let house = House::new();
        let _ = Compact::parse(&bytes);
        let text = format!("{}.{}.AAAA", encoded(&head), encoded(&claims));
        prop_assert!(house.verify(&text, NOW).is_err());
    }
}
