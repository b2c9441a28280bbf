//! Tests of [`super`]: which keys are taken, and that each verifies what its algorithm says.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _,
};
use serde_json::{Value, json};

use super::*;

/// A key of RSA and a token for each algorithm that goes with it, made once by Node.
const RSA: &str = include_str!("rsa.json");

fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn set(keys: &[Value]) -> Result<KeySet, BadKeySet> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

fn one(key: Value) -> VerifyingKey {
    let set = set(&[key]).expect("a key");
    set.candidates(None).next().expect("a key").clone()
}

#[test]
fn each_algorithm_of_rsa_verifies_its_own_signatures_alone() {
    let made: Value = serde_json::from_str(RSA).unwrap();
    let tokens = made["tokens"].as_object().unwrap();
    for name in tokens.keys() {
        let key = one(json!({ "kty": "RSA", "n": made["n"], "e": made["e"], "alg": name }));
        assert_eq!(key.algorithm.name(), name);
        for (other, token) in tokens {
            let (signed, signature) = token.as_str().unwrap().rsplit_once('.').unwrap();
            let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert_eq!(
                key.verifies(signed.as_bytes(), &signature),
                name == other,
                "{name} {other}"
            );
        }
    }
    let unnamed = one(json!({ "kty": "RSA", "n": made["n"], "e": made["e"] }));
    assert_eq!(unnamed.algorithm, Algorithm::Rs256);
}

#[test]
fn curves_verify_what_they_signed() {
    let random = SystemRandom::new();
    for (curve, signing, half) in [
        ("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING, 32),
        ("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING, 48),
    ] {
        let document = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(signing, document.as_ref(), &random).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(half);
        let key = one(json!({ "kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y) }));
        let signature = pair.sign(&random, b"message").unwrap();
        assert!(key.verifies(b"message", signature.as_ref()));
        assert!(!key.verifies(b"another", signature.as_ref()));
    }
    let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let x = encoded(pair.public_key().as_ref());
    let key = one(json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA" }));
    let signature = pair.sign(b"message");
    assert!(key.verifies(b"message", signature.as_ref()));
    assert!(!key.verifies(b"message", &signature.as_ref()[..63]));
}

#[test]
fn what_cannot_verify_a_token_is_left_out() {
    let made: Value = serde_json::from_str(RSA).unwrap();
    let rsa = |more: Value| {
        let mut key = json!({ "kty": "RSA", "n": made["n"], "e": made["e"], "kid": "good" });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    };
    let small = encoded(&[0xff; 128]);
    for bad in [
        // A secret that somebody published, and a public key that is called one.
        json!({ "kty": "oct", "k": encoded(&[7; 32]), "alg": "HS256" }),
        rsa(json!({ "alg": "HS256" })),
        rsa(json!({ "alg": "none" })),
        rsa(json!({ "alg": "ES256" })),
        rsa(json!({ "use": "enc" })),
        rsa(json!({ "key_ops": ["encrypt"] })),
        rsa(json!({ "n": small })),
        rsa(json!({ "n": 7 })),
        json!({ "kty": "EC", "crv": "secp256k1", "x": small, "y": small }),
        json!({ "kty": "EC", "crv": "P-256", "x": small, "y": small }),
        json!({ "kty": "OKP", "crv": "X25519", "x": encoded(&[1; 32]) }),
        json!({ "kty": "new" }),
        json!("key"),
    ] {
        assert!(
            matches!(set(std::slice::from_ref(&bad)), Err(BadKeySet::NoKeys { found: 1 })),
            "{bad}"
        );
        assert_eq!(set(&[bad, rsa(json!({}))]).unwrap().len(), 1);
    }
    assert!(matches!(KeySet::parse(b"{}"), Err(BadKeySet::Malformed(_))));
    let many: Vec<_> = (0..100).map(|number| rsa(json!({ "kid": number.to_string() }))).collect();
    assert_eq!(set(&many).unwrap().len(), MOST_KEYS);
}

#[test]
fn a_name_finds_its_key_and_none_finds_all() {
    let made: Value = serde_json::from_str(RSA).unwrap();
    let key = |kid: &str| json!({ "kty": "RSA", "n": made["n"], "e": made["e"], "kid": kid });
    let set = set(&[key("a"), key("b")]).unwrap();
    let count = |id| set.candidates(id).count();
    assert_eq!((count(Some("a")), count(Some("c")), count(None)), (1, 0, 2));
    let secret = KeySet::of_secret("0123456789abcdef0123456789abcdef").unwrap();
    assert_eq!(secret.candidates(Some("whatever")).count(), 1);
}

#[test]
fn secrets_that_can_be_guessed_are_refused_and_not_shown() {
    assert_eq!(check_secret("0123456789abcdef"), Err(BadSecret::Short { found: 16 }));
    assert_eq!(check_secret(&"ab".repeat(40)), Err(BadSecret::Repeated));
    for placeholder in [
        "your-secret-key-here-your-secret-key-here",
        "CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME",
        "changeme",
        "a-placeholder-that-is-long-enough-to-pass",
    ] {
        assert_eq!(check_secret(placeholder), Err(BadSecret::Placeholder), "{placeholder}");
    }
    assert_eq!(check_secret("m3Qv8ZrT1xYbN5kLw0JpD7sGhC2uEfAo"), Ok(()));
    let shown = format!("{:?}", KeySet::of_secret("m3Qv8ZrT1xYbN5kLw0JpD7sGhC2uEfAo").unwrap());
    assert!(!shown.contains("m3Qv8ZrT"), "{shown}");
}

proptest! {
    #[test]
    fn no_set_of_keys_panics(text in "\\PC{0,200}", n in "\\PC{0,40}", bytes in any::<Vec<u8>>()) {
        let _ = KeySet::parse(text.as_bytes());
        let key = json!({ "kty": "RSA", "n": n, "e": "AQAB" });
        if let Ok(set) = set(&[key]) {
            for key in set.candidates(None) {
                prop_assert!(!key.verifies(text.as_bytes(), &bytes));
            }
        }
    }
}
