//! What of the rest Gantry has: ports, TLS, the log, metrics, the end.

use super::duration;
use super::properties::{Properties, Property};
use crate::config::environment::value;
use crate::config::foreign::draft::Draft;
use crate::config::tree::{Data, Location, Node};

const DEFAULT_PORT: &str = "8080";

/// Takes over what can be.
pub(super) fn take(properties: &Properties, draft: &mut Draft<'_>) {
    for used in ["spring.profiles.active", "spring.config.activate.onprofile"] {
        properties.list(used);
    }
    properties.list("spring.profiles.include");
    properties.list("spring.config.import");
    listeners(properties, draft);
    log(properties, draft);
    database(properties, draft);
    let flags = [
        ("management.metrics.export.prometheus.enabled", "metrics.enabled"),
        ("management.prometheus.metrics.export.enabled", "metrics.enabled"),
    ];
    for (theirs, ours) in flags {
        if let Some(property) = properties.get(theirs) {
            draft.set(ours, property.node.clone(), &property.key);
        }
    }
    if let Some(property) = properties.get("spring.lifecycle.timeoutpershutdownphase") {
        set_duration(property, "server.limits.shutdown", draft);
    }
    if let Some(property) = properties.get("server.shutdown")
        && property.node.as_text() != Some("graceful")
    {
        draft.note(&property.key, property.node.at, "calls are always let finish");
    }
}

fn listeners(properties: &Properties, draft: &mut Draft<'_>) {
    let host = properties.text("server.address").map(str::to_owned);
    let is_secure = properties.text("server.ssl.enabled") == Some("true")
        || properties.below("server.ssl.keystore").next().is_some()
        || properties.below("server.ssl.certificate").next().is_some();
    let is_secure = is_secure && properties.text("server.ssl.enabled") != Some("false");
    let port = properties.get("server.port");
    if port.is_some() || host.is_some() {
        let key = if is_secure { "server.https.listen" } else { "server.listen" };
        let default = if is_secure { "8443" } else { DEFAULT_PORT };
        listen(port, host.as_deref(), default, key, draft);
    }
    if let Some(port) = properties.get("management.server.port") {
        let host = properties.text("management.server.address").map(str::to_owned).or(host);
        listen(Some(port), host.as_deref(), DEFAULT_PORT, "server.management.listen", draft);
    }
    if is_secure {
        tls(properties, draft);
    }
}

fn listen(
    port: Option<&Property>,
    host: Option<&str>,
    default: &str,
    key: &str,
    draft: &mut Draft<'_>,
) {
    let at = port.map_or(Location::NOWHERE, |port| port.node.at);
    let number = port.and_then(|port| port.node.as_text()).unwrap_or(default);
    let host = host.map_or_else(|| value::LOOPBACK.to_owned(), value::host);
    let origin = port.map_or("server.address", |port| port.key.as_str());
    let is_set = draft.set(key, Node::new(Data::text(format!("{host}:{number}")), at), origin);
    if is_set && host == value::LOOPBACK {
        draft.note(origin, at, value::LOOPBACK_ALONE);
    }
}

fn tls(properties: &Properties, draft: &mut Draft<'_>) {
    for (theirs, ours) in [
        ("server.ssl.keystore", "server.https.keystore"),
        ("server.ssl.keystorepassword", "server.https.keystore_password"),
        ("server.ssl.certificate", "server.https.certificate"),
        ("server.ssl.certificateprivatekey", "server.https.key"),
    ] {
        let Some(property) = properties.get(theirs) else { continue };
        let text = property.node.as_text().unwrap_or_default();
        // What lies in a program's archive there lies beside the file here.
        let path = ["classpath:", "file:"].iter().find_map(|prefix| text.strip_prefix(prefix));
        let node = Node::new(Data::text(path.unwrap_or(text)), property.node.at);
        draft.set(ours, node, &property.key);
    }
    let protocols = properties.list("server.ssl.enabledprotocols");
    let Some(first) = protocols.first() else { return };
    let has = |name: &str| protocols.iter().any(|protocol| protocol.as_text() == Some(name));
    if has("TLSv1.3") && !has("TLSv1.2") {
        let least = Node::new(Data::text("1.3"), first.at);
        draft.set("server.https.min_version", least, "server.ssl.enabled-protocols");
    }
}

