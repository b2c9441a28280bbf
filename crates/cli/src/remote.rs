//! Where commands meet the gateway: to run it, or to ask it something.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::place::Place;

/// One upstream server, as `servers list` shows it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ServerRow {
    pub(crate) name: String,
    /// `stdio` or `http`.
    pub(crate) kind: String,
    /// The true state, in one word.
    pub(crate) state: String,
    /// The protocol revision spoken with it, once known.
    pub(crate) revision: Option<String>,
    /// How many tools it offers, once known.
    pub(crate) n_tools: Option<u64>,
    /// Why the state is what it is.
    pub(crate) reason: Option<String>,
}

/// One tool, as `tools list` shows it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ToolRow {
    pub(crate) name: String,
    pub(crate) server: String,
    pub(crate) description: Option<String>,
}

/// Runs the gateway until it is told to end.
pub(crate) fn serve(_place: &Place) -> Result<(), Failure> {
    Err(not_connected("serve"))
}

/// Speaks MCP on standard input and output until the client goes.
pub(crate) fn stdio(_place: &Place) -> Result<(), Failure> {
    Err(not_connected("stdio"))
}

/// Asks for the upstream servers.
pub(crate) fn list_servers(_place: &Place) -> Result<Vec<ServerRow>, Failure> {
    Err(not_connected("servers list"))
}

/// Asks for the tools, of one server or view if `server` names one.
pub(crate) fn list_tools(_place: &Place, _server: Option<&str>) -> Result<Vec<ToolRow>, Failure> {
    Err(not_connected("tools list"))
}

/// Asks for a tool's whole definition, as `tools/list` has it.
pub(crate) fn describe_tool(_place: &Place, _name: &str) -> Result<Value, Failure> {
    Err(not_connected("tools describe"))
}

/// Calls a tool and returns its result, as `tools/call` has it.
pub(crate) fn call_tool(
    _place: &Place,
    _name: &str,
    _arguments: Map<String, Value>,
) -> Result<Value, Failure> {
    Err(not_connected("tools call"))
}

fn not_connected(command: &str) -> Failure {
    Failure::new(format!("`gantry {command}` has no gateway to talk to in this build"))
}
