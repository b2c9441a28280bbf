//! How far a server's clock is from ours, by the header `Date` of whatever it answers.
//!
//! For `gantry doctor`: tokens, certificates and sessions have ages, and two machines that do not
//! agree on the time refuse each other for no visible reason.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gantry_core::{Clock as _, SystemClock};
use gantry_gateway::spec::Connection;
use gantry_net::Limits;
use http::header::DATE;
use http::{HeaderMap, Method};

use crate::compose;
use crate::config::{Config, Env};

/// Servers that are asked at most.
const MOST_SERVERS: usize = 32;
/// How long all of them together may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// A server's clock beside ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skew {
    /// The server's name in the configuration.
    pub server: String,
    /// How far the two are apart, to about a second.
    pub by: Duration,
    /// Whether ours is ahead.
    pub is_ahead: bool,
}

/// Asks every server that has an address what time it is. Those that do not answer soon, or do not
/// say, are left out.
pub async fn skews(config: &Config, env: &Env) -> Vec<Skew> {
    let Ok(client) = compose::outbound(env) else { return Vec::new() };
    let asked =
        config.gateway.servers.iter().filter(|server| server.enabled).filter_map(|server| {
            let Connection::Http { url, .. } = &server.connection else { return None };
            Some((server.name.clone(), client.target(url).ok()?))
        });
    let asking = asked.take(MOST_SERVERS).map(async |(server, target)| {
        let limits = Limits { head: Some(PATIENCE), body_idle: None };
        // What it answers does not matter: every server with a clock says `Date` (RFC 9110, 6.6.1).
        let sent = target.send(Method::HEAD, HeaderMap::new(), Bytes::new(), limits);
        let answer = tokio::time::timeout(PATIENCE, sent).await.ok()?.ok()?;
        let theirs = answer.headers().get(DATE)?.to_str().ok()?.to_owned();
        skew(server, &theirs, SystemClock.now())
    });
    futures_util::future::join_all(asking).await.into_iter().flatten().collect()
}

fn skew(server: String, theirs: &str, ours: SystemTime) -> Option<Skew> {
    let theirs = httpdate::parse_http_date(theirs).ok()?;
    Some(match ours.duration_since(theirs) {
        Ok(by) => Skew { server, by, is_ahead: true },
        Err(behind) => Skew { server, by: behind.duration(), is_ahead: false },
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::skew;

    #[test]
    fn a_date_is_held_against_our_clock() {
        let ours = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let of = |theirs: &str| {
            skew("up".to_owned(), theirs, ours).map(|skew| (skew.by.as_secs(), skew.is_ahead))
        };
        assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT"), Some((0, true)));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:07 GMT"), Some((30, true)));
        assert_eq!(of("Sun, 06 Nov 1994 08:50:37 GMT"), Some((60, false)));
        assert_eq!(of("yesterday"), None);
    }
}
