//! Writes down what was understood of a configuration, for `gantry config show` and for tests.
//!
//! The result has the shape of the file, so that it can be compared with it and used as one.
//! Secrets are left out; where a variable was put in, the variable is shown instead of its value.

use std::time::Duration;

use gantry_core::Grants;
use gantry_gateway::spec::{Connection, EraMode, SessionMode, TransportMode, UpstreamSpec};
use gantry_policy::access::{AccessSpec, Destructive, Network, RuleSpec};
use gantry_policy::jwt::Trust;
use serde_json::{Map, Value, json};

use super::path::{Path, Step};
use super::{
    ApiKey, Audit, Auth, Config, Identity, Jwt, JwtKeys, Log, OAuth, Rotation, Token, browsers,
    connections, hooks, service_ports, storage, streaming, traffic, units,
};
use crate::timestamp;

/// Stands for what must not be shown.
pub(crate) const REDACTED: &str = "[redacted]";

pub(crate) fn to_json(config: &Config) -> Value {
    let limits = &config.server.limits;
    let gateway = &config.gateway;
    let legacy = &gateway.legacy;
    let servers = gateway.servers.iter().map(|spec| (spec.name.as_str(), upstream(spec)));
    let views = gateway.views.iter().map(|view| (view.name.as_str(), json!(view.patterns)));
    let mut value = json!({
        "server": {
            "listen": config.server.listen.to_string(),
            "allowed_hosts": config.server.allowed_hosts,
            "allowed_origins": config.server.allowed_origins,
            "trusted_proxies": networks(&config.server.trusted_proxies),
            "allow": networks(&config.server.allow),
            "deny": networks(&config.server.deny),
            "limits": {
                "body": units::format_size(gateway.max_body),
                "header": units::format_size(limits.header),
                "request_timeout": units::format_duration(limits.request_timeout),
                "sse_keep_alive": units::format_duration(gateway.keep_alive),
                "shutdown": units::format_duration(limits.shutdown),
                "drain": units::format_duration(limits.drain),
            },
        },
        "servers": object(servers),
        "views": object(views),
        "names": { "max": gateway.max_name },
        "startup": { "first_offer_wait": units::format_duration(gateway.first_offer_wait) },
        "ready": { "require": config.ready_require },
        "list_ttl": units::format_duration(gateway.list_ttl),
        "log": log(&config.log),
        "tracing": { "otlp": otlp(config) },
        "audit": audit(&config.audit),
        "auth": auth(&config.auth),
        "access": access(gateway.access.spec()),
        "hooks": hooks::show(gateway.hooks.spec()),
        "admin": { "allow_commands": config.admin.allow_commands },
        "metrics": { "enabled": config.metrics_enabled, "path": config.paths.metrics },
        "health": { "path": config.paths.health },
        "sessions": {
            "store": config.session_store,
            "idle": units::format_duration(legacy.session_idle),
        },
        "streams": {
            "replay_events": legacy.replay.events,
            "replay_bytes": units::format_size(legacy.replay.bytes),
            "replay_total": units::format_size(legacy.replay.total),
            "replay_time": units::format_duration(legacy.replay.time),
            "retry": units::format_duration(legacy.retry),
        },
        "legacy_sse": legacy.sse,
        "builtin": gateway.builtin,
        "limits": traffic::show_limits(&gateway.traffic.limits),
        "traffic": traffic::show_traffic(&gateway.traffic),
    });
    let server = browsers::show(&config.server).into_iter();
    for (key, shown) in server.chain(connections::show(&config.server)) {
        value["server"][key] = shown;
    }
    doors(config, &mut value);
    if let Some(shown) = storage::shown(&config.storage, REDACTED) {
        value["storage"] = shown;
    }
    services(config, &mut value);
    if !config.prompts.is_empty() {
        value["prompts"] = json!(config.prompts);
    }
    if !config.resources.is_empty() {
        value["resources"] = json!(config.resources);
    }
    for (path, written) in &config.written {
        if is_free_text(path)
            && (!path.is_private() || is_bare_reference(written))
            && let Some(Value::String(shown)) = find_mut(&mut value, path)
        {
            written.clone_into(shown);
        }
    }
    value
}

/// Adds what was said of the built-in services.
fn services(config: &Config, value: &mut Value) {
    if let Some(doors) = config.service_doors.shown() {
        value["services"] = doors;
    }
    if let Some(names) = config.services_on_mcp.chosen() {
        value["services"]["on_mcp"] = json!(names);
    }
    service_ports::show(&config.service_ports, value, REDACTED, hidden_query);
    if let Some(shown) = streaming::shown(&config.streaming, hidden_query) {
        value["services"]["streaming"] = shown;
    }
}

