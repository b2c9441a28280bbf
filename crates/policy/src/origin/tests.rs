//! Which Host and Origin headers pass, and the many ways to write one that must not.

use proptest::prelude::*;

use super::{BadPattern, HostPolicy, OriginRefusal};

fn policy(listen: &str, hosts: &[&str], origins: &[&str]) -> HostPolicy {
    let owned =
        |entries: &[&str]| entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>();
    HostPolicy::new(listen.parse().unwrap(), &owned(hosts), &owned(origins)).unwrap()
}

fn local() -> HostPolicy {
    policy("127.0.0.1:8080", &[], &[])
}

fn host_passes(policy: &HostPolicy, host: &str) -> bool {
    policy.check(Some(host.as_bytes()), None).is_ok()
}

#[test]
fn the_address_of_every_listener_is_ours() {
    let main = local();
    assert!(!host_passes(&main, "192.0.2.7:9090"));
    let both = main.and_on("192.0.2.7:9090".parse().unwrap());
    assert!(host_passes(&both, "192.0.2.7:9090") && host_passes(&both, "127.0.0.1:8080"));
    assert!(!host_passes(&both, "192.0.2.8:9090") && !host_passes(&both, "evil.example"));
    let all = both.and_on("[::]:9091".parse().unwrap());
    assert!(host_passes(&all, "192.0.2.8") && !host_passes(&all, "evil.example"));
}

fn origin_passes(policy: &HostPolicy, host: &str, origin: &str) -> bool {
    policy.check(Some(host.as_bytes()), Some(origin.as_bytes())).is_ok()
}

#[test]
fn the_loopback_is_ours_by_every_name_and_port() {
    for host in [
        "localhost",
        "LocalHost:8080",
        "localhost.:8080",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.9.8.7:65535",
        "[::1]",
        "[::1]:8080",
        "[0:0:0:0:0:0:0:1]:8080",
        "[::ffff:127.0.0.1]:8080",
        "[::FFFF:7f00:1]",
    ] {
        assert!(host_passes(&local(), host), "{host}");
    }
}

#[test]
fn a_rebound_name_is_refused() {
    for host in [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "evillocalhost",
        "foo.localhost",
        "127.0.0.1.evil.example",
        "192.168.1.5",
        "[fe80::1]",
        "[::2]",
        "[::]",
        "0.0.0.0",
        "0.0.0.0:8080",
    ] {
        assert!(!host_passes(&local(), host), "{host}");
    }
}

#[test]
fn what_is_no_plain_host_is_refused() {
    for host in [
        "",
        ":",
        ":8080",
        ".",
        "localhost:",
        "localhost:+80",
        "localhost:-1",
        "localhost:65536",
        "localhost:80:80",
        "localhost:8080@evil.example",
        "localhost@evil.example",
        "user@localhost",
        "user:password@localhost",
        "localhost/",
        "localhost?",
        "localhost#",
        "localhost\\",
        " localhost",
        "localhost ",
        "localhost\t",
        "localhost,evil.example",
        "local%68ost",
        "localhost%00",
        "localhost..",
        ".localhost",
        "ｌocalhost",
        "http://localhost",
        "127.1",
        "127.0.0.1.",
        "127.0.0.01",
        "127.0.0.0x1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "::1",
        "::1:8080",
        "[::1",
        "::1]",
        "[::1]8080",
        "[::1]:",
        "[::1]:8080x",
        "[::1%25lo]",
        "[::1%lo]",
        "[[::1]]",
        "[127.0.0.1]",
        "[localhost]",
        "[]",
    ] {
        assert!(!host_passes(&local(), host), "{host}");
    }
    assert!(local().check(Some(b"localhost\xff"), None).is_err());
    assert!(local().check(Some(b"localhost\0"), None).is_err());
    assert_eq!(local().check(None, None), Err(OriginRefusal::NoHost));
}

#[test]
fn the_listen_address_is_ours() {
    let one = policy("192.168.1.5:8080", &[], &[]);
    assert!(host_passes(&one, "192.168.1.5:8080"));
    assert!(host_passes(&one, "192.168.1.5:9090"), "a published port differs");
    assert!(!host_passes(&one, "192.168.1.6:8080"));
    let six = policy("[2001:db8::5]:8080", &[], &[]);
    assert!(host_passes(&six, "[2001:DB8:0::5]:8080"));
    assert!(!host_passes(&six, "[2001:db8::6]:8080"));
    let mapped = policy("[::ffff:192.168.1.5]:8080", &[], &[]);
    assert!(host_passes(&mapped, "192.168.1.5:8080"));
}

#[test]
fn a_listener_on_every_address_takes_addresses_but_no_names() {
    for listen in ["0.0.0.0:8080", "[::]:8080"] {
        let all = policy(listen, &[], &[]);
        assert!(host_passes(&all, "192.168.1.5:8080"));
        assert!(host_passes(&all, "[2001:db8::5]:8080"));
        assert!(!host_passes(&all, "evil.example:8080"));
        assert!(!host_passes(&all, "0.0.0.0:8080"));
        assert!(!host_passes(&all, "[::]:8080"));
        assert!(origin_passes(&all, "192.168.1.5:8080", "http://192.168.1.5:8080"));
        assert!(!origin_passes(&all, "192.168.1.5:8080", "http://6.6.6.6"));
        assert!(!origin_passes(&all, "192.168.1.5:8080", "http://192.168.1.5:9090"));
    }
}

