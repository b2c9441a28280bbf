//! Every route of the API: who may use it, what it takes, what it gives, and who carries it out.
//!
//! The router, the checks of parameters, the `OpenAPI` document and the page of the reference are made
//! from this table.

use gantry_core::BoxFuture;
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::call::{Call, Outcome};
use super::model::{
    AuditEntries, Batch, BatchResult, Health, Introduction, NewServer, Nothing, PromptList,
    ResourceContent, ResourceList, RpcAnswer, RpcRequest, Server, ServerList, ToolList, ToolResult,
};
use super::offered::ToolEntry;
use super::parameter::{Kind, Parameter, Place};
use super::policy::{ExplainAnswer, ExplainQuestion};
use super::services::{ServiceList, ServiceView, StartService};
use super::{
    audit, batch, calls, edit, keys, messages, offered, openapi, policy, servers, services,
};
use crate::config::raw::Upstream;
use crate::keys::model::{KeyList, KeyView, MadeKey, NewKey, Rotation};

/// Entries of a page, unless a caller wants fewer.
pub(crate) const MOST_ON_A_PAGE: u64 = crate::config::LIST_PAGE as u64;
/// The page that is given when none is asked for.
pub(crate) const FIRST_PAGE: u64 = 1;
/// The states that a server can be in.
pub(crate) const STATES: [&str; 11] = [
    "ready",
    "starting",
    "disabled",
    "unreachable",
    "crash_loop",
    "version_mismatch",
    "not_mcp",
    "unauthorized",
    "redirected",
    "stopped",
    "refused",
];

/// One route with one method.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// Unique; what generated clients call it.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) takes: Takes,
    /// A body that the route takes, as JSON; empty where any will do.
    pub(crate) example: &'static str,
    pub(crate) gives: Gives,
    /// Whether a server behind the gateway is asked, which can fail in more ways.
    pub(crate) asks_a_server: bool,
    pub(crate) run: fn(Call) -> BoxFuture<'static, Outcome>,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Clients, and the administrator.
    Read,
    /// Clients.
    Call,
    /// The administrator.
    Admin,
}

/// Makes the schema of a body.
type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What a route takes as its body.
#[derive(Debug)]
pub(crate) enum Takes {
    Nothing,
    /// JSON that may be left out.
    Maybe(Describe),
    Json(Describe),
}

/// What a route gives when all goes well.
#[derive(Debug)]
pub(crate) enum Gives {
    /// JSON, with this status.
    Json(u16, Describe),
    /// A stream of server-sent events.
    Events,
    /// 204.
    Nothing,
}

const SERVER: Parameter = Parameter {
    name: "id",
    place: Place::Path,
    kind: Kind::Text,
    meaning: "The name of the server.",
};
const KEY: Parameter = Parameter {
    name: "id",
    place: Place::Path,
    kind: Kind::Text,
    meaning: "The public part of the key, with which it begins, such as `gk_abcdefghij`.",
};
const SERVICE: Parameter = Parameter {
    name: "name",
    place: Place::Path,
    kind: Kind::Text,
    meaning: "The name of the service, such as `vector_similarity`.",
};
const PAGE: Parameter = Parameter {
    name: "page",
    place: Place::Query,
    kind: Kind::Number { least: 1, most: 1_000_000, default: FIRST_PAGE },
    meaning: "Which page of the list.",
};
const LIMIT: Parameter = Parameter {
    name: "limit",
    place: Place::Query,
    kind: Kind::Number { least: 1, most: MOST_ON_A_PAGE, default: MOST_ON_A_PAGE },
    meaning: "The most entries of a page.",
};
const STATUS: Parameter = Parameter {
    name: "status",
    place: Place::Query,
    kind: Kind::Choice(&STATES),
    meaning: "Only servers in this state.",
};
const TYPE: Parameter = Parameter {
    name: "type",
    place: Place::Query,
    kind: Kind::Choice(&["stdio", "http"]),
    meaning: "Only servers that are reached in this way.",
};
const OWN_TOOL: Parameter = Parameter {
    name: "tool",
    place: Place::Path,
    kind: Kind::Text,
    meaning: "The server's own name of the tool.",
};
const PUBLIC_TOOL: Parameter = Parameter {
    name: "name",
    place: Place::Path,
    kind: Kind::Text,
    meaning: "The public name of the tool, such as `git__log`.",
};
const URI: Parameter = Parameter {
    name: "uri",
    place: Place::Required,
    kind: Kind::Text,
    meaning: "The URI of the resource.",
};
const URIS: Parameter = Parameter {
    name: "uri",
    place: Place::Repeated,
    kind: Kind::Text,
    meaning: "A resource whose changes are told. Clients alone can ask for them.",
};
const FORCE: Parameter = Parameter {
    name: "force",
    place: Place::Query,
    kind: Kind::Flag,
    meaning: "Remove the server even while it carries out calls, which then fail.",
};