/// Shows one server to somebody who need not be at the machine: arguments are left out as well.
pub(crate) fn shown_upstream(spec: &UpstreamSpec) -> Value {
    let mut shown = upstream(spec);
    if let Some(Value::Array(arguments)) = shown.get_mut("args") {
        arguments.fill(json!(REDACTED));
    }
    shown
}

fn auth(auth: &Auth) -> Value {
    let token = |token: &Token| json!({ "name": token.name, "token": REDACTED });
    let tokens: Vec<_> = auth.tokens.iter().map(token).collect();
    let key = |key: &ApiKey| {
        let mut shown = json!({ "name": key.name, "key": REDACTED });
        let Grants { scopes, roles, tier, credential: _ } = &key.grants;
        if let Some(scopes) = scopes {
            shown["scopes"] = json!(scopes);
        }
        if !roles.is_empty() {
            shown["roles"] = json!(roles);
        }
        if let Some(tier) = tier {
            shown["tier"] = json!(tier);
        }
        if let Some(at) = key.expires_at {
            shown["expires"] = json!(timestamp::of_unix(at));
        }
        shown
    };
    let api_keys: Vec<_> = auth.api_keys.iter().map(key).collect();
    let mut shown = json!({
        "required": auth.required,
        "tokens": tokens,
        "api_keys": api_keys,
        "api_key_header": auth.api_key_header.as_str(),
    });
    if let Some(found) = &auth.jwt {
        shown["jwt"] = jwt(found);
    }
    if let Some(found) = &auth.oauth {
        shown["oauth"] = oauth(found);
    }
    shown
}

fn jwt(jwt: &Jwt) -> Value {
    let mut shown = trust(&jwt.trust, jwt.keys_kept);
    shown["expires_in"] = json!(units::format_duration(jwt.expires_in));
    match &jwt.keys {
        JwtKeys::Secret(_) => shown["secret"] = json!(REDACTED),
        JwtKeys::Url(url) => shown["jwks_url"] = json!(url),
    }
    // Where two claims may hold the name, that is what holds without the key.
    if let [subject] = jwt.trust.mapping.subject.as_slice() {
        shown["subject_claim"] = json!(subject);
    }
    if let Some(issuer) = &jwt.trust.issuer {
        shown["issuer"] = json!(issuer);
    }
    shown
}

fn oauth(oauth: &OAuth) -> Value {
    let mut shown = trust(&oauth.trust, oauth.keys_kept);
    shown["issuer"] = json!(oauth.issuer);
    shown["subject_claim"] = json!(oauth.trust.mapping.subject.first());
    shown["required_scopes"] = json!(oauth.trust.required_scopes);
    shown["scopes_supported"] = json!(oauth.scopes_supported);
    for (key, url) in [("jwks_url", &oauth.jwks_url), ("resource", &oauth.resource)] {
        if let Some(url) = url {
            shown[key] = json!(url);
        }
    }
    shown
}

/// Shows what both kinds of tokens have.
fn trust(trust: &Trust, keys_kept: Duration) -> Value {
    json!({
        "audience": trust.audiences,
        "skew": units::format_duration(Duration::from_secs(trust.skew)),
        "keys_kept": units::format_duration(keys_kept),
        "roles_claim": trust.mapping.roles,
        "tier_claim": trust.mapping.tier,
        "limited_by_scopes": trust.mapping.limited_by_scopes,
    })
}

fn log(log: &Log) -> Value {
    let mut shown = json!({
        "level": log.level,
        "levels": log.levels,
        "format": log.format,
        "rotation": rotation(log.rotation),
    });
    for (key, file) in [("file", &log.file), ("error_file", &log.error_file)] {
        if let Some(file) = file {
            shown[key] = json!(file.to_string_lossy());
        }
    }
    shown
}

fn rotation(rotation: Rotation) -> Value {
    let mut shown = json!({
        "max_size": units::format_size(rotation.max_size),
        "max_files": rotation.max_files,
    });
    if let Some(age) = rotation.max_age {
        shown["max_age"] = json!(units::format_duration(age));
    }
    if let Some(size) = rotation.total_size {
        shown["total_size"] = json!(units::format_size(size));
    }
    shown
}