#[test]
fn a_configured_host_is_ours_with_its_port_or_with_any() {
    let named = policy("127.0.0.1:8080", &["Gantry.Example", "other.example:8443"], &[]);
    assert!(host_passes(&named, "gantry.example"));
    assert!(host_passes(&named, "GANTRY.example.:99"));
    assert!(host_passes(&named, "other.example:8443"));
    assert!(!host_passes(&named, "other.example"));
    assert!(!host_passes(&named, "other.example:8444"));
    assert!(!host_passes(&named, "sub.gantry.example"));
}

#[test]
fn pages_of_the_loopback_and_of_configured_hosts_may_use_it() {
    let named = policy("127.0.0.1:8080", &["gantry.example"], &["https://console.example:8443/"]);
    for origin in [
        "http://localhost",
        "http://localhost:3000",
        "HTTPS://LOCALHOST:6274",
        "http://127.0.0.1:5173",
        "http://[::1]:5173",
        "https://gantry.example",
        "https://console.example:8443",
    ] {
        assert!(origin_passes(&named, "127.0.0.1:8080", origin), "{origin}");
    }
}

#[test]
fn a_foreign_or_odd_origin_is_refused() {
    for origin in [
        "",
        "null",
        "NULL",
        "http://evil.example",
        "https://localhost.evil.example",
        "http://localhost@evil.example",
        "http://evil.example@localhost",
        "http://localhost:80@evil.example",
        "http://localhost/",
        "http://localhost/path",
        "http://localhost?x",
        "http://localhost#x",
        "http://localhost http://evil.example",
        "http://localhost, http://evil.example",
        "http:localhost",
        "http:/localhost",
        "http:///localhost",
        "//localhost",
        "localhost",
        "localhost:8080",
        "http://",
        "http://2130706433",
        "http://0.0.0.0:8080",
        "http://[::]",
        "file://",
        "file://localhost",
        "ftp://localhost",
        "chrome-extension://abcdefgh",
        "vscode-webview://localhost",
        "https://console.example",
    ] {
        assert!(!origin_passes(&local(), "127.0.0.1:8080", origin), "{origin}");
    }
    assert!(local().check(Some(b"localhost"), Some(b"http://localhost\xff")).is_err());
}

#[test]
fn only_a_configured_origin_opens_what_is_otherwise_closed() {
    let open = policy(
        "127.0.0.1:8080",
        &[],
        &["null", "chrome-extension://AbCd", "https://console.example", "http://plain.example:81"],
    );
    for origin in [
        "null",
        "chrome-extension://abcd",
        "https://console.example",
        "https://console.example:443",
        "http://plain.example:81",
    ] {
        assert!(origin_passes(&open, "localhost", origin), "{origin}");
    }
    for origin in [
        "http://console.example",
        "https://console.example:444",
        "https://plain.example:81",
        "http://plain.example",
        "chrome-extension://abcde",
    ] {
        assert!(!origin_passes(&open, "localhost", origin), "{origin}");
    }
}

#[test]
fn a_good_origin_does_not_excuse_a_bad_host() {
    let refusal = local().check(Some(b"evil.example"), Some(b"http://localhost"));
    assert_eq!(refusal, Err(OriginRefusal::Host { value: "evil.example".to_owned() }));
    let same = local().check(Some(b"evil.example"), Some(b"http://evil.example"));
    assert!(same.is_err());
}

#[test]
fn entries_that_name_nothing_are_not_taken() {
    let listen = "127.0.0.1:8080".parse().unwrap();
    for entry in ["", "*", "*.example", "https://gantry.example", "a b", "gantry.example:x"] {
        let refusal = HostPolicy::new(listen, &[entry.to_owned()], &[]).unwrap_err();
        assert_eq!(refusal, BadPattern::Host { entry: entry.to_owned() });
    }
    for entry in ["", "*", "gantry.example", "https://", "https://*", "https://a/b", "://a"] {
        let refusal = HostPolicy::new(listen, &[], &[entry.to_owned()]).unwrap_err();
        assert_eq!(refusal, BadPattern::Origin { entry: entry.to_owned() });
    }
}

#[test]
fn a_refusal_shows_a_cut_and_escaped_header() {
    let long = format!("{}\r\n", "e".repeat(127));
    let refusal = local().check(Some(long.as_bytes()), None).unwrap_err().to_string();
    assert!(refusal.contains(&format!("{}\\r...", "e".repeat(127))), "{refusal}");
    let refusal = local().check(Some(b"evil\nhost"), None).unwrap_err().to_string();
    assert!(refusal.contains("evil\\nhost") && refusal.contains("server.allowed_hosts"));
}

proptest! {
    #[test]
    fn arbitrary_headers_are_refused_without_a_panic(
        host in proptest::collection::vec(any::<u8>(), 0..40),
        origin in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        prop_assert!(local().check(Some(&host), None).is_err());
        prop_assert!(local().check(Some(b"localhost"), Some(&origin)).is_err());
    }

    #[test]
    fn no_name_but_localhost_is_the_loopback(name in "[a-z0-9.-]{1,20}(:[0-9]{1,5})?") {
        let is_loopback = name.starts_with("127.") || name.split(':').next().is_some_and(|host| host.trim_end_matches('.') == "localhost");
        prop_assert!(is_loopback || !host_passes(&local(), &name));
    }
}
