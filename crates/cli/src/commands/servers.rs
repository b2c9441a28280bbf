//! `gantry servers`: what the gateway knows of its upstream servers.

use serde_json::json;

use crate::cli::ServersCommand;
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

pub(crate) fn run(place: &Place, command: &ServersCommand) -> Result<(), Failure> {
    let ServersCommand::List { format } = command;
    let servers = remote::list_servers(place)?;
    if format.is_json() {
        return output::json(&json!(servers));
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
            vec![server.name, server.kind, server.state, revision, n_tools, code, reason]
        })
        .collect();
    let headings = ["name", "type", "state", "revision", "tools", "code", "reason"];
    output::table(&headings, &rows)?;
    if let Some(code) = code {
        output::hint(&format!("`gantry explain {code}` says what to do about {code}"));
    }
    Ok(())
}
