//! `POST /api/admin/backups`: a command says that it made a backup, for the audit trail. The gateway is
//! not needed for a backup, but it holds the trail while it runs.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Router};
use gantry_core::ErrorCode;
use http::StatusCode;

use super::{Asked, refused};
use crate::backup::recorded::{Noted, ROUTE};
use crate::http_stack::Refusal;
use crate::shared::Shared;

/// A path and a few words.
const MOST_BYTES: usize = 16 * 1024;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route(ROUTE, post(note)).layer(DefaultBodyLimit::max(MOST_BYTES))
}

async fn note(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let noted = body.ok().and_then(|body| serde_json::from_slice::<Noted>(&body).ok());
    let Some(noted) = noted else {
        let message = "the body must say of a backup what `file` it is and whether it is `done`";
        return refused(Refusal::new(ErrorCode::QueryInvalid, message), &asked);
    };
    let recorded = match noted.begin(&shared.gateway.audit) {
        Ok(changing) => changing.by_administrator(asked.address).end(noted.ended()).await,
        Err(full) => Err(full),
    };
    match recorded {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(code) => {
            let refusal = Refusal::new(code, code.title());
            refused(refusal.with_status(StatusCode::SERVICE_UNAVAILABLE), &asked)
        }
    }
}
