//! Where commands meet the gateway: to run it, or to ask it something.
//!
//! A command that asks goes to the gateway that runs on the data folder, else to one made for it in
//! this process. Either way it is told what any client would be told.

use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_server::config::{Env, LogLevel};
use gantry_server::keys::desk::{DeskError, KeyDesk};
use gantry_server::reach::AskError;
use gantry_server::{Admin, AdminError, Ending, Options, Reach, StartError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::line::{Broken, Line};
use crate::place::Place;

/// The server that tells of the gateway itself, and its tool that lists the others.
const OWN_SERVER: &str = "gantry";
const LIST_SERVERS: &str = "list_servers";

/// One upstream server, as `servers list` shows it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ServerRow {
    pub(crate) name: String,
    /// `stdio`, `http` or `sse`.
    pub(crate) kind: String,
    /// The true state, in one word.
    pub(crate) state: String,
    /// How its circuit breaker is, if it has one.
    pub(crate) breaker: Option<String>,
    /// The protocol revision spoken with it, once known.
    pub(crate) revision: Option<String>,
    /// How many tools it offers, once known.
    pub(crate) n_tools: Option<u64>,
    /// Why the state is what it is.
    pub(crate) reason: Option<String>,
    /// The code under which the reason is explained.
    pub(crate) code: Option<String>,
    /// Why sessions with it are shared less widely than they could be.
    pub(crate) narrowed: Option<String>,
}

/// One tool, as `tools list` shows it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ToolRow {
    pub(crate) name: String,
    pub(crate) server: String,
    pub(crate) description: Option<String>,
}

/// Runs the gateway until it is told to end.
pub(crate) fn serve(place: &Place) -> Result<(), Failure> {
    match gantry_server::serve(options(place)) {
        // What was cut off at the limit is in the log; the end was asked for all the same.
        Ok(Ending::Graceful | Ending::Late) => Ok(()),
        Ok(Ending::Hurried) => Err(Failure::said()),
        Err(error) => Err(not_started("cannot start the gateway", &error)),
    }
}

/// Speaks MCP on standard input and output until the client goes.
pub(crate) fn stdio(place: &Place) -> Result<(), Failure> {
    gantry_server::stdio(&options(place))
        .map_err(|error| not_started("cannot serve standard input", &error))
}

/// Asks for the upstream servers.
pub(crate) fn list_servers(place: &Place) -> Result<Vec<ServerRow>, Failure> {
    let answer = asking(place, "cannot list the servers", async |reach| {
        if reach.is_own() {
            // A list waits for upstreams that were never heard; the states alone would say of a
            // gateway made a moment ago that all of them are starting.
            reach.converse("").await?.list("tools/list", "tools").await?;
        }
        let call = [("name".to_owned(), LIST_SERVERS.into())].into_iter().collect();
        reach.converse(OWN_SERVER).await?.ask("tools/call", call).await
    })?;
    let servers = answer["structuredContent"]["servers"].as_array().cloned().unwrap_or_default();
    Ok(servers.iter().map(server_row).collect())
}

fn server_row(server: &Value) -> ServerRow {
    let text = |key: &str| server[key].as_str().map(str::to_owned);
    let was_heard = server["offer"] != "pending";
    ServerRow {
        name: text("name").unwrap_or_default(),
        kind: text("transport").unwrap_or_default(),
        state: text("state").unwrap_or_default(),
        breaker: text("breaker"),
        revision: text("revision"),
        n_tools: server["tools"].as_u64().filter(|_| was_heard),
        reason: text("detail"),
        code: text("code"),
        narrowed: text("narrowed"),
    }
}

/// Asks for the tools, of one server or view if `server` names one.
pub(crate) fn list_tools(place: &Place, server: Option<&str>) -> Result<Vec<ToolRow>, Failure> {
    let tools = asking(place, "cannot list the tools", async |reach| {
        let mut conversation = reach.converse(server.unwrap_or_default()).await?;
        conversation.list("tools/list", "tools").await
    })?;
    let row = |tool: Value| {
        let text = |key: &str| tool[key].as_str().map(str::to_owned);
        let name = text("name").unwrap_or_default();
        // A name of one server's own endpoint has no prefix.
        let prefix = name.split_once("__").map(|(prefix, _)| prefix.to_owned());
        let owner = prefix.or_else(|| server.map(str::to_owned)).unwrap_or_default();
        ToolRow { server: owner, description: text("description").or_else(|| text("title")), name }
    };
    Ok(tools.into_iter().map(row).collect())
}

/// Asks for a tool's whole definition, as `tools/list` has it.
pub(crate) fn describe_tool(place: &Place, name: &str) -> Result<Value, Failure> {
    let tools = asking(place, "cannot list the tools", async |reach| {
        reach.converse("").await?.list("tools/list", "tools").await
    })?;
    tools.into_iter().find(|tool| tool["name"] == name).ok_or_else(|| no_such_tool(name))
}

