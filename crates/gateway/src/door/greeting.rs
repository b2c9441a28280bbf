//! Who the gateway is and what it speaks: the results of `initialize` and of `server/discover`.

use bytes::Bytes;
use gantry_protocol::headers::supported_versions;
use gantry_protocol::{Revision, json};

use super::lists::modern_members;
use crate::snapshot::View;

/// Returns the raw result of `initialize`.
pub(super) fn initialize_result(view: &View, revision: Revision) -> Bytes {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"protocolVersion\":");
    out.extend_from_slice(&json::quote(revision.as_str()));
    out.extend_from_slice(b",\"capabilities\":");
    out.extend_from_slice(&view.capabilities());
    out.extend_from_slice(b",\"serverInfo\":");
    out.extend_from_slice(&view.server_info());
    instructions(&mut out, view);
    out.push(b'}');
    Bytes::from(out)
}

/// Returns the raw result of `server/discover`.
pub(super) fn discover_result(view: &View) -> Bytes {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"supportedVersions\":");
    out.extend_from_slice(&serde_json::to_vec(&supported_versions()).unwrap_or_default());
    out.extend_from_slice(b",\"capabilities\":");
    out.extend_from_slice(&view.capabilities());
    instructions(&mut out, view);
    out.push(b',');
    modern_members(&mut out, view);
    out.push(b'}');
    Bytes::from(out)
}

fn instructions(out: &mut Vec<u8>, view: &View) {
    if let Some(text) = view.instructions() {
        out.extend_from_slice(b",\"instructions\":");
        out.extend_from_slice(&json::quote(text));
    }
}
