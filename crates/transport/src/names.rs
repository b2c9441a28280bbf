//! The headers of Streamable HTTP, ready to be looked for: a name that is text is parsed anew each
//! time. What they mean is said in [`gantry_protocol::headers`].

use gantry_protocol::headers;
use http::HeaderName;

/// `MCP-Protocol-Version`.
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static(headers::PROTOCOL_VERSION);
/// `Mcp-Method`.
pub const METHOD: HeaderName = HeaderName::from_static(headers::METHOD);
/// `Mcp-Name`.
pub const NAME: HeaderName = HeaderName::from_static(headers::NAME);
/// `Mcp-Session-Id`.
pub const SESSION_ID: HeaderName = HeaderName::from_static(headers::SESSION_ID);
/// `Last-Event-ID`.
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static(headers::LAST_EVENT_ID);