fn audit(audit: &Audit) -> Value {
    let mut shown = json!({
        "enabled": audit.enabled,
        "rotation": rotation(audit.rotation),
        "database": audit.database,
        "stdout": audit.stdout,
        "sync": audit.sync,
        "when_full": audit.when_full,
        "spool": units::format_size(audit.spool),
        "arguments": audit.arguments,
        "redact": audit.redact,
        "events": audit.events,
    });
    if let Some(file) = &audit.file {
        shown["file"] = json!(file.to_string_lossy());
    }
    if let Some(retention) = audit.retention {
        shown["retention"] = json!(units::format_duration(retention));
    }
    shown
}

fn access(spec: &AccessSpec) -> Value {
    let effect = |rule: &RuleSpec| rule.effect.word();
    let rule = |rule: &RuleSpec| {
        let mut shown = json!({ "name": rule.name, "effect": effect(rule) });
        for (key, texts) in [
            ("tools", &rule.tools),
            ("prompts", &rule.prompts),
            ("resources", &rule.resources),
            ("servers", &rule.servers),
            ("views", &rule.views),
            ("principals", &rule.principals),
            ("roles", &rule.roles),
            ("tiers", &rule.tiers),
        ] {
            if !texts.is_empty() {
                shown[key] = json!(texts);
            }
        }
        if !rule.addresses.is_empty() {
            shown["addresses"] = networks(&rule.addresses);
        }
        if let Some(when) = &rule.when {
            // What looks like a variable was understood already.
            shown["when"] = json!(when.replace("${", "$${"));
        }
        shown
    };
    json!({
        "default": if spec.denies_by_default { "deny" } else { "allow" },
        "roles": spec.roles,
        "rules": spec.rules.iter().map(rule).collect::<Vec<_>>(),
        "approval": {
            "destructive": match spec.destructive {
                Destructive::Allow => "allow",
                Destructive::Ask => "ask",
                Destructive::Refuse => "refuse",
            },
            "timeout": units::format_duration(spec.approval_timeout),
        },
    })
}

fn networks(networks: &[Network]) -> Value {
    networks.iter().map(ToString::to_string).collect::<Vec<_>>().into()
}

fn otlp(config: &Config) -> Value {
    let mut shown = json!({ "service_name": config.log.service });
    if let Some(otlp) = &config.otlp {
        let names = otlp.headers.keys().map(|name| (name.as_str(), json!(REDACTED)));
        shown["endpoint"] = json!(hidden_query(&otlp.url));
        shown["headers"] = object(names);
        shown["sample_ratio"] = json!(otlp.sample_ratio);
    }
    shown
}

/// What looks like a variable was made by the normal form of the host, and must not be read as
/// one.
pub(crate) fn hidden_query(url: &str) -> String {
    let url = match url.split_once('?') {
        Some((address, _)) => format!("{address}?{REDACTED}"),
        None => url.to_owned(),
    };
    url.replace("${", "$${")
}

/// Adds the listeners that need not be there.
fn doors(config: &Config, value: &mut Value) {
    let server = &config.server;
    if let Some(https) = &server.https {
        let mut shown = json!({
            "listen": https.listen.to_string(),
            "min_version": https.min_version,
            "redirect": https.redirect,
            "hsts": units::format_duration(https.hsts),
        });
        match &https.identity {
            Identity::Pem { certificate, key } => {
                shown["certificate"] = json!(certificate.to_string_lossy());
                shown["key"] = json!(key.to_string_lossy());
            }
            Identity::Keystore { file, alias, .. } => {
                shown["keystore"] = json!(file.to_string_lossy());
                shown["keystore_password"] = json!(REDACTED);
                if let Some(alias) = alias {
                    shown["keystore_alias"] = json!(alias);
                }
            }
        }
        value["server"]["https"] = shown;
    }
    if let Some(management) = server.management {
        value["server"]["management"] = json!({ "listen": management.to_string() });
    }
    if let Some(socket) = &server.socket {
        value["server"]["socket"] = json!(socket.to_string_lossy());
    }
    if let Some(listen) = config.metrics.listen {
        value["metrics"]["listen"] = json!(listen.to_string());
        value["metrics"]["anonymous"] = json!(config.metrics.anonymous);
    }
}

