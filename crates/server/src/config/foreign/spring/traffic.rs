//! Limits of rates, second tries, room and kept results.

use super::duration;
use super::properties::{Properties, Property};
use crate::config::foreign::draft::Draft;
use crate::config::tree::{Data, Location, Node, Scalar};

const RATE: &str = "mcp.security.ratelimiting";
const RETRY: &str = "mcp.client.retry";
const POOL: &str = "mcp.client.pool";
/// A pool there lets its queue wait as long as it takes.
const LONG_WAIT: &str = "30s";

/// Takes over what can be.
pub(super) fn take(properties: &Properties, draft: &mut Draft<'_>) {
    limits(properties, draft);
    for (theirs, ours) in [("maxattempts", "attempts"), ("backoffmultiplier", "factor")] {
        let Some(property) = properties.get(&format!("{RETRY}.{theirs}")) else { continue };
        // A factor is a whole number here.
        let whole = rounded(property).map_or_else(|| property.node.clone(), number_at(property));
        draft.set(&format!("traffic.retry.{ours}"), whole, &property.key);
    }
    if let Some(most) = properties.get(&format!("{POOL}.maxsize")) {
        draft.set("traffic.max_in_flight", most.node.clone(), &most.key);
        if let Some(queue) = properties.get(&format!("{POOL}.queuecapacity")) {
            draft.set("traffic.max_waiting", queue.node.clone(), &queue.key);
            let wait = Node::new(Data::text(LONG_WAIT), queue.node.at);
            draft.set("traffic.max_wait", wait, &queue.key);
        }
    }
    if let Some(ttl) = properties.get("spring.cache.redis.timetolive") {
        match duration::ours(ttl.node.as_text().unwrap_or_default(), "ms") {
            Some(text) => {
                let node = Node::new(Data::text(text), ttl.node.at);
                draft.set("traffic.cache_ttl", node, &ttl.key);
            }
            None => draft.wrong_kind(&ttl.key, &ttl.node, "a duration such as `3600000`"),
        }
    }
}

fn limits(properties: &Properties, draft: &mut Draft<'_>) {
    let is_off = properties.text(&format!("{RATE}.enabled")) == Some("false");
    let requests = properties.get(&format!("{RATE}.requestsperminute"));
    let burst = properties.get(&format!("{RATE}.burstcapacity"));
    let Some(requests) = requests.filter(|_| !is_off) else { return };
    draft.set("limits.global.requests", requests.node.clone(), &requests.key);
    let minute = Node::new(Data::text("1m"), requests.node.at);
    draft.set("limits.global.per", minute, &requests.key);
    if let Some(burst) = burst {
        draft.set("limits.global.burst", burst.node.clone(), &burst.key);
    }
}

/// Returns the nearest whole number of one that is written with a point.
fn rounded(property: &Property) -> Option<u64> {
    let text = property.node.as_text()?;
    let (whole, part) = text.split_once('.')?;
    let whole: u64 = whole.parse().ok()?;
    let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_over = part.bytes().next().is_some_and(|first| first >= b'5');
    is_number.then(|| whole + u64::from(is_over))
}

fn number_at(property: &Property) -> impl Fn(u64) -> Node {
    let at: Location = property.node.at;
    move |number| {
        let scalar = Scalar { text: number.to_string(), is_plain: true, written: None };
        Node::new(Data::Scalar(scalar), at)
    }
}