const SINCE: Parameter = Parameter {
    name: "since",
    place: Place::Query,
    kind: Kind::Text,
    meaning: "Only entries from this moment on: RFC 3339 in UTC.",
};
const UNTIL: Parameter =
    Parameter { name: "until", meaning: "Only entries from before this moment.", ..SINCE };
const PRINCIPAL: Parameter =
    Parameter { name: "principal", meaning: "Only what this principal did.", ..SINCE };
const ABOUT: Parameter = Parameter {
    name: "name",
    meaning: "Only what is about this: a tool by its public name, a prompt, a URI, a server, a key.",
    ..SINCE
};
const EVENT: Parameter =
    Parameter { name: "event", meaning: "Only this event, such as `tool.failed`.", ..SINCE };
const OUTCOME: Parameter =
    Parameter { name: "outcome", meaning: "Only what ended so, such as `refused`.", ..SINCE };
const REQUEST: Parameter =
    Parameter { name: "request_id", meaning: "Only what belongs to this request.", ..SINCE };

/// Describes a type.
fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A route that reads and takes no body.
const READ: Operation = Operation {
    method: Method::GET,
    path: "",
    id: "",
    summary: "",
    access: Access::Read,
    parameters: &[SERVER],
    takes: Takes::Nothing,
    example: "",
    gives: Gives::Nothing,
    asks_a_server: false,
    run: |_| Box::pin(async { Err(super::ApiError::malformed("no route")) }),
};
/// A route that asks a server for something.
const CALL: Operation =
    Operation { method: Method::POST, access: Access::Call, asks_a_server: true, ..READ };
/// A route that changes something.
const CHANGE: Operation = Operation {
    method: Method::POST,
    access: Access::Admin,
    gives: Gives::Json(200, of::<Server>),
    ..READ
};
const NOTHING: Takes = Takes::Maybe(of::<Nothing>);
const ARGUMENTS: Takes = Takes::Maybe(of::<Map<String, Value>>);
const TOOL_RESULT: Gives = Gives::Json(200, of::<ToolResult>);

/// Returns every route as method and path.
pub(crate) fn routes() -> impl Iterator<Item = String> {
    OPERATIONS.iter().map(|operation| format!("{} {}", operation.method, operation.path))
}

