//! The configuration in the gateway's own words. Only names and forms change here: what is allowed
//! was decided when the file was checked.

use gantry_gateway::spec::{
    Connection, EraMode, GatewaySpec, SessionMode, ToolFilter, UpstreamSpec, ViewSpec,
};

use crate::config::{self, Config, Pattern};

/// Entries on one page of a list. Few clients fetch a second page, so the first one is long.
const PAGE: usize = 1000;

/// Says what the gateway has to know of a configuration.
pub(crate) fn gateway_spec(config: &Config) -> GatewaySpec {
    GatewaySpec {
        servers: config.upstreams.iter().map(upstream).collect(),
        views: config.views.iter().map(view).collect(),
        max_name: config.names_max,
        first_offer_wait: config.first_offer_wait,
        list_ttl: config.list_ttl,
        list_page: PAGE,
        builtin: config.builtin,
        max_body: config.server.limits.body,
        keep_alive: config.server.limits.sse_keep_alive,
    }
}

fn view(view: &config::View) -> ViewSpec {
    ViewSpec { name: view.name.clone(), patterns: texts(&view.patterns) }
}

fn upstream(spec: &config::UpstreamSpec) -> UpstreamSpec {
    UpstreamSpec {
        name: spec.name.clone(),
        connection: connection(&spec.connection),
        timeout: spec.timeout,
        enabled: spec.enabled,
        description: spec.description.clone(),
        session: match spec.session {
            config::SessionMode::Auto => SessionMode::Auto,
            config::SessionMode::Call => SessionMode::Call,
            config::SessionMode::Client => SessionMode::Client,
            config::SessionMode::Principal => SessionMode::Principal,
            config::SessionMode::Shared => SessionMode::Shared,
        },
        era: match spec.era {
            config::EraMode::Match => EraMode::Match,
            config::EraMode::Modern => EraMode::Modern,
            config::EraMode::Legacy => EraMode::Legacy,
        },
        probe_timeout: spec.probe_timeout,
        tools: ToolFilter { allow: texts(&spec.tools.allow), deny: texts(&spec.tools.deny) },
        trust_annotations: spec.trust_annotations,
        max_message: spec.max_message,
    }
}

fn connection(connection: &config::Connection) -> Connection {
    match connection {
        config::Connection::Stdio { command, args, env, cwd } => Connection::Stdio {
            command: command.clone(),
            args: args.clone(),
            env: env
                .iter()
                .map(|(name, value)| (name.clone(), value.expose().to_owned()))
                .collect(),
            cwd: cwd.clone(),
        },
        config::Connection::Http { url, headers } => Connection::Http {
            url: url.to_string(),
            headers: headers
                .iter()
                // Checked to be visible ASCII when the file was read.
                .filter_map(|(name, value)| {
                    Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
                })
                .collect(),
        },
    }
}

fn texts(patterns: &[Pattern]) -> Vec<String> {
    patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect()
}