fn upstream(spec: &UpstreamSpec) -> Value {
    let mut shown = Map::new();
    match &spec.connection {
        Connection::Stdio { command, args, env, cwd } => {
            shown.insert("type".into(), json!("stdio"));
            shown.insert("command".into(), json!(command));
            shown.insert("args".into(), json!(args));
            let names = env.keys().map(|name| (name.as_str(), json!(REDACTED)));
            shown.insert("env".into(), object(names));
            if let Some(cwd) = cwd {
                shown.insert("cwd".into(), json!(cwd.to_string_lossy()));
            }
        }
        Connection::Http { url, headers } => {
            shown.insert("type".into(), json!("http"));
            // It was checked to have no user and no fragment.
            shown.insert("url".into(), json!(hidden_query(url)));
            let names = headers.keys().map(|name| (name.as_str(), json!(REDACTED)));
            shown.insert("headers".into(), object(names));
            shown.insert("transport".into(), json!(transport(spec.transport)));
        }
    }
    shown.insert("timeout".into(), json!(units::format_duration(spec.timeout)));
    shown.insert("enabled".into(), json!(spec.enabled));
    if let Some(description) = &spec.description {
        shown.insert("description".into(), json!(description));
    }
    shown.insert("session".into(), json!(session(spec.session)));
    shown.insert("era".into(), json!(era(spec.era)));
    shown.insert("probe_timeout".into(), json!(units::format_duration(spec.probe_timeout)));
    let overrides = spec.tools.overrides.iter().map(|(name, words)| {
        let words = [("title", &words.title), ("description", &words.description)];
        let given =
            words.into_iter().filter_map(|(key, text)| Some((key, json!(text.as_deref()?))));
        (name.as_str(), object(given))
    });
    let overrides = object(overrides);
    let (allow, deny) = (&spec.tools.allow, &spec.tools.deny);
    shown.insert("tools".into(), json!({ "allow": allow, "deny": deny, "overrides": overrides }));
    shown.insert("trust_annotations".into(), json!(spec.trust_annotations));
    shown.insert("validate_arguments".into(), json!(spec.validate_arguments));
    shown.insert("max_message".into(), json!(units::format_size(spec.max_message)));
    shown.insert("traffic".into(), traffic::show_server(&spec.traffic));
    Value::Object(shown)
}

fn object<'a>(members: impl Iterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn session(mode: SessionMode) -> &'static str {
    match mode {
        SessionMode::Auto => "auto",
        SessionMode::Call => "call",
        SessionMode::Client => "client",
        SessionMode::Principal => "principal",
        SessionMode::Shared => "shared",
    }
}

fn transport(mode: TransportMode) -> &'static str {
    match mode {
        TransportMode::Auto => "auto",
        TransportMode::Streamable => "streamable",
        TransportMode::Sse => "sse",
    }
}

fn era(mode: EraMode) -> &'static str {
    match mode {
        EraMode::Match => "match",
        EraMode::Modern => "modern",
        EraMode::Legacy => "legacy",
    }
}

/// Only texts that the gateway passes on may be secrets; of the rest a reader wants the value.
fn is_free_text(path: &Path) -> bool {
    let free = ["command", "args", "env", "cwd", "url", "headers", "description"];
    match path.steps() {
        [Step::Key(part), _, Step::Key(key), ..] if part == "servers" => {
            free.contains(&key.as_str())
        }
        [Step::Key(part), _, Step::Key(key), ..] if part == "tracing" => key == "headers",
        [Step::Key(part), _, Step::Key(key), ..] if part == "server" => key == "keystore_password",
        [Step::Key(part), _, _, _, Step::Key(key)] if part == "services" => key == "url",
        [Step::Key(part), Step::Key(port), Step::Key(key)] if part == "services" => {
            port == "embeddings" && matches!(key.as_str(), "url" | "model" | "api_key")
        }
        [Step::Key(part), Step::Key(key)] if part == "storage" => {
            matches!(key.as_str(), "url" | "username" | "password")
        }
        [Step::Key(part), Step::Key(kind), Step::Key(key)] if part == "auth" && kind == "jwt" => {
            key == "secret"
        }
        [Step::Key(part), Step::Key(key), ..] if part == "auth" => {
            !matches!(key.as_str(), "required" | "api_key_header" | "jwt" | "oauth")
        }
        [Step::Key(part), ..] => ["prompts", "resources"].contains(&part.as_str()),
        _ => false,
    }
}

/// Tells whether a text is a reference and nothing else, but for the word `Bearer`: a default or a
/// text around it may be a secret itself.
fn is_bare_reference(written: &str) -> bool {
    let written = written.strip_prefix("Bearer ").unwrap_or(written);
    let inside = written.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(|inside| {
        !inside.contains(['$', '}']) && (inside.starts_with("file:") || !inside.contains(':'))
    })
}

fn find_mut<'a>(value: &'a mut Value, path: &Path) -> Option<&'a mut Value> {
    path.steps().iter().try_fold(value, |value, step| match step {
        // Names of headers are shown as they are sent, in lower case.
        Step::Key(key) if value.get(key).is_none() => value.get_mut(key.to_ascii_lowercase()),
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}
