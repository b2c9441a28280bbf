//! `/api/admin/dump/tasks`, `/api/admin/dump/memory`, and `/actuator/threaddump`, by which tools for
//! Spring Boot ask for the first.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::json_body;
use crate::dump;
use crate::shared::Shared;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/admin/dump/tasks", get(tasks))
        .route("/api/admin/dump/memory", get(memory))
        .route("/actuator/threaddump", get(tasks))
}

async fn tasks(State(shared): State<Arc<Shared>>) -> Response {
    json_body(StatusCode::OK, &dump::tasks(&shared))
}

async fn memory(State(shared): State<Arc<Shared>>) -> Response {
    json_body(StatusCode::OK, &dump::memory(&shared))
}
