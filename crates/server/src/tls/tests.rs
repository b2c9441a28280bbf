//! Tests of [`super`]: what is decided without a connection. `tests/it/tls.rs` shakes hands.

use super::*;

#[test]
fn every_suite_has_forward_secrecy_and_authenticated_encryption() {
    let names: Vec<_> =
        provider().cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
    assert_eq!(names.len(), SUITES.len());
    for name in &names {
        assert!(name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_"), "{name}");
        assert!(name.contains("_GCM_") || name.contains("_CHACHA20_POLY1305_"), "{name}");
    }
}

#[test]
fn a_certificate_is_good_between_its_dates() {
    let validity = Validity { from: 1000, to: 2000 };
    for (now, problem) in [
        (999, Some("is not valid yet")),
        (1000, None),
        (2000, None),
        (2001, Some("has expired")),
        (u64::MAX, Some("has expired")),
    ] {
        assert_eq!(validity.problem_at(now), problem, "{now}");
    }
    // Some authorities of the house date their certificates back before the epoch.
    assert_eq!(Validity { from: -1, to: 1 }.problem_at(0), None);
}
