//! `GET /metrics` and `GET /actuator/prometheus`: everything that is counted, as Prometheus takes it.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use gantry_core::ErrorCode;
use http::HeaderMap;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, VARY};

use super::{Asked, refused};
use crate::http_stack::Refusal;
use crate::metrics::{self, Format};
use crate::shared::Shared;

pub(super) async fn figures(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
) -> Response {
    if !shared.live.load().config.metrics_enabled {
        return refused(switched_off(), &asked);
    }
    let format = Format::wanted(&headers);
    // Beside the threads that serve requests: thousands of tools take a while to write.
    let writing = tokio::task::spawn_blocking(move || metrics::encode(&shared.registry, format));
    let Ok(Ok(text)) = writing.await else {
        return refused(Refusal::new(ErrorCode::Internal, "the metrics have no text"), &asked);
    };
    let mut response = Response::new(axum::body::Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, format.content_type());
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// Refuses figures where nobody wants them.
pub(crate) fn switched_off() -> Refusal {
    let message = "metrics are switched off, by `metrics.enabled`";
    Refusal::new(ErrorCode::UnknownServer, message)
}
