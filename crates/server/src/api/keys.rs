//! The API keys that the gateway made: listed, made, replaced, taken back and forgotten.
//!
//! A change is carried out to its end even when the caller goes away in the middle.

use std::sync::Arc;

use gantry_core::ErrorCode;
use gantry_core::audit::Event;
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, Response, StatusCode};

use super::call::{Call, Outcome, reply};
use super::error::ApiError;
use super::model::Nothing;
use crate::audit::seen::Changing;
use crate::keys::model::{KeyList, MadeKey, NewKey, Rotation};
use crate::keys::recorded::{self, Witness};
use crate::keys::{KeyError, StoredKeys};

/// `GET /api/keys`.
pub(super) fn list(call: &Call) -> Outcome {
    reply(StatusCode::OK, &KeyList { keys: call.shared.keys.list() })
}

/// `POST /api/keys`.
pub(super) async fn make(call: Call) -> Outcome {
    let wanted: NewKey = call.json()?;
    let changing = begin(&call, Event::KeyCreated, &wanted.name)?;
    let change = async move |keys: Arc<_>| recorded::make(&keys, changing, wanted).await;
    made(&carry_out(&call, change).await?)
}

/// `POST /api/keys/{id}/rotate`.
pub(super) async fn rotate(call: Call) -> Outcome {
    let wanted = if call.body.is_empty() { Rotation::default() } else { call.json()? };
    let id = call.parameters.text("id").to_owned();
    let changing = begin(&call, Event::KeyRotated, &id)?;
    let change = async move |keys: Arc<_>| recorded::rotate(&keys, changing, (&id, wanted)).await;
    made(&carry_out(&call, change).await?)
}

/// `POST /api/keys/{id}/revoke`.
pub(super) async fn revoke(call: Call) -> Outcome {
    if !call.body.is_empty() {
        call.json::<Nothing>()?;
    }
    let id = call.parameters.text("id").to_owned();
    let changing = begin(&call, Event::KeyRevoked, &id)?;
    let change = async move |keys: Arc<_>| recorded::revoke(&keys, changing, &id).await;
    reply(StatusCode::OK, &carry_out(&call, change).await?)
}

/// `DELETE /api/keys/{id}`.
pub(super) async fn forget(call: Call) -> Outcome {
    let id = call.parameters.text("id").to_owned();
    let changing = begin(&call, Event::KeyForgotten, &id)?;
    let change = async move |keys: Arc<_>| recorded::forget(&keys, changing, &id).await;
    carry_out(&call, change).await?;
    Ok(gantry_transport::server::body::empty(StatusCode::NO_CONTENT))
}

/// Tells a key, which nobody on the way may keep.
fn made(key: &MadeKey) -> Outcome {
    let mut response: Response<_> = reply(StatusCode::CREATED, key)?;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Ids have letters, digits and `_` alone.
    if let Ok(location) = HeaderValue::from_str(&format!("/api/keys/{}", key.about.id)) {
        headers.insert(LOCATION, location);
    }
    Ok(response)
}

/// Takes room for the entry of a change: what cannot be recorded is not done.
fn begin(call: &Call, event: Event, key: &str) -> Result<Changing, ApiError> {
    let witness = Witness { audit: &call.shared.gateway.audit, caller: Some(&call.caller) };
    witness.begin(event, key).map_err(|error| refused(&error))
}

async fn carry_out<T, F>(
    call: &Call,
    change: impl FnOnce(Arc<StoredKeys>) -> F,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, KeyError>> + Send + 'static,
{
    let keys = Arc::clone(&call.shared.keys);
    let task = call.shared.gateway.tasks.spawn("change-keys", change(keys));
    let failed = || ApiError::new(ErrorCode::Internal, "the change was not carried out");
    let outcome = task.await.ok().flatten().ok_or_else(failed)?;
    outcome.map_err(|error| refused(&error))
}

fn refused(error: &KeyError) -> ApiError {
    match error {
        KeyError::Store(source) => {
            gantry_core::log::error!(error = %source, "A change of the keys was not stored.");
            ApiError::new(error.code(), "the change could not be stored; the log says why")
        }
        KeyError::Unrecorded(unrecorded) => ApiError::unrecorded(unrecorded.code()),
        _ => ApiError::new(error.code(), error.to_string()),
    }
}