/// Calls a tool and returns its result, as `tools/call` has it.
pub(crate) fn call_tool(
    place: &Place,
    name: &str,
    arguments: Map<String, Value>,
) -> Result<Value, Failure> {
    let result = asking(place, &format!("cannot call `{name}`"), async |reach| {
        let mut conversation = reach.converse("").await?;
        // The list tells an unknown tool from one that fails, and waits for upstreams that were
        // never heard.
        let tools = conversation.list("tools/list", "tools").await?;
        if !tools.iter().any(|tool| tool["name"] == name) {
            return Ok(None);
        }
        let mut call = Map::new();
        call.insert("name".to_owned(), name.into());
        call.insert("arguments".to_owned(), Value::Object(arguments));
        conversation.ask("tools/call", call).await.map(Some)
    })?;
    let result = result.ok_or_else(|| no_such_tool(name))?;
    if result["resultType"] == "input_required" {
        let message = format!("`{name}` asks for more input, which a command cannot give");
        return Err(Failure::new(message).with_hint("call it from a client with a user"));
    }
    Ok(result)
}

fn no_such_tool(name: &str) -> Failure {
    Failure::new(format!("there is no tool `{name}`"))
        .with_hint("`gantry tools list` shows all of them")
        .with_hint(format!("`gantry tools call gantry__explain_tool -p name={name}` says why"))
        .with_code(ErrorCode::UnknownTool)
}

/// A kind of thing that servers offer.
#[derive(Debug)]
pub(crate) struct Listed {
    method: &'static str,
    /// The member of the answer.
    pub(crate) key: &'static str,
    /// In the plural.
    name: &'static str,
}

pub(crate) static TOOLS: Listed = Listed { method: "tools/list", key: "tools", name: "tools" };
pub(crate) static RESOURCES: Listed =
    Listed { method: "resources/list", key: "resources", name: "resources" };
pub(crate) static TEMPLATES: Listed = Listed {
    method: "resources/templates/list",
    key: "resourceTemplates",
    name: "templates of resources",
};
pub(crate) static PROMPTS: Listed =
    Listed { method: "prompts/list", key: "prompts", name: "prompts" };

/// Asks for all things of a kind, of one server or view if `server` names one.
pub(crate) fn list(
    place: &Place,
    listed: &Listed,
    server: Option<&str>,
) -> Result<Vec<Value>, Failure> {
    asking(place, &format!("cannot list the {}", listed.name), async |reach| {
        let mut conversation = reach.converse(server.unwrap_or_default()).await?;
        conversation.list(listed.method, listed.key).await
    })
}

/// Asks for all things of a kind, for somebody who does not wait and hears of no failure.
pub(crate) fn peek(place: &Place, listed: &Listed) -> Vec<Value> {
    const PATIENCE: Duration = Duration::from_millis(1500);
    asking(place, "", async |reach| {
        let mut conversation = reach.converse("").await?;
        let listing = conversation.list(listed.method, listed.key);
        Ok(tokio::time::timeout(PATIENCE, listing).await.ok().and_then(Result::ok))
    })
    .ok()
    .flatten()
    .unwrap_or_default()
}

/// Reads a resource and returns the result, as `resources/read` has it.
pub(crate) fn read_resource(
    place: &Place,
    uri: &str,
    server: Option<&str>,
) -> Result<Value, Failure> {
    let read = asking(place, &format!("cannot read `{uri}`"), async |reach| {
        let mut conversation = reach.converse(server.unwrap_or_default()).await?;
        if reach.is_own() {
            // Waits for servers that were never heard, as a list does.
            conversation.list("resources/list", "resources").await?;
        }
        let params = [("uri".to_owned(), uri.into())].into_iter().collect();
        conversation.ask("resources/read", params).await
    });
    read.map_err(|failure| {
        failure.with_hint(
            "`gantry resources list` and `gantry resources templates` show what there is",
        )
    })
}

/// Gets a prompt and returns the result, as `prompts/get` has it.
pub(crate) fn get_prompt(
    place: &Place,
    name: &str,
    arguments: Map<String, Value>,
) -> Result<Value, Failure> {
    let got = asking(place, &format!("cannot get `{name}`"), async |reach| {
        let mut conversation = reach.converse("").await?;
        let prompts = conversation.list("prompts/list", "prompts").await?;
        if !prompts.iter().any(|prompt| prompt["name"] == name) {
            return Ok(None);
        }
        let mut params = Map::new();
        params.insert("name".to_owned(), name.into());
        params.insert("arguments".to_owned(), Value::Object(arguments));
        conversation.ask("prompts/get", params).await.map(Some)
    })?;
    got.ok_or_else(|| {
        Failure::new(format!("there is no prompt `{name}`"))
            .with_hint("`gantry prompts list` shows all of them")
    })
}

