//! The HTTP API under `/api`: the servers behind the gateway for programs that do not speak MCP.
//!
//! 1. [`table`]: every route, who may use it, what it takes and gives. The router and the OpenAPI
//!    document are both made from it, so that there is no route without a description.
//! 2. [`call`]: one request that was let in, with its parameters checked.
//! 3. [`servers`], [`offered`], [`calls`], [`batch`], [`messages`], [`edit`], [`policy`], [`keys`],
//!    [`services`], [`mod@audit`]: what the routes do.
//! 4. [`error`]: the one shape of every refusal.
//! 5. [`openapi`] and [`mod@reference`]: the description, for programs and for people.
//!
//! Who asks was decided before (`http_stack`). Calls pass the same stack as a client's
//! (`gantry_gateway::door::errand`). Only `application/json` is taken by whatever changes or calls
//! something, so that no web page can send it unasked.

mod audit;
mod batch;
mod call;
mod calls;
mod edit;
mod error;
mod keys;
mod messages;
mod model;
mod offered;
mod openapi;
mod parameter;
mod policy;
pub mod reference;
mod servers;
mod services;
mod table;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::{ErrorCode, Principal};
use gantry_policy::Denied;
use gantry_transport::server::{BodyError, BodyLimits, ReplyBody, read_body};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Incoming;

pub(crate) use calls::ask_as;
pub(crate) use error::{ApiError, whole};
pub(crate) use table::routes;

use crate::audit::seen::Seen;
use crate::live::Live;
use crate::shared::Shared;
use call::Call;
use table::{Access, OPERATIONS, Operation};

/// Who makes a request to the API.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// As whom calls are made; `None` for an administrator that is no client.
    pub(crate) principal: Option<Arc<Principal>>,
    /// From where; `None` for the unix socket.
    pub(crate) address: Option<IpAddr>,
    /// Why the caller is not the administrator; `None` if it is.
    pub(crate) no_admin: Option<Denied>,
    /// Whether it presented the token of a client.
    pub(crate) has_token: bool,
}

/// The routes.
#[derive(Debug)]
pub(crate) struct Api {
    /// The operations at each path.
    routes: matchit::Router<Vec<&'static Operation>>,
}

/// A request that was let in.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) parts: Parts,
    pub(crate) body: Incoming,
    pub(crate) caller: Caller,
    pub(crate) request_id: Arc<str>,
    /// The same for the audit trail.
    pub(crate) seen: &'a Seen<'a>,
}

// === impl Caller ===

impl Caller {
    pub(crate) fn is_admin(&self) -> bool {
        self.no_admin.is_none()
    }

    /// Decides whether the caller may use a route.
    fn may(&self, access: Access) -> Result<(), ApiError> {
        match access {
            Access::Call if self.principal.is_none() => {
                let message = "calls are made as a client: use a token or key of `auth`, or one made by `gantry keys`";
                Err(ApiError::new(ErrorCode::NotForThisToken, message))
            }
            Access::Admin if !self.is_admin() && self.has_token => {
                let message = "this needs the admin token, and the request has a client's";
                Err(ApiError::new(ErrorCode::NotForThisToken, message))
            }
            Access::Admin if !self.is_admin() => {
                let message =
                    "the admin token is needed; it is in `admin.token` of the data folder";
                Err(ApiError::new(ErrorCode::AdminTokenWrong, message).denied(self.no_admin))
            }
            Access::Read | Access::Call | Access::Admin => Ok(()),
        }
    }
}

// === impl Api ===

impl Api {
    /// Makes the router of the table.
    pub(crate) fn new() -> Self {
        let mut paths: Vec<(&'static str, Vec<&'static Operation>)> = Vec::new();
        for operation in OPERATIONS {
            match paths.iter_mut().find(|(path, _)| *path == operation.path) {
                Some((_, operations)) => operations.push(operation),
                None => paths.push((operation.path, vec![operation])),
            }
        }
        let mut routes = matchit::Router::new();
        for (path, operations) in paths {
            let inserted = routes.insert(path, operations);
            debug_assert!(
                inserted.is_ok(),
                "no two paths of the table mean the same: {inserted:?}"
            );
        }
        Self { routes }
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        shared: &Arc<Shared>,
        live: Arc<Live>,
        asked: Asked<'_>,
    ) -> Response<ReplyBody> {
        let request_id = Arc::clone(&asked.request_id);
        match Box::pin(self.serve(shared, live, asked)).await {
            Ok(response) => response,
            Err(error) => error.into_response(&request_id, &*shared.gateway.clock),
        }
    }

