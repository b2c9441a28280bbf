//! Reading proxy values and choosing by them.

use super::*;

fn config(no_proxy: &str) -> ProxyConfig {
    ProxyConfig::from_values(Some("http://secure:1"), Some("plain:2"), Some(no_proxy))
        .unwrap()
        .unwrap()
}

#[track_caller]
fn check(no_proxy: &str, host: &str, port: u16, proxied: bool) {
    let chosen = config(no_proxy).select(true, host, port).is_some();
    assert_eq!(chosen, proxied, "{host}:{port} with {no_proxy}");
}

#[test]
fn the_scheme_of_the_url_chooses_the_proxy() {
    let config = config("");
    assert_eq!(config.select(true, "example.com", 443).unwrap().authority(), "secure:1");
    assert_eq!(config.select(false, "example.com", 80).unwrap().authority(), "plain:2");
}

#[test]
fn without_values_there_is_no_proxy() {
    let config = ProxyConfig::from_values(Some(""), None, Some("*")).unwrap();
    assert!(config.is_none());
}

#[test]
fn the_loopback_is_always_reached_directly() {
    check("", "localhost", 80, false);
    check("", "127.0.0.9", 80, false);
    check("", "::1", 80, false);
}

#[test]
fn exceptions_match_whole_labels() {
    check("example.com", "example.com", 443, false);
    check("example.com", "a.example.com", 443, false);
    check("example.com", "badexample.com", 443, true);
    check(".example.com", "example.com", 443, true);
    check("*.example.com", "a.example.com", 443, false);
    check("a.test, b.test", "b.test", 443, false);
    check("*", "anything.test", 443, false);
}

#[test]
fn exceptions_match_ports_addresses_and_networks() {
    check("example.com:8443", "example.com", 8443, false);
    check("example.com:8443", "example.com", 443, true);
    check("10.0.0.0/8", "10.200.1.1", 443, false);
    check("10.0.0.0/8", "11.0.0.1", 443, true);
    check("192.168.1.7", "192.168.1.7", 443, false);
    check("fd00::/8", "fd12::1", 443, false);
    check("[fd00::1]:443", "fd00::1", 443, false);
    check("0.0.0.0/0", "8.8.8.8", 443, false);
}

#[test]
fn credentials_become_a_header_and_are_never_shown() {
    let config = ProxyConfig::from_values(None, Some("http://ann:p%40ss@proxy:3128"), None);
    let config = config.unwrap().unwrap();
    let proxy = config.select(false, "example.com", 80).unwrap();
    assert_eq!(proxy.authorization.as_ref().unwrap(), "Basic YW5uOnBAc3M=");
    let shown = format!("{config:?}");
    assert!(!shown.contains("p%40ss") && !shown.contains("YW5u"), "{shown}");
}

#[test]
fn a_proxy_of_another_kind_is_refused_by_name() {
    let error = ProxyConfig::from_values(Some("socks5://u:secret@p:1"), None, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`HTTPS_PROXY` has the scheme `socks5`, only `http` is supported"
    );
}
