//! How many connections there may be, and how long each is kept.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{connect, figure, health, is_closed};
use crate::support::{gantry::Gantry, wait::eventually};

const ONE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

async fn gateway(connections: Value, more: Value) -> Gantry {
    let mut server = json!({ "connections": connections });
    for (key, value) in more.as_object().into_iter().flatten() {
        server[key] = value.clone();
    }
    Gantry::start(&json!({ "server": server }).to_string()).await
}

async fn refused(gantry: &Gantry, limit: &str) -> Option<u64> {
    figure(gantry, &format!("gantry_http_connections_refused_total{{limit=\"{limit}\"}}")).await
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_others_are_not_concerned() {
    let gantry = gateway(json!({ "per_address": 2 }), json!({})).await;
    let (mut first, mut second) = (connect(&gantry, ONE).await, connect(&gantry, ONE).await);
    assert_eq!(health(&mut first).await.status, 200);
    assert_eq!(health(&mut second).await.status, 200);
    let mut third = connect(&gantry, ONE).await;
    let answer = health(&mut third).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "E0427"), "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"));
    is_closed(&mut third).await;
    assert_eq!(health(&mut connect(&gantry, OTHER).await).await.status, 200);
    assert_eq!(refused(&gantry, "per_address").await, Some(1));
    // What was open goes on, and a place that gets free is given away.
    assert_eq!(health(&mut second).await.status, 200);
    drop(first);
    eventually("a free place", async || {
        (health(&mut connect(&gantry, ONE).await).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_listener_has_so_many_connections() {
    let gantry = gateway(json!({ "max": 2 }), json!({})).await;
    let (mut first, mut second) = (connect(&gantry, ONE).await, connect(&gantry, OTHER).await);
    assert_eq!(health(&mut first).await.status, 200);
    assert_eq!(health(&mut second).await.status, 200);
    let mut third = connect(&gantry, ONE).await;
    let answer = health(&mut third).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "E0427"), "{answer:?}");
    drop((first, second, third));
    let counted = eventually("a free place", async || {
        let mut stream = connect(&gantry, ONE).await;
        let is_free = health(&mut stream).await.status == 200;
        drop(stream);
        if is_free { refused(&gantry, "max").await } else { None }
    })
    .await;
    assert!(counted >= 1, "{counted}");
}

#[tokio::test]
async fn one_address_opens_so_many_in_a_time_and_a_trusted_proxy_as_many_as_it_wants() {
    let rate = json!({ "requests": 2, "per": "1h", "algorithm": "fixed_window" });
    let connections = json!({ "rate": rate, "per_address": 2 });
    let gantry = gateway(connections, json!({ "trusted_proxies": [OTHER, "127.0.0.1"] })).await;
    for _ in 0..2 {
        assert_eq!(health(&mut connect(&gantry, ONE).await).await.status, 200);
    }
    let answer = health(&mut connect(&gantry, ONE).await).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "E0427"), "{answer:?}");
    let wait: u64 = answer.header("retry-after").and_then(|wait| wait.parse().ok()).unwrap();
    assert!((1..=3600).contains(&wait), "{answer:?}");
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut stream = connect(&gantry, OTHER).await;
        assert_eq!(health(&mut stream).await.status, 200);
        open.push(stream);
    }
    assert_eq!(refused(&gantry, "rate").await, Some(1));
}

#[tokio::test]
async fn a_connection_has_so_many_requests() {
    let gantry = gateway(json!({ "max_requests": 2 }), json!({})).await;
    let mut stream = connect(&gantry, ONE).await;
    let answer = health(&mut stream).await;
    assert_eq!((answer.status, answer.header("connection")), (200, None));
    let answer = health(&mut stream).await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    is_closed(&mut stream).await;
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_a_time() {
    let gantry = gateway(json!({ "keep_alive": "1s" }), json!({})).await;
    let mut stream = connect(&gantry, ONE).await;
    assert_eq!(health(&mut stream).await.status, 200);
    let begun = Instant::now();
    is_closed(&mut stream).await;
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
}