    async fn serve(
        &self,
        shared: &Arc<Shared>,
        live: Arc<Live>,
        asked: Asked<'_>,
    ) -> Result<Response<ReplyBody>, ApiError> {
        let Asked { parts, body, caller, request_id, seen } = asked;
        let path = parts.uri.path();
        let found = self.routes.at(path).map_err(|_| nothing_at(path))?;
        let operation = chosen(found.value, &parts.method)?;
        caller.may(operation.access).inspect_err(|error| {
            if let Some(cause) = error.cause() {
                seen.refused(cause, error.why_denied(), caller.principal.as_ref());
            }
        })?;
        let parameters = parameter::read(operation, &found.params, parts.uri.query())?;
        let body = if operation.method == Method::POST || operation.method == Method::PUT {
            must_be_json(&parts.headers)?;
            let spec = &live.config.gateway;
            let limits = BodyLimits { size: spec.max_body, time: spec.body_timeout };
            read_body(&parts.headers, body, limits).await.map_err(|error| unread(&error))?
        } else {
            Bytes::new()
        };
        let shared = Arc::clone(shared);
        let call = Call { shared, live, caller, request_id, parameters, body };
        (operation.run)(call).await
    }
}

/// Finds the operation of a method; `HEAD` is a `GET` of which the connection sends the head.
fn chosen(
    operations: &[&'static Operation],
    method: &Method,
) -> Result<&'static Operation, ApiError> {
    let wanted = if *method == Method::HEAD { &Method::GET } else { method };
    let found = operations.iter().find(|operation| operation.method == *wanted);
    found.copied().ok_or_else(|| {
        let allowed: Vec<_> = operations.iter().map(|other| other.method.as_str()).collect();
        ApiError::wrong_method(&allowed.join(", "))
    })
}

fn nothing_at(path: &str) -> ApiError {
    let shown: String = path.chars().take(100).collect();
    let message = format!("there is nothing at `{shown}`; `/api/openapi.json` says what is where");
    ApiError::new(ErrorCode::UnknownServer, message)
}

fn must_be_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = value.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "the header `Content-Type` must say `application/json`";
    Err(ApiError::malformed(message).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

fn unread(error: &BodyError) -> ApiError {
    let message = gantry_core::chain(error);
    match error {
        BodyError::TooLarge { .. } => ApiError::new(ErrorCode::BodyTooLarge, message),
        BodyError::TooSlow { .. } => {
            ApiError::malformed(message).with_status(StatusCode::REQUEST_TIMEOUT)
        }
        BodyError::Broken(_) => ApiError::malformed(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_table_is_found_under_its_own_path() {
        let api = Api::new();
        for operation in OPERATIONS {
            let path = operation.path.replace(['{', '}'], "");
            let found = api.routes.at(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            let chosen = chosen(found.value, &operation.method).unwrap();
            assert_eq!(chosen.id, operation.id, "{path}");
        }
    }

    #[test]
    fn callers_are_told_which_token_they_need() {
        let caller = |principal: bool, no_admin, has_token| Caller {
            principal: principal.then(|| Arc::new(Principal::anonymous())),
            address: None,
            no_admin,
            has_token,
        };
        let status = |caller: &Caller, access| match caller.may(access) {
            Ok(()) => 200,
            Err(error) => error.into_response("", &gantry_core::SystemClock).status().as_u16(),
        };
        let anonymous = caller(true, Some(Denied::Missing), false);
        let client = caller(true, Some(Denied::Wrong), true);
        let admin = caller(false, None, false);
        let [read, call, change] = [Access::Read, Access::Call, Access::Admin];
        assert_eq!([read, call, change].map(|access| status(&anonymous, access)), [200, 200, 401]);
        assert_eq!([read, call, change].map(|access| status(&client, access)), [200, 200, 403]);
        assert_eq!([read, call, change].map(|access| status(&admin, access)), [200, 403, 200]);
    }
}
