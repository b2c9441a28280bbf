//! What the API takes and gives, as types: the JSON and its description are made from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::config::raw::Upstream;

/// Which part of a list this is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Part {
    /// The number of the page, from 1.
    pub(crate) page: u64,
    /// The most entries of a page.
    pub(crate) limit: u64,
    /// The entries of all pages.
    pub(crate) total: usize,
}

/// Servers behind the gateway.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ServerList {
    pub(crate) servers: Vec<Server>,
    #[serde(flatten)]
    pub(crate) page: Part,
}

/// A server behind the gateway, and all that is known of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Server {
    /// Its name, which is its id.
    pub(crate) id: String,
    /// Who made it.
    pub(crate) origin: Origin,
    /// Whether it is used at all.
    pub(crate) enabled: bool,
    /// Whether the API made a server of this name too, which is not used because the file has it.
    pub(crate) shadows_api: bool,
    /// Its configuration, for the administrator, with every value that may be a secret left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<Map<String, Value>>,
    #[serde(flatten)]
    #[schemars(with = "Status")]
    pub(crate) status: Map<String, Value>,
}

/// Who made a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// It stands in the configuration file.
    File,
    /// The HTTP API made it.
    Api,
}

/// How a server is.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "it describes what the gateway's own status is written as")]
struct Status {
    /// Its name.
    name: String,
    /// `ready`, `starting`, `disabled`, `unreachable`, `crash_loop`, `version_mismatch`, `not_mcp`,
    /// `unauthorized`, `redirected`, `stopped`, or `refused` if the configuration does not allow it.
    state: String,
    /// The cause of the state.
    detail: Option<String>,
    /// The code under which the cause is explained.
    code: Option<String>,
    /// How it is reached: `stdio` or `http`.
    transport: String,
    /// What its lists are worth: `pending`, `stale` or `fresh`.
    offer: String,
    /// How its circuit breaker is, if it has one: `closed`, `open` or `half_open`.
    breaker: Option<String>,
    /// How many tools it has.
    tools: u64,
    /// How many resources.
    resources: u64,
    /// How many resource templates.
    templates: u64,
    /// How many prompts.
    prompts: u64,
}

/// What a server says of itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Introduction {
    /// The name of the server in the gateway.
    pub(crate) server_id: String,
    /// The revision of MCP that is spoken with it, once it was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol_version: Option<String>,
    /// `pending`, `stale` or `fresh`: what this is worth.
    pub(crate) offer: String,
    /// What it calls itself: `name`, `version` and whatever else it says.
    pub(crate) server_info: Value,
    /// What it can do, as MCP server capabilities.
    pub(crate) capabilities: Value,
    /// How it is to be used, for a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instructions: Option<String>,
    /// As configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

/// Whether a server can be used now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Health {
    /// The name of the server.
    pub(crate) server_id: String,
    /// Whether it answers.
    pub(crate) healthy: bool,
    /// Its state.
    pub(crate) state: String,
    /// The cause of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// The code under which the cause is explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// Calls that it has not answered yet.
    pub(crate) calls_under_way: usize,
    /// When this was true, as RFC 3339 in UTC.
    pub(crate) checked_at: String,
}

/// Something that a server offers: its MCP definition, and whose it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Offered {
    /// The server that offers it.
    pub(crate) server_id: String,
    /// The server's own name of it, by which `/api/servers/{id}` knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) own_name: Option<String>,
    /// What the server says of a tool where `servers.NAME.tools.overrides` has other words for it; for
    /// the administrator alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) original: Option<Original>,
    /// The members of its MCP definition: `name`, `description`, `inputSchema`, `uri`, ...
    #[serde(flatten)]
    pub(crate) definition: Map<String, Value>,
}

/// A tool in its server's own words.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Original {
    /// The name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<Value>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<Value>,
}

/// Tools.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ToolList {
    pub(crate) tools: Vec<Offered>,
    #[serde(flatten)]
    pub(crate) page: Part,
}

/// Entries of the audit trail, the youngest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditEntries {
    /// Each as it is kept; `docs/guides/audit.md` says what its members mean.
    #[schemars(with = "Vec<Map<String, Value>>")]
    pub(crate) entries: Vec<Box<RawValue>>,
    #[serde(flatten)]
    pub(crate) page: Part,
}

/// Resources, and the templates by which more can be named.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ResourceList {
    pub(crate) resources: Vec<Offered>,
    pub(crate) resource_templates: Vec<Offered>,
    #[serde(flatten)]
    pub(crate) page: Part,
}

