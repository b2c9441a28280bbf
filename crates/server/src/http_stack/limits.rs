//! How much a caller may ask: the limits of rates, held against a request whose body was not read.

use gantry_gateway::governance::traffic::{Counted, Standing};
use http::Method;
use http::request::Parts;

use super::Right;
use super::refusal::Refusal;
use super::route::Route;
use super::via::Via;
use crate::shared::Shared;

/// Counts a request of a client; returns what is left of the limit that is nearest to its end.
///
/// The administrator is not counted, who may have to look why all others are refused, and neither
/// are probes and figures. To end a session makes the gateway's work less.
pub(super) fn admit(
    shared: &Shared,
    right: &Right,
    parts: &Parts,
    route: Route<'_>,
    (via, counted): (Via, &Counted),
) -> Result<Option<Standing>, Refusal> {
    if !route.is_counted() || parts.method == Method::DELETE && route.is_mcp() {
        return Ok(None);
    }
    let principal = match right {
        Right::Client(principal) => principal,
        Right::Api(caller) if !caller.is_admin() => match &caller.principal {
            Some(principal) => principal,
            None => return Ok(None),
        },
        Right::Api(_) | Right::Details | Right::Nothing => return Ok(None),
    };
    let admitted = shared.gateway.traffic.admit(principal, via.peer.address(), counted);
    admitted.map_err(|too_many| Refusal::too_many(&too_many))
}
