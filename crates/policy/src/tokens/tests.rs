//! Which tokens open which doors, and that none is ever shown.

use proptest::prelude::*;

use super::{AdminToken, Denied, TokenEntry, TokenError, Tokens};

const ALICE: &str = "alice-secret-0123456789";
const ALICE_NEXT: &str = "alice-secret-9876543210";
const BOB: &str = "bob-secret-0123456789";

fn entry(name: &str, secret: &str) -> TokenEntry {
    TokenEntry { name: name.to_owned(), secret: secret.to_owned() }
}

fn tokens() -> Tokens {
    Tokens::new(vec![entry("alice", ALICE), entry("bob", BOB), entry("alice", ALICE_NEXT)]).unwrap()
}

fn subject(tokens: &Tokens, header: &str) -> Result<String, Denied> {
    tokens.authenticate(Some(header.as_bytes())).map(|principal| principal.subject.to_string())
}

fn refused(entries: Vec<TokenEntry>) -> TokenError {
    Tokens::new(entries).unwrap_err()
}

#[test]
fn a_token_names_its_principal() {
    let tokens = tokens();
    assert_eq!(subject(&tokens, &format!("Bearer {ALICE}")).as_deref(), Ok("alice"));
    assert_eq!(subject(&tokens, &format!("Bearer {BOB}")).as_deref(), Ok("bob"));
    assert_eq!(
        tokens.authenticate(Some(format!("Bearer {BOB}").as_bytes())).unwrap().issuer.as_ref(),
        "gantry"
    );
}

#[test]
fn two_tokens_of_one_name_are_the_same_principal() {
    let tokens = tokens();
    let old = tokens.authenticate(Some(format!("Bearer {ALICE}").as_bytes())).unwrap();
    let new = tokens.authenticate(Some(format!("Bearer {ALICE_NEXT}").as_bytes())).unwrap();
    assert_eq!(old, new);
}

#[test]
fn the_scheme_is_read_whatever_its_case_and_spacing() {
    let tokens = tokens();
    for header in [
        format!("bearer {ALICE}"),
        format!("BEARER {ALICE}"),
        format!("  Bearer   {ALICE} "),
        format!("Bearer\t{ALICE}"),
    ] {
        assert_eq!(subject(&tokens, &header).as_deref(), Ok("alice"), "{header}");
    }
}

#[test]
fn without_tokens_everybody_is_anonymous() {
    let tokens = Tokens::new(Vec::new()).unwrap();
    assert!(tokens.is_empty());
    assert_eq!(&*tokens.authenticate(None).unwrap().subject, "anonymous");
    assert_eq!(subject(&tokens, "Bearer whatever").as_deref(), Ok("anonymous"));
}

#[test]
fn once_one_token_exists_nobody_is_anonymous() {
    let tokens = tokens();
    assert_eq!(tokens.authenticate(None), Err(Denied::Missing));
    for header in ["", "Bear", "Basic YWxpY2U6eA==", "Bearerx", &format!("Bearer{ALICE}"), ALICE] {
        assert_eq!(subject(&tokens, header), Err(Denied::Missing), "{header}");
    }
}

#[test]
fn a_wrong_token_is_denied() {
    let tokens = tokens();
    let cut: String = ALICE.chars().skip(1).collect();
    for token in
        ["", " ", "x", &cut, &format!("{ALICE}x"), &format!("{ALICE},{BOB}"), &ALICE.to_uppercase()]
    {
        assert_eq!(subject(&tokens, &format!("Bearer {token}")), Err(Denied::Wrong), "{token}");
    }
    let long = [b"Bearer ".as_slice(), &vec![b'a'; 100_000]].concat();
    assert_eq!(tokens.authenticate(Some(&long)), Err(Denied::Wrong));
    assert_eq!(tokens.authenticate(Some(b"Bearer \xff\x00")), Err(Denied::Wrong));
}

#[test]
fn the_challenge_tells_missing_from_wrong() {
    assert_eq!(Denied::Missing.www_authenticate(), r#"Bearer realm="gantry""#);
    assert_eq!(Denied::Wrong.www_authenticate(), r#"Bearer realm="gantry", error="invalid_token""#);
}

#[test]
fn weak_or_ambiguous_tokens_are_not_taken() {
    let short = TokenError::TooShort { name: "a".to_owned(), found: 15 };
    assert_eq!(refused(vec![entry("a", "123456789012345")]), short);
    // An unset variable with an empty default ends here.
    assert!(matches!(refused(vec![entry("a", "")]), TokenError::TooShort { found: 0, .. }));
    assert!(matches!(refused(vec![entry("a", &"x".repeat(4097))]), TokenError::TooLong { .. }));
    for secret in
        ["with a space in the middle", "ümlaut-0123456789012345", "new\nline-0123456789012345"]
    {
        assert!(matches!(refused(vec![entry("a", secret)]), TokenError::NotVisible { .. }));
    }
    assert_eq!(refused(vec![entry("", ALICE)]), TokenError::NoName);
    for name in ["anonymous", "local"] {
        assert!(matches!(refused(vec![entry(name, ALICE)]), TokenError::ReservedName { .. }));
    }
    let shared = TokenError::Shared { first: "a".to_owned(), second: "b".to_owned() };
    assert_eq!(refused(vec![entry("a", ALICE), entry("b", ALICE)]), shared);
    assert!(Tokens::new(vec![entry("a", ALICE), entry("a", ALICE)]).is_ok());
}

#[test]
fn no_output_holds_a_secret() {
    let shown =
        format!("{:?} {:?} {:?}", entry("alice", ALICE), tokens(), AdminToken::new(ALICE).unwrap());
    assert!(!shown.contains(ALICE) && shown.contains("alice"), "{shown}");
    for error in [
        refused(vec![entry("alice", "too-short")]),
        refused(vec![entry("alice", "a secret with spaces")]),
        refused(vec![entry("alice", ALICE), entry("bob", ALICE)]),
    ] {
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("too-short") && !shown.contains("spaces, a") && !shown.contains(ALICE)
        );
    }
}

#[test]
fn a_generated_admin_token_opens_its_own_door_alone() {
    let (first, second) = (AdminToken::generate().unwrap(), AdminToken::generate().unwrap());
    assert_ne!(first, second);
    assert_eq!(first.len(), 43);
    let admin = AdminToken::new(&first).unwrap();
    assert_eq!(admin.verify(Some(format!("Bearer {first}").as_bytes())), Ok(()));
    assert_eq!(admin.verify(Some(format!("Bearer {second}").as_bytes())), Err(Denied::Wrong));
    assert_eq!(admin.verify(Some(b"Bearer ")), Err(Denied::Wrong));
    assert_eq!(admin.verify(Some(format!("Basic {first}").as_bytes())), Err(Denied::Missing));
    assert_eq!(admin.verify(None), Err(Denied::Missing));
    assert!(AdminToken::new("").is_err());
}

proptest! {
    #[test]
    fn only_the_configured_tokens_are_accepted(header in proptest::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(tokens().authenticate(Some(&header)).is_err());
    }
}
