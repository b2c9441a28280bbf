//! The routes that are not MCP: health, readiness, metrics, the page that says what is where, and
//! the administrator's.
//!
//! Who may use a route was decided before (`http_stack`); here a caller either may see details or
//! may not.

mod backups;
mod breakers;
mod dumps;
pub(crate) mod figures;
mod health;
mod index;
mod levels;
mod ready;
mod service;
mod streamed;
mod tap;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use gantry_core::{Clock, ErrorCode};
use gantry_transport::server::ReplyBody;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::actuator;
use crate::http_stack::Refusal;
use crate::shared::Shared;

/// No route of ours answers with more.
const MOST_BYTES: usize = 64 << 20;

/// What is known of a request beyond its head.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) request_id: Arc<str>,
    pub(crate) may_see_details: bool,
    /// From where it came, unless by a unix socket.
    pub(crate) address: Option<IpAddr>,
    /// The service whose listener it came by.
    pub(crate) service: Option<&'static str>,
    /// Whether errors are told in the form of the HTTP API.
    pub(crate) is_api: bool,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Makes the routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(index::index))
        .route("/health", get(health::health))
        .route("/info", get(service::info))
        .route("/ready", get(ready::ready))
        .route("/metrics", get(figures::figures))
        .route("/actuator/prometheus", get(figures::figures))
        .merge(actuator::router())
        .route("/api/admin/tap", get(tap::tap))
        .merge(levels::routes())
        .merge(dumps::routes())
        .merge(breakers::routes())
        .merge(backups::routes())
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
}

/// Answers a request by the routes.
pub(crate) async fn answer(
    routes: &Router,
    asked: Asked,
    mut request: Request<axum::body::Body>,
) -> http::Response<ReplyBody> {
    let request_id = Arc::clone(&asked.request_id);
    request.extensions_mut().insert(asked);
    // A router never fails: its error type has no value.
    let response = routes.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    let (parts, body) = response.into_parts();
    if streamed::is_stream(&parts.headers) {
        return http::Response::from_parts(parts, streamed::pass_on(body));
    }
    match Limited::new(body, MOST_BYTES).collect().await {
        Ok(whole) => {
            let bytes = whole.to_bytes();
            let body = ReplyBody::Full((!bytes.is_empty()).then_some(bytes));
            http::Response::from_parts(parts, body)
        }
        Err(error) => {
            gantry_core::log::error!(request_id = &*request_id, %error, "A route answered with too much.");
            let refusal = Refusal::new(ErrorCode::Internal, "the answer could not be made");
            refusal.into_response(false, &request_id)
        }
    }
}

async fn nothing_here(Extension(asked): Extension<Asked>, uri: http::Uri) -> Response {
    refused(Refusal::nothing_at(uri.path()), &asked)
}

async fn wrong_method(Extension(asked): Extension<Asked>) -> Response {
    let refusal =
        Refusal::new(ErrorCode::MalformedMessage, "this route does not answer this method")
            .with_status(StatusCode::METHOD_NOT_ALLOWED);
    refused(refusal, &asked)
}

pub(crate) fn json_body(status: StatusCode, value: &Value) -> Response {
    let json = HeaderValue::from_static("application/json");
    let mut text = value.to_string();
    // For people with a terminal, whose prompt would follow on the same line.
    text.push('\n');
    (status, [(CONTENT_TYPE, json)], Bytes::from(text)).into_response()
}

/// Says no in the form that belongs to the path.
pub(crate) fn refused(refusal: Refusal, asked: &Asked) -> Response {
    if asked.is_api {
        let response = refusal.into_api().into_response(&asked.request_id, &*asked.clock);
        return response.map(axum::body::Body::new);
    }
    refusal.into_response(false, &asked.request_id).map(axum::body::Body::new)
}