/// Every route.
pub(crate) static OPERATIONS: &[Operation] = &[
    Operation {
        path: "/api/openapi.json",
        id: "describe",
        summary: "Get this description",
        parameters: &[],
        gives: Gives::Json(200, of::<Map<String, Value>>),
        run: |_| Box::pin(async { Ok(openapi::answer()) }),
        ..READ
    },
    Operation {
        path: "/api/audit",
        id: "searchAudit",
        summary: "Search the audit trail in the database, the youngest entries first",
        access: Access::Admin,
        parameters: &[SINCE, UNTIL, PRINCIPAL, ABOUT, EVENT, OUTCOME, REQUEST, PAGE, LIMIT],
        gives: Gives::Json(200, of::<AuditEntries>),
        run: |call| Box::pin(audit::find(call)),
        ..READ
    },
    Operation {
        path: "/api/services",
        id: "listServices",
        summary: "List the built-in services, and which of them have listeners of their own",
        parameters: &[],
        gives: Gives::Json(200, of::<ServiceList>),
        run: |call| Box::pin(async move { services::list(&call) }),
        ..READ
    },
    Operation {
        path: "/api/services/{name}/start",
        id: "startService",
        summary: "Open the listener of a built-in service",
        parameters: &[SERVICE],
        takes: Takes::Maybe(of::<StartService>),
        gives: Gives::Json(200, of::<ServiceView>),
        run: |call| Box::pin(services::start(call)),
        ..CHANGE
    },
    Operation {
        path: "/api/services/{name}/stop",
        id: "stopService",
        summary: "Close the listener of a built-in service; what is under way is answered",
        parameters: &[SERVICE],
        takes: NOTHING,
        gives: Gives::Json(200, of::<ServiceView>),
        run: |call| Box::pin(services::stop(call)),
        ..CHANGE
    },
    Operation {
        path: "/api/servers",
        id: "listServers",
        summary: "List the servers with their states",
        parameters: &[STATUS, TYPE, PAGE, LIMIT],
        gives: Gives::Json(200, of::<ServerList>),
        run: |call| Box::pin(async move { servers::list(&call) }),
        ..READ
    },
    Operation {
        path: "/api/servers",
        id: "makeServer",
        summary: "Make a server, which is kept and used at once",
        parameters: &[],
        takes: Takes::Json(of::<NewServer>),
        example: r#"{ "id": "example", "url": "http://127.0.0.1:9/mcp" }"#,
        gives: Gives::Json(201, of::<Server>),
        run: |call| Box::pin(edit::make(call)),
        ..CHANGE
    },
    Operation {
        path: "/api/servers/{id}",
        id: "getServer",
        summary: "Get one server with its state",
        gives: Gives::Json(200, of::<Server>),
        run: |call| Box::pin(async move { servers::one(&call) }),
        ..READ
    },
    Operation {
        method: Method::PUT,
        path: "/api/servers/{id}",
        id: "replaceServer",
        summary: "Replace the configuration of a server that the API made",
        takes: Takes::Json(of::<Upstream>),
        example: r#"{ "url": "http://127.0.0.1:9/mcp", "timeout": "30s" }"#,
        run: |call| Box::pin(edit::replace(call)),
        ..CHANGE
    },
    Operation {
        method: Method::DELETE,
        path: "/api/servers/{id}",
        id: "removeServer",
        summary: "Remove a server that the API made",
        parameters: &[SERVER, FORCE],
        gives: Gives::Nothing,
        run: |call| Box::pin(edit::remove(call)),
        ..CHANGE
    },
    Operation {
        path: "/api/servers/{id}/enable",
        id: "enableServer",
        summary: "Switch a server on that the API made",
        takes: NOTHING,
        run: |call| Box::pin(edit::enable(call)),
        ..CHANGE
    },
    Operation {
        path: "/api/servers/{id}/disable",
        id: "disableServer",
        summary: "Switch a server off that the API made",
        takes: NOTHING,
        run: |call| Box::pin(edit::disable(call)),
        ..CHANGE
    },
    Operation {
        path: "/api/servers/{id}/restart",
        id: "restartServer",
        summary: "Stop a server and start it anew",
        takes: NOTHING,
        run: |call| Box::pin(edit::restart(call)),
        ..CHANGE
    },
    Operation {
        path: "/api/servers/{id}/info",
        id: "getServerInfo",
        summary: "Get what a server says of itself",
        gives: Gives::Json(200, of::<Introduction>),
        run: |call| Box::pin(servers::info(call)),
        ..READ
    },
    Operation {
        path: "/api/servers/{id}/health",
        id: "getServerHealth",
        summary: "Tell whether a server can be used now",
        gives: Gives::Json(200, of::<Health>),
        run: |call| Box::pin(async move { servers::health(&call) }),
        ..READ
    },
    Operation {
        path: "/api/servers/{id}/tools",
        id: "listServerTools",
        summary: "List the tools of a server under its own names",
        parameters: &[SERVER, PAGE, LIMIT],
        gives: Gives::Json(200, of::<ToolList>),
        run: |call| Box::pin(offered::tools_of_server(call)),
        ..READ
    },
    Operation {
        path: "/api/servers/{id}/tools/{tool}",
        id: "callServerTool",
        summary: "Call a tool of a server; the body is its arguments",
        parameters: &[SERVER, OWN_TOOL],
        takes: ARGUMENTS,
        gives: TOOL_RESULT,
        run: |call| Box::pin(calls::of_server(call)),
        ..CALL
    },
    Operation {
        path: "/api/servers/{id}/resources",
        id: "listServerResources",
        summary: "List the resources and resource templates of a server",
        parameters: &[SERVER, PAGE, LIMIT],
        gives: Gives::Json(200, of::<ResourceList>),
        run: |call| Box::pin(offered::resources(call)),
        ..READ
    },
    Operation {
        method: Method::GET,
        path: "/api/servers/{id}/resources/read",
        id: "readServerResource",
        summary: "Read a resource of a server",
        parameters: &[SERVER, URI],
        gives: Gives::Json(200, of::<ResourceContent>),
        run: |call| Box::pin(calls::read_resource(call)),
        ..CALL
    },
    Operation {
        path: "/api/servers/{id}/prompts",
        id: "listServerPrompts",
        summary: "List the prompts of a server",
        parameters: &[SERVER, PAGE, LIMIT],
        gives: Gives::Json(200, of::<PromptList>),
        run: |call| Box::pin(offered::prompts(call)),
        ..READ
    },
    Operation {
        path: "/api/servers/{id}/messages",
        id: "sendServerMessage",
        summary: "Send a JSON-RPC request of MCP to a server; errors of JSON-RPC are answers too",
        takes: Takes::Json(of::<RpcRequest>),
        example: r#"{ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }"#,
        gives: Gives::Json(200, of::<RpcAnswer>),
        run: |call| Box::pin(messages::send(call)),
        ..CALL
    },
    Operation {
        path: "/api/servers/{id}/notifications",
        id: "listenToServer",
        summary: "Listen to a server: changed lists, changed resources and, for the administrator, \
                  its log, as events that hold MCP notifications",
        parameters: &[SERVER, URIS],
        gives: Gives::Events,
        run: |call| Box::pin(messages::listen(call)),
        ..READ
    },
    Operation {
        path: "/api/tools",
        id: "listTools",
        summary: "List the tools of all servers under their public names",
        parameters: &[PAGE, LIMIT],
        gives: Gives::Json(200, of::<ToolList>),
        run: |call| Box::pin(offered::tools(call)),
        ..READ
    },
    Operation {
        path: "/api/tools/batch",
        id: "callTools",
        summary: "Call several tools, some after others",
        parameters: &[],
        takes: Takes::Json(of::<Batch>),
        example: r#"{ "executions": [{ "tool_name": "gantry__list_servers" }] }"#,
        gives: Gives::Json(200, of::<BatchResult>),
        run: |call| Box::pin(batch::call(call)),
        ..CALL
    },
    Operation {
        path: "/api/tools/{name}",
        id: "getTool",
        summary: "Get the definition of a tool",
        parameters: &[PUBLIC_TOOL],
        gives: Gives::Json(200, of::<ToolEntry>),
        run: |call| Box::pin(offered::tool(call)),
        ..READ
    },
    Operation {
        path: "/api/tools/{name}",
        id: "callTool",
        summary: "Call a tool by its public name; the body is its arguments",
        parameters: &[PUBLIC_TOOL],
        takes: ARGUMENTS,
        gives: TOOL_RESULT,
        run: |call| Box::pin(calls::of_all(call)),
        ..CALL
    },
    Operation {
        path: "/api/policy/explain",
        id: "explainAccess",
        summary: "Tell what would become of a call of a tool, and which rule decides",
        parameters: &[],
        takes: Takes::Json(of::<ExplainQuestion>),
        example: r#"{ "principal": "alice", "tool": "gantry__list_servers" }"#,
        gives: Gives::Json(200, of::<ExplainAnswer>),
        run: |call| Box::pin(async move { policy::explain(&call) }),
        ..CHANGE
    },
    Operation {
        method: Method::GET,
        path: "/api/keys",
        id: "listKeys",
        summary: "List the API keys that the gateway made",
        parameters: &[],
        gives: Gives::Json(200, of::<KeyList>),
        run: |call| Box::pin(async move { keys::list(&call) }),
        ..CHANGE
    },
    Operation {
        path: "/api/keys",
        id: "makeKey",
        summary: "Make an API key, which is told this once",
        parameters: &[],
        takes: Takes::Json(of::<NewKey>),
        example: r#"{ "name": "alice", "scopes": ["mcp:read"], "expires_in": "90d" }"#,
        gives: Gives::Json(201, of::<MadeKey>),
        run: |call| Box::pin(keys::make(call)),
        ..CHANGE
    },
    Operation {
        path: "/api/keys/{id}/rotate",
        id: "rotateKey",
        summary: "Make an API key in the place of another, which goes on for a while",
        parameters: &[KEY],
        takes: Takes::Maybe(of::<Rotation>),
        gives: Gives::Json(201, of::<MadeKey>),
        run: |call| Box::pin(keys::rotate(call)),
        ..CHANGE
    },
    Operation {
        path: "/api/keys/{id}/revoke",
        id: "revokeKey",
        summary: "Take an API key back, which opens nothing from then on",
        parameters: &[KEY],
        takes: NOTHING,
        gives: Gives::Json(200, of::<KeyView>),
        run: |call| Box::pin(keys::revoke(call)),
        ..CHANGE
    },
    Operation {
        method: Method::DELETE,
        path: "/api/keys/{id}",
        id: "forgetKey",
        summary: "Forget an API key that opens nothing any more",
        parameters: &[KEY],
        gives: Gives::Nothing,
        run: |call| Box::pin(keys::forget(call)),
        ..CHANGE
    },
];

impl std::fmt::Debug for Operation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}
