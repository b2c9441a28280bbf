//! One request to the API that was let in and whose parameters were checked.

use std::sync::Arc;

use bytes::Bytes;
use gantry_core::Principal;
use gantry_gateway::door::errand::Errand;
use gantry_transport::server::{ReplyBody, full};
use http::{Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Caller;
use super::error::{self, ApiError};
use super::model::Part;
use super::parameter::Parameters;
use super::table::{FIRST_PAGE, MOST_ON_A_PAGE};
use crate::live::Live;
use crate::shared::Shared;

/// What every route gives.
pub(crate) type Outcome = Result<Response<ReplyBody>, ApiError>;

/// A request, with all that answers it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    /// One configuration for the whole request.
    pub(crate) live: Arc<Live>,
    pub(crate) caller: Caller,
    pub(crate) request_id: Arc<str>,
    pub(crate) parameters: Parameters,
    /// Empty where the route takes none.
    pub(crate) body: Bytes,
}

impl Call {
    /// Returns the way to the gateway's own call stack.
    pub(crate) fn errand(&self) -> Errand {
        // The administrator that is no client only looks at lists.
        let principal =
            self.caller.principal.clone().unwrap_or_else(|| Arc::new(Principal::administrator()));
        Errand { principal, address: self.caller.address, request_id: Arc::clone(&self.request_id) }
    }

    /// Tells whether the caller may know that there is a server of this name.
    pub(crate) fn may_see(&self, server: &str) -> bool {
        let errand = self.errand();
        let registry = &self.shared.gateway.registry;
        registry.has_view(server, &errand.principal, errand.address)
    }

    /// Tells whether nothing at all is hidden from the caller.
    pub(crate) fn may_see_all(&self) -> bool {
        let snapshot = self.shared.gateway.registry.snapshot();
        snapshot.spec.access.is_open_to(&self.errand().principal)
    }

    /// Reads the body as what the route takes.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::malformed(format!("the body is not as it must be: {error}")))
    }

    /// Cuts one page out of a list.
    pub(crate) fn page<T>(&self, all: Vec<T>) -> (Vec<T>, Part) {
        let most = MOST_ON_A_PAGE;
        let (page, limit) =
            (self.parameters.number("page", FIRST_PAGE), self.parameters.number("limit", most));
        let total = all.len();
        let start = page.saturating_sub(1).saturating_mul(limit);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let take = usize::try_from(limit).unwrap_or(usize::MAX);
        (all.into_iter().skip(start).take(take).collect(), Part { page, limit, total })
    }

    /// Returns the present second as RFC 3339 in UTC.
    pub(crate) fn now(&self) -> String {
        error::timestamp(&*self.shared.gateway.clock)
    }
}

/// Makes an answer of a value.
pub(crate) fn reply<T: Serialize>(status: StatusCode, value: &T) -> Outcome {
    let mut text = serde_json::to_vec(value).map_err(|error| {
        ApiError::new(gantry_core::ErrorCode::Internal, format!("the answer has no text: {error}"))
    })?;
    // For people with a terminal, whose prompt would follow on the same line.
    text.push(b'\n');
    Ok(full(status, Bytes::from(text)))
}
