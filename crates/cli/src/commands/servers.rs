//! `gantry servers`: what the gateway knows of its upstream servers, and how they are switched.

use gantry_core::ErrorCode;
use gantry_server::AdminError;
use gantry_server::config::edit;
use serde_json::{Map, Value, json};

use super::remove::edit_failure;
use crate::cli::{Format, ServersCommand};
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

pub(crate) fn run(place: &Place, command: ServersCommand) -> Result<(), Failure> {
    match command {
        ServersCommand::List { format } => list(place, format),
        ServersCommand::Health { name, format } => health(place, &name, format),
        ServersCommand::Enable { name } => switch(place, &name, true),
        ServersCommand::Disable { name } => switch(place, &name, false),
        ServersCommand::Restart { name } => restart(place, &name),
    }
}

fn list(place: &Place, format: Format) -> Result<(), Failure> {
    let servers = remote::list_servers(place)?;
    if output::data(format, &json!(servers))? {
        return Ok(());
    }
    if servers.is_empty() {
        return output::line("There are no servers; `gantry add NAME -- COMMAND` adds one.");
    }
    let code = servers.iter().find_map(|server| server.code.clone());
    let rows: Vec<_> = servers
        .into_iter()
        .map(|server| {
            let n_tools = server.n_tools.map_or_else(|| "?".to_owned(), |count| count.to_string());
            let revision = server.revision.unwrap_or_else(|| "?".to_owned());
            let code = server.code.unwrap_or_default();
            let reason = server.reason.unwrap_or_default();
            let state = match server.breaker.as_deref() {
                Some("open") => format!("{}, breaker open", server.state),
                Some("half_open") => format!("{}, breaker half open", server.state),
                _ => server.state,
            };
            vec![server.name, server.kind, state, revision, n_tools, code, reason]
        })
        .collect();
    let headings = ["name", "type", "state", "revision", "tools", "code", "reason"];
    output::table(&headings, &rows)?;
    if let Some(code) = code {
        output::hint(&format!("`gantry explain {code}` says what to do about {code}"));
    }
    Ok(())
}

/// Ends with a failure unless the server is ready, so that a script can ask.
fn health(place: &Place, name: &str, format: Format) -> Result<(), Failure> {
    let purpose = format!("cannot tell the health of `{name}`");
    let path = format!("/api/servers/{}/health", escaped(name));
    let health =
        remote::administering(place, &purpose, async |mut admin| match admin.get(&path).await {
            Err(AdminError::Refused { code: Some(ErrorCode::UnknownServer), .. }) => Ok(None),
            answer => answer.map(Some),
        })?;
    let Some(health) = health else {
        return Err(Failure::new(format!("there is no server `{name}`"))
            .with_hint("`gantry servers list` shows all of them")
            .with_code(ErrorCode::UnknownServer));
    };
    if !output::data(format, &health)? {
        let rows: Vec<_> = health.as_object().into_iter().flat_map(Map::iter).map(row).collect();
        output::table(&["what", "value"], &rows)?;
        if let Some(code) = health["code"].as_str() {
            output::hint(&format!("`gantry explain {code}` says what to do about {code}"));
        }
    }
    if health["healthy"] == true { Ok(()) } else { Err(Failure::said()) }
}

fn row((key, value): (&String, &Value)) -> Vec<String> {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    vec![key.clone(), shown]
}

/// Switches an entry of the file there; what is stored elsewhere, where the gateway keeps it.
fn switch(place: &Place, name: &str, enabled: bool) -> Result<(), Failure> {
    let (verb, done) = if enabled { ("enable", "Enabled") } else { ("disable", "Disabled") };
    let file = place.file();
    let mut has_changed = false;
    let edited = edit::edit_file(file, |text| {
        let new = edit::set_enabled(text, name, enabled)?;
        has_changed = new != text;
        Ok(new)
    });
    match edited {
        Ok(()) if has_changed => output::line(&format!("{done} `{name}` in `{}`.", file.display())),
        Ok(()) => output::line(&format!("`{name}` is {verb}d already.")),
        Err(error) => {
            let is_elsewhere = !is_in_file(place, name)
                && remote::administering(place, "", async |mut admin| {
                    admin.post(&format!("/api/servers/{}/{verb}", escaped(name))).await
                })
                .is_ok();
            if is_elsewhere {
                return output::line(&format!("{done} `{name}` in the running gateway."));
            }
            Err(edit_failure(&format!("cannot {verb} `{name}`"), &error))
        }
    }
}

fn is_in_file(place: &Place, name: &str) -> bool {
    std::fs::read_to_string(place.file()).is_ok_and(|text| edit::has_server(&text, name))
}

fn restart(place: &Place, name: &str) -> Result<(), Failure> {
    let purpose = format!("cannot restart `{name}`");
    remote::administering(place, &purpose, async |mut admin| {
        admin.post(&format!("/api/servers/{}/restart", escaped(name))).await.map(drop)
    })?;
    output::line(&format!("Restarted `{name}`."))
}

/// Names have no character that a path could not; what is no name must not become another path.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
