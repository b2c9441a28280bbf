//! Who is the client behind which proxies, and what nobody can make of it by what they send.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::{AddressPolicy, Barred, MOST_HOPS, Networks, Told, Unreadable};
use crate::access::Network;

fn networks(list: &[&str]) -> Networks {
    let networks: Vec<Network> = list.iter().map(|text| text.parse().unwrap()).collect();
    networks.iter().collect()
}

fn behind(proxies: &[&str]) -> AddressPolicy {
    AddressPolicy { trusted_proxies: networks(proxies), ..AddressPolicy::default() }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn by_habit(policy: &AddressPolicy, lines: &[&str]) -> Result<Option<IpAddr>, Unreadable> {
    let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
    policy.client(Told { x_forwarded_for: &lines, ..Told::default() })
}

fn by_standard(policy: &AddressPolicy, lines: &[&str]) -> Result<Option<IpAddr>, Unreadable> {
    let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
    policy.client(Told { forwarded: &lines, ..Told::default() })
}

#[test]
fn the_client_is_the_last_one_that_is_no_proxy() {
    let policy = behind(&["10.0.0.0/8", "fd00::/8"]);
    for (lines, client) in [
        (&["203.0.113.7"][..], "203.0.113.7"),
        (&["203.0.113.7, 10.0.0.3"], "203.0.113.7"),
        (&["203.0.113.7, 10.0.0.3,10.1.1.1"], "203.0.113.7"),
        (&["203.0.113.7", "10.0.0.3"], "203.0.113.7"),
        // Whatever a client makes up stands before its own address.
        (&["127.0.0.1, 203.0.113.7"], "203.0.113.7"),
        (&["10.0.0.9, 203.0.113.7, 10.0.0.3"], "203.0.113.7"),
        (&["', unknown,,, 203.0.113.7"], "203.0.113.7"),
        (&["203.0.113.7:4711"], "203.0.113.7"),
        (&["::ffff:203.0.113.7"], "203.0.113.7"),
        (&["2001:db8::1, fd00::3"], "2001:db8::1"),
        (&["[2001:db8::1]"], "2001:db8::1"),
        (&["[2001:db8::1]:4711"], "2001:db8::1"),
        // All of them are ours: the first one asks for itself.
        (&["10.0.0.9, 10.0.0.3"], "10.0.0.9"),
    ] {
        assert_eq!(by_habit(&policy, lines), Ok(Some(address(client))), "{lines:?}");
    }
    assert_eq!(by_habit(&policy, &[]), Ok(None));
}

#[test]
fn the_header_of_the_standard_says_the_same() {
    let policy = behind(&["10.0.0.0/8"]);
    for (lines, client) in [
        (&["for=203.0.113.7"][..], "203.0.113.7"),
        (&["For=203.0.113.7;proto=https;by=10.0.0.3"], "203.0.113.7"),
        (&["for=127.0.0.1, for=203.0.113.7, for=10.0.0.3"], "203.0.113.7"),
        (&["for=127.0.0.1", "for=203.0.113.7"], "203.0.113.7"),
        (&[r#"for="[2001:db8::1]:4711";proto=http"#], "2001:db8::1"),
        (&[r#"for="203.0.113.\7:80""#], "203.0.113.7"),
        (&[r#"by="a, for=1.1.1.1" ; for=203.0.113.7"#], "203.0.113.7"),
        (&["for=unknown, for=_hidden, for=203.0.113.7"], "203.0.113.7"),
    ] {
        assert_eq!(by_standard(&policy, lines), Ok(Some(address(client))), "{lines:?}");
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    let policy = behind(&["10.0.0.0/8"]);
    for line in [
        "",
        "unknown",
        "_hidden",
        "203.0.113.7, ",
        "203.0.113.256",
        "203.0.113.7 10.0.0.3",
        "203.0.113.7, evil, 10.0.0.3",
        "fe80::1%eth0",
        "0.0.0.0",
        "224.0.0.1",
        "[203.0.113.7]",
        "203.0.113.7:99999",
    ] {
        let refused = by_habit(&policy, &[line]);
        assert!(matches!(refused, Err(Unreadable::Entry { .. })), "{line}: {refused:?}");
    }
    for line in [
        "",
        "for",
        "for=",
        "proto=https",
        "for=unknown",
        "for=_hidden",
        "for=2001:db8::1",
        "for=203.0.113.7,",
        "for=203.0.113.7;",
        "for=203.0.113.7 for=10.0.0.3",
        "for=203.0.113.7;for=10.0.0.3",
        // A client that opens quotes would swallow what the proxy adds.
        r#"for="x, for=203.0.113.7"#,
        r#"for="x, for="[2001:db8::1]""#,
        r#"for="203.0.113.7"x"#,
        r#"for="203.0.113.7\"#,
    ] {
        let refused = by_standard(&policy, &[line]);
        assert!(matches!(refused, Err(Unreadable::Entry { .. })), "{line}: {refused:?}");
    }
}

#[test]
fn a_long_row_of_proxies_is_a_circle() {
    let policy = behind(&["10.0.0.0/8"]);
    let row = |n: usize| format!("203.0.113.7{}", ", 10.0.0.3".repeat(n));
    assert_eq!(by_habit(&policy, &[&row(MOST_HOPS - 1)]), Ok(Some(address("203.0.113.7"))));
    assert_eq!(by_habit(&policy, &[&row(MOST_HOPS)]), Err(Unreadable::Hops));
}

#[test]
fn two_headers_have_to_name_one_client() {
    let policy = behind(&["10.0.0.0/8"]);
    let both = |habit: &str, standard: &str| {
        let (habit, standard) = ([habit.as_bytes()], [standard.as_bytes()]);
        policy.client(Told { x_forwarded_for: &habit, forwarded: &standard })
    };
    assert_eq!(both("203.0.113.7", "for=203.0.113.7"), Ok(Some(address("203.0.113.7"))));
    assert_eq!(both("203.0.113.7", "for=203.0.113.8"), Err(Unreadable::Ambiguous));
    assert!(both("203.0.113.7", "for").is_err());
}

#[test]
fn what_is_repeated_of_an_entry_is_cut_and_printable() {
    let line = format!("\u{7}{}", "x".repeat(500));
    let refusal = by_habit(&behind(&[]), &[&line]).unwrap_err().to_string();
    assert!(refusal.len() < 200 && refusal.starts_with("`\\x07xxx"), "{refusal}");
}

#[test]
fn lists_say_who_may_come() {
    let policy = AddressPolicy {
        allowed: Some(networks(&["10.0.0.0/8", "2001:db8::/32"])),
        denied: networks(&["10.0.0.13", "192.0.2.0/24"]),
        ..AddressPolicy::default()
    };
    for good in ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::7"] {
        assert_eq!(policy.may_come(address(good)), Ok(()), "{good}");
    }
    for denied in ["10.0.0.13", "::ffff:10.0.0.13", "192.0.2.1"] {
        let refused = policy.may_come(address(denied));
        assert!(matches!(refused, Err(Barred::Denied { .. })), "{denied}");
    }
    for other in ["127.0.0.1", "11.0.0.1", "::1", "2001:db9::1"] {
        let refused = policy.may_come(address(other));
        assert!(matches!(refused, Err(Barred::NotAllowed { .. })), "{other}");
    }
    let open = AddressPolicy { denied: networks(&["10.0.0.0/8"]), ..AddressPolicy::default() };
    assert!(open.may_come(address("192.0.2.1")).is_ok());
    assert!(open.may_come(address("10.9.9.9")).is_err());
}

#[test]
fn everybody_is_told_from_many() {
    assert!(networks(&["0.0.0.0/0"]).is_everybody() && networks(&["::/0"]).is_everybody());
    assert!(networks(&["0.0.0.0/1", "128.0.0.0/1"]).is_everybody());
    assert!(!networks(&["0.0.0.0/1", "::/1"]).is_everybody() && !networks(&[]).is_everybody());
    assert!(networks(&[]).is_empty() && !networks(&["::1"]).is_empty());
}

#[test]
fn networks_that_touch_cover_a_larger_one() {
    let set = networks(&["10.0.0.0/9", "10.128.0.0/9", "2001:db8::/32"]);
    let covers = |text: &str| set.covers(&text.parse().unwrap());
    assert!(covers("10.0.0.0/8") && covers("10.1.2.3") && covers("2001:db8:1::/48"));
    assert!(!covers("10.0.0.0/7") && !covers("11.0.0.0/8") && !covers("2001:db8::/31"));
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        // Near each other, so that some lie in the networks below.
        (0u32..1024).prop_map(|low| IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | low))),
    ]
}

fn any_network() -> impl Strategy<Value = Network> {
    let near = (0u32..1024, 20u8..=32).prop_map(|(low, length)| {
        format!("{}/{length}", Ipv4Addr::from_bits(0x0a00_0000 | low)).parse().unwrap()
    });
    let v6 = (any::<u128>(), 0u8..=128)
        .prop_map(|(bits, length)| format!("{}/{length}", Ipv6Addr::from_bits(bits)));
    prop_oneof![near, v6.prop_map(|text| text.parse().unwrap())]
}

proptest! {
    #[test]
    fn a_set_holds_what_one_of_its_networks_does(
        list in prop::collection::vec(any_network(), 0..20),
        address in any_address(),
    ) {
        let set: Networks = list.iter().collect();
        prop_assert_eq!(
            set.contains(address),
            list.iter().any(|network| network.contains(address))
        );
    }

    #[test]
    fn whatever_a_client_sends_the_proxy_is_believed(
        made_up in "[ -~]{0,80}",
        client in any_address(),
        n_proxies in 0usize..MOST_HOPS,
    ) {
        let policy = behind(&["192.0.2.0/24"]);
        let is_nobodys = client.to_canonical().is_unspecified()
            || client.to_canonical().is_multicast()
            || policy.trusts(client);
        prop_assume!(!is_nobodys);
        let row = ", 192.0.2.9".repeat(n_proxies);
        let line = format!("{made_up}, {client}{row}");
        prop_assert_eq!(by_habit(&policy, &[&line]), Ok(Some(client.to_canonical())));

        // In the header of the standard it is believed, or the request is refused.
        let row = r#", for="192.0.2.9""#.repeat(n_proxies);
        let node = if client.is_ipv6() { format!("[{client}]") } else { client.to_string() };
        let line = format!("{made_up}, for=\"{node}\"{row}");
        let found = by_standard(&policy, &[&line]);
        prop_assert!(found.is_err() || found == Ok(Some(client.to_canonical())), "{found:?}");
    }

    #[test]
    fn nothing_that_is_sent_makes_it_panic(
        habit in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4),
        standard in prop::collection::vec("(for|by|proto|[=;,\" \\[\\]:.a-f0-9\\\\]|é){0,40}", 0..4),
    ) {
        let habit: Vec<_> = habit.iter().map(Vec::as_slice).collect();
        let standard: Vec<_> = standard.iter().map(String::as_bytes).collect();
        let policy = behind(&["0.0.0.0/1"]);
        let _ = policy.client(Told { x_forwarded_for: &habit, forwarded: &[] });
        let _ = policy.client(Told { x_forwarded_for: &[], forwarded: &standard });
        let _ = policy.client(Told { x_forwarded_for: &standard, forwarded: &habit });
    }
}