/// Runs one conversation with the gateway; `purpose` says what fails if it does.
fn asking<T>(
    place: &Place,
    purpose: &str,
    conversation: impl AsyncFnOnce(&Reach) -> Result<T, AskError>,
) -> Result<T, Failure> {
    on_a_line(place, purpose, |line| line.ask(&options(place), conversation))
}

/// Administers the gateway that runs; `purpose` says what fails if it does not work.
pub(crate) fn administering<T>(
    place: &Place,
    purpose: &str,
    work: impl AsyncFnOnce(Admin) -> Result<T, AdminError>,
) -> Result<T, Failure> {
    on_a_line(place, purpose, |line| line.administer(&options(place), work))
}

/// Does the same where a gateway runs, and nothing where none does.
pub(crate) fn administering_if_running<T>(
    place: &Place,
    purpose: &str,
    work: impl AsyncFnOnce(Admin) -> Result<T, AdminError>,
) -> Result<Option<T>, Failure> {
    match try_on_a_line(place, |line| line.administer(&options(place), work)) {
        Ok(done) => Ok(Some(done)),
        Err(Broken::NotAdministered(AdminError::NoGateway { .. })) => Ok(None),
        Err(broken) => Err(failure(purpose, &broken)),
    }
}

/// Works on the keys of the data folder; `purpose` says what fails if it does not work.
pub(crate) fn keys<T>(
    place: &Place,
    purpose: &str,
    work: impl AsyncFnOnce(&mut KeyDesk) -> Result<T, DeskError>,
) -> Result<T, Failure> {
    on_a_line(place, purpose, |line| line.keys(&options(place), work))
}

/// Takes the line that the shell keeps, or one for this alone.
fn on_a_line<T>(
    place: &Place,
    purpose: &str,
    work: impl FnOnce(&Line) -> Result<T, Broken>,
) -> Result<T, Failure> {
    try_on_a_line(place, work).map_err(|broken| failure(purpose, &broken))
}

fn try_on_a_line<T>(
    place: &Place,
    work: impl FnOnce(&Line) -> Result<T, Broken>,
) -> Result<T, Broken> {
    match &place.line {
        Some(line) => work(line),
        None => Line::new().and_then(|line| {
            let done = work(&line);
            line.close();
            done
        }),
    }
}

/// Says why nothing came back from the gateway.
pub(crate) fn failure(purpose: &str, broken: &Broken) -> Failure {
    match broken {
        Broken::NotStarted(error) => not_started("cannot make a gateway for this command", error),
        Broken::NotAnswered(error) => refused(purpose, error),
        Broken::NotAdministered(error) => not_administered(purpose, error),
        Broken::NoKeys(error) => without_keys(purpose, error),
        Broken::Interrupted => Failure::interrupted(),
    }
}

fn not_administered(purpose: &str, error: &AdminError) -> Failure {
    let failure = Failure::new(purpose).because(error);
    let failure = match error {
        AdminError::NoGateway { .. } => failure.with_hint("`gantry serve` starts one"),
        _ => failure,
    };
    match error.code() {
        Some(code) => failure.with_code(code),
        None => failure,
    }
}

fn without_keys(purpose: &str, error: &DeskError) -> Failure {
    let failure =
        error.hints().into_iter().fold(Failure::new(purpose).because(error), Failure::with_hint);
    match error.code() {
        Some(code) => failure.with_code(code),
        None => failure,
    }
}

fn refused(purpose: &str, error: &AskError) -> Failure {
    let failure = Failure::new(purpose).because(error);
    match error.code() {
        Some(code) => failure.with_code(code),
        None => failure,
    }
}

/// Returns what a gateway for a command is made from.
pub(crate) fn options(place: &Place) -> Options {
    let log_level = match place.verbosity {
        0 => None,
        1 => Some(LogLevel::Debug),
        _ => Some(LogLevel::Trace),
    };
    Options {
        source: place.source.clone(),
        data: place.data_folder.clone(),
        env: Env::of_process(),
        log_level,
    }
}

fn not_started(message: &str, error: &StartError) -> Failure {
    if let StartError::Config { errors } = error {
        return Failure::config(errors);
    }
    let failure = Failure::new(message).because(error);
    error.hints().into_iter().fold(failure, Failure::with_hint).with_code(error.code())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_never_heard_is_not_shown_as_nothing() {
        let status = json!({
            "name": "git", "transport": "stdio", "state": "starting", "offer": "pending", "tools": 0
        });
        let row = server_row(&status);
        assert_eq!((row.n_tools, row.revision, row.reason), (None, None, None));
    }
}