fn log(properties: &Properties, draft: &mut Draft<'_>) {
    if let Some(property) = properties.get("logging.level.root") {
        let text = property.node.as_text().unwrap_or_default();
        match value::level(text) {
            Some(level) => {
                draft.set(
                    "log.level",
                    Node::new(Data::text(level), property.node.at),
                    &property.key,
                );
            }
            None => draft.wrong_kind(&property.key, &property.node, "a level such as `INFO`"),
        }
    }
    if let Some(property) = properties.get("logging.file.name") {
        draft.set("log.file", property.node.clone(), &property.key);
    }
    let patterns = ["logging.pattern.file", "logging.pattern.console"];
    if let Some(property) = patterns.iter().find_map(|key| properties.get(key)) {
        // Whoever has a pattern has something that reads lines of this kind.
        draft.set("log.format", Node::new(Data::text("spring"), property.node.at), &property.key);
        let reason = "lines have the usual pattern of Spring, `log.format: spring`";
        draft.note(&property.key, property.node.at, reason);
    }
    let policy = "logging.logback.rollingpolicy.";
    for (word, ours) in
        [("maxfilesize", "log.rotation.max_size"), ("totalsizecap", "log.rotation.total_size")]
    {
        let Some(property) = properties.get(&format!("{policy}{word}")) else { continue };
        match value::size(property.node.as_text().unwrap_or_default()) {
            Some(bytes) => {
                let text = usize::try_from(bytes).map(crate::config::units::format_size);
                let text = text.unwrap_or_else(|_| format!("{bytes}B"));
                draft.set(ours, Node::new(Data::text(text), property.node.at), &property.key);
            }
            None => draft.wrong_kind(&property.key, &property.node, "a size such as `100MB`"),
        }
    }
    if let Some(property) = properties.get(&format!("{policy}maxhistory")) {
        // Days, where the pattern of the file's name is the usual one.
        let days = property.node.as_text().and_then(|text| text.parse::<u32>().ok());
        match days {
            Some(days) => {
                let age = Node::new(Data::text(format!("{days}d")), property.node.at);
                draft.set("log.rotation.max_age", age, &property.key);
            }
            None => draft.wrong_kind(&property.key, &property.node, "a whole number of days"),
        }
    }
}

/// Takes PostgreSQL over; of any other database it is said that there is none.
fn database(properties: &Properties, draft: &mut Draft<'_>) {
    let is_known = |property: &&Property| {
        let text = property.node.as_text().unwrap_or_default();
        text.starts_with("jdbc:postgresql:") || text.starts_with("${")
    };
    let at = "spring.datasource.";
    let found = properties.below(at).find(|property| property.canonical == format!("{at}url"));
    let Some(url) = found.filter(is_known) else { return };
    url.mark_used();
    let text = url.node.as_text().unwrap_or_default();
    let text = text.strip_prefix("jdbc:").unwrap_or(text);
    draft.set("storage.url", Node::new(Data::text(text), url.node.at), &url.key);
    for (theirs, ours) in [
        ("username", "storage.username"),
        ("password", "storage.password"),
        ("hikari.maximumpoolsize", "storage.pool.max"),
        ("hikari.minimumidle", "storage.pool.min"),
    ] {
        if let Some(property) = properties.get(&format!("{at}{theirs}")) {
            draft.set(ours, property.node.clone(), &property.key);
        }
    }
    for (theirs, ours) in [
        ("connectiontimeout", "storage.pool.acquire_timeout"),
        ("idletimeout", "storage.pool.idle_timeout"),
        ("maxlifetime", "storage.pool.max_lifetime"),
    ] {
        if let Some(property) = properties.get(&format!("{at}hikari.{theirs}")) {
            set_duration(property, ours, draft);
        }
    }
}

fn set_duration(property: &Property, key: &str, draft: &mut Draft<'_>) {
    match duration::ours(property.node.as_text().unwrap_or_default(), "ms") {
        Some(text) => {
            draft.set(key, Node::new(Data::text(text), property.node.at), &property.key);
        }
        None => draft.wrong_kind(&property.key, &property.node, "a duration such as `30s`"),
    }
}