/// Prompts.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PromptList {
    pub(crate) prompts: Vec<Offered>,
    #[serde(flatten)]
    pub(crate) page: Part,
}

/// What a tool gave.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct ToolResult {
    /// `false` when the tool ran and says that it failed; `result.content` says why.
    pub(crate) success: bool,
    /// The server that ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_id: Option<String>,
    /// The name under which it was called.
    pub(crate) tool_name: String,
    /// The MCP result: `content`, `structuredContent`, `isError`.
    #[schemars(with = "Map<String, Value>")]
    pub(crate) result: Box<RawValue>,
    /// Milliseconds from the call to its result.
    pub(crate) execution_time_ms: u64,
    /// The name of the request.
    pub(crate) request_id: String,
}

/// The content of a resource, as MCP has it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ResourceContent {
    /// The server that holds it.
    pub(crate) server_id: String,
    /// What was asked for.
    pub(crate) uri: String,
    /// Texts, or blobs in base64.
    #[schemars(with = "Vec<Value>")]
    pub(crate) contents: Value,
}

/// Calls that are made together.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    /// The calls, at most 100.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) executions: Vec<BatchCall>,
    /// How they are made.
    #[serde(default)]
    pub(crate) options: BatchOptions,
}

/// One call of a batch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchCall {
    /// The tool: the server's own name for it with `server_id`, else the public one.
    pub(crate) tool_name: String,
    /// The server.
    #[serde(default)]
    pub(crate) server_id: Option<String>,
    /// The arguments.
    #[serde(default)]
    pub(crate) parameters: Map<String, Value>,
    /// A name for the call, unique in the batch; its place, from 1, if it is absent.
    #[serde(default)]
    pub(crate) execution_id: Option<String>,
    /// The calls that must have succeeded before.
    #[serde(default)]
    pub(crate) depends_on: Vec<String>,
}

/// How the calls of a batch are made.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BatchOptions {
    /// Begin no further call once one has failed. Those under way go on to their end.
    pub(crate) fail_fast: bool,
    /// The most calls at a time.
    #[schemars(range(min = 1, max = 16))]
    pub(crate) max_parallel: usize,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self { fail_fast: false, max_parallel: 4 }
    }
}

/// What became of a batch.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BatchResult {
    /// In the order of the calls.
    pub(crate) results: Vec<ExecutionResult>,
    /// How many calls there were.
    pub(crate) total: usize,
    /// How many succeeded.
    pub(crate) succeeded: usize,
    /// How many failed.
    pub(crate) failed: usize,
    /// How many were not made.
    pub(crate) skipped: usize,
    /// Milliseconds for all of them.
    pub(crate) execution_time_ms: u64,
    /// The name of the request.
    pub(crate) request_id: String,
}

/// What became of one call of a batch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct ExecutionResult {
    /// Its name.
    pub(crate) execution_id: String,
    /// What became of it.
    pub(crate) status: ExecutionStatus,
    /// The result, if the tool ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<ToolResult>,
    /// Why there is none: `code`, `message` and `details`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Value>,
}

/// What became of a call of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExecutionStatus {
    /// The tool ran, and does not say that it failed.
    Succeeded,
    /// The tool says that it failed, or could not be called.
    Failed,
    /// It was not called, because another call failed or the time was over.
    Skipped,
}

/// A server to be made: an id, and the keys of `servers.NAME` of the configuration file.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "it describes what is read member by member")]
pub(crate) struct NewServer {
    /// The name: 1 to 32 of `a-z`, `0-9`, `_` and `-`, without `__`.
    #[schemars(regex(pattern = r"^[a-z0-9_-]{1,32}$"))]
    id: String,
    #[serde(flatten)]
    entry: Upstream,
}

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// A request of JSON-RPC 2.0.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "it describes what is read as a message of MCP")]
pub(crate) struct RpcRequest {
    /// `2.0`.
    #[schemars(extend("const" = "2.0"))]
    jsonrpc: String,
    /// A string or a whole number; the answer has the same.
    #[schemars(schema_with = "id")]
    id: Value,
    /// A method of MCP, such as `tools/list`.
    method: String,
    /// Its parameters.
    #[serde(default)]
    params: Map<String, Value>,
}

/// A response of JSON-RPC 2.0: it has either `result` or `error`.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "it describes what servers answer")]
pub(crate) struct RpcAnswer {
    /// `2.0`.
    jsonrpc: String,
    /// The id of the request.
    #[schemars(schema_with = "id")]
    id: Value,
}

fn id(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "integer"] })
}
