//! Changes of the servers: those that the API made are made, replaced and removed, every one may be
//! restarted. The file's own are changed in the file.
//!
//! A change is stored first and then put in force. It is carried out to its end even when the caller
//! goes away in the middle, one at a time and never during a reload.

use std::path::PathBuf;
use std::sync::Arc;

use gantry_core::ErrorCode;
use gantry_core::audit::Event;
use gantry_core::store::StoreError;
use gantry_gateway::spec::UpstreamSpec;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use url::Url;

use super::call::{Call, Outcome, reply};
use super::error::ApiError;
use super::model::Nothing;
use super::servers;
use crate::added::{self, Entry};
use crate::audit::seen::Changing;
use crate::config;
use crate::live::Live;
use crate::shared::Shared;

/// Most servers that the API keeps.
const MOST_SERVERS: usize = 1000;

/// A change that is ready to be carried out.
enum Change {
    Make(String, Value),
    Replace(String, Value),
    Remove { name: String, force: bool },
    Switch { name: String, on: bool },
}

/// `POST /api/servers`.
pub(super) async fn make(call: Call) -> Outcome {
    let mut entry: Map<String, Value> = call.json()?;
    let Some(Value::String(name)) = entry.shift_remove("id") else {
        return Err(ApiError::malformed("`id` must be a string: the name of the server"));
    };
    carry_out(&call, Change::Make(name.clone(), Value::Object(entry))).await?;
    let mut response = reply(StatusCode::CREATED, &servers::find(&call, &name)?)?;
    // The name was checked to have letters, digits, `_` and `-` alone.
    if let Ok(location) = HeaderValue::from_str(&format!("/api/servers/{name}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `PUT /api/servers/{id}`.
pub(super) async fn replace(call: Call) -> Outcome {
    let name = call.parameters.text("id").to_owned();
    let entry: Map<String, Value> = call.json()?;
    carry_out(&call, Change::Replace(name, Value::Object(entry))).await?;
    servers::one(&call)
}

/// `DELETE /api/servers/{id}`.
pub(super) async fn remove(call: Call) -> Outcome {
    let name = call.parameters.text("id").to_owned();
    carry_out(&call, Change::Remove { name, force: call.parameters.flag("force") }).await?;
    Ok(gantry_transport::server::body::empty(StatusCode::NO_CONTENT))
}

/// `POST /api/servers/{id}/enable`.
pub(super) async fn enable(call: Call) -> Outcome {
    switch(call, true).await
}

/// `POST /api/servers/{id}/disable`.
pub(super) async fn disable(call: Call) -> Outcome {
    switch(call, false).await
}

/// `POST /api/servers/{id}/restart`.
pub(super) async fn restart(call: Call) -> Outcome {
    takes_nothing(&call)?;
    let server = servers::find(&call, call.parameters.text("id"))?;
    let audit = &call.shared.gateway.audit;
    let changing = Changing::begin(audit, Event::ServerRestarted, &server.id)
        .map_err(ApiError::unrecorded)?
        .by(&call.caller);
    let is_restarted = call.shared.gateway.restart(&server.id).await;
    let made = if is_restarted { Ok(()) } else { Err(Some(ErrorCode::ServerNotInState)) };
    changing.end(made).await.map_err(ApiError::unrecorded)?;
    if !is_restarted {
        let state = server.status.get("state").and_then(Value::as_str).unwrap_or_default();
        let message = format!("the server `{}` is {state}, so it is not restarted", server.id);
        return Err(ApiError::new(ErrorCode::ServerNotInState, message));
    }
    gantry_core::log::info!(server = server.id, request_id = %call.request_id, "A server was restarted.");
    servers::one(&call)
}

async fn switch(call: Call, on: bool) -> Outcome {
    takes_nothing(&call)?;
    let name = call.parameters.text("id").to_owned();
    carry_out(&call, Change::Switch { name, on }).await?;
    servers::one(&call)
}

fn takes_nothing(call: &Call) -> Result<(), ApiError> {
    if call.body.is_empty() { Ok(()) } else { call.json::<Nothing>().map(|_| ()) }
}

/// Carries a change out as a task of its own, so that it is whole whatever becomes of the caller.
async fn carry_out(call: &Call, change: Change) -> Result<(), ApiError> {
    let (shared, request_id) = (Arc::clone(&call.shared), Arc::clone(&call.request_id));
    // Before anything is changed: what cannot be recorded is not done.
    let changing = Changing::begin(&shared.gateway.audit, change.event(), change.name())
        .map_err(ApiError::unrecorded)?
        .by(&call.caller)
        .saying(change.action());
    let task = call.shared.gateway.tasks.spawn("change-servers", async move {
        let _one = shared.added.changing.lock().await;
        // Read under the lock: a reload changes it under the same one.
        let live = shared.live.load_full();
        let name = change.name().to_owned();
        let action = change.action();
        let applied = apply(&shared, &live, change).await;
        let made = applied.as_ref().map_err(ApiError::cause);
        let recorded = changing.end(made.copied()).await;
        applied?;
        shared.gateway.apply(shared.offered(&live.config)).await;
        gantry_core::log::info!(server = name, action, %request_id, "The HTTP API changed the servers.");
        recorded.map_err(ApiError::unrecorded)
    });
    let failed = || ApiError::new(ErrorCode::Internal, "the change was not carried out");
    task.await.ok().flatten().unwrap_or_else(|| Err(failed()))
}

/// Checks a change against what there is, and stores it.
async fn apply(shared: &Shared, live: &Live, change: Change) -> Result<(), ApiError> {
    let (store, added) = (&shared.store, &shared.added);
    match change {
        Change::Make(name, entry) => {
            is_not_the_files(live, &name)?;
            let is_view = live.config.gateway.views.iter().any(|view| view.name == name);
            if is_view || added.get(&name).is_some() {
                let kind = if is_view { "view" } else { "server" };
                let message = format!("there is a {kind} `{name}` already");
                return Err(ApiError::new(ErrorCode::ServerNameInUse, message));
            }
            if added.all().len() >= MOST_SERVERS {
                let message = format!("{MOST_SERVERS} servers are kept already; remove some");
                return Err(ApiError::new(ErrorCode::Overloaded, message));
            }
            put(shared, live, &name, entry, None).await
        }
        Change::Replace(name, entry) => {
            let old = of_api(shared, live, &name)?;
            put(shared, live, &name, entry, Some(&old.written)).await
        }
        Change::Switch { name, on } => {
            let old = of_api(shared, live, &name)?;
            let mut entry = old.written.clone();
            // What is no object is refused below, with all that is wrong with it.
            if let Some(members) = entry.as_object_mut() {
                members.insert("enabled".to_owned(), Value::Bool(on));
            }
            put(shared, live, &name, entry, None).await
        }
        Change::Remove { name, force } => {
            of_api(shared, live, &name)?;
            let upstreams = shared.gateway.registry.upstreams();
            let upstream = upstreams.iter().find(|upstream| upstream.spec().name == name);
            let n_calls = upstream.map_or(0, |upstream| upstream.n_calls());
            if n_calls > 0 && !force {
                let message = format!(
                    "the server `{name}` carries out {n_calls} calls; `force=true` ends them"
                );
                return Err(ApiError::new(ErrorCode::ServerNotInState, message));
            }
            store.remove_server(&name).await.map_err(|error| unstored(&error))?;
            added.remove(&name);
            Ok(())
        }
    }
}

/// Checks an entry and keeps it.
async fn put(
    shared: &Shared,
    live: &Live,
    name: &str,
    mut entry: Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    restore(&mut entry, old.unwrap_or(&Value::Null))?;
    let folder = folder(live);
    let spec = check(name, &entry, &folder)?;
    if !added::may_start(&spec, &live.config) {
        let message = "a server with a `command` is made in the configuration file, unless \
                       `admin.allow_commands` is true";
        return Err(ApiError::new(ErrorCode::CommandsNotAllowed, message));
    }
    let stored = shared.store.put_server(name, &entry.to_string()).await;
    stored.map_err(|error| unstored(&error))?;
    shared.added.put(name, Entry { written: entry, checked: Ok(spec) });
    Ok(())
}

fn check(name: &str, entry: &Value, folder: &std::path::Path) -> Result<UpstreamSpec, ApiError> {
    config::check_entry(name, entry, folder).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(|problem| problem.render(None)).collect();
        let message = format!("the entry of the server is invalid: {}", lines.join("; "));
        ApiError::new(ErrorCode::ServerEntryInvalid, message).with_detail("problems", lines)
    })
}

/// Finds a server that the API made and that the file does not hide.
fn of_api(shared: &Shared, live: &Live, name: &str) -> Result<Arc<Entry>, ApiError> {
    is_not_the_files(live, name)?;
    shared.added.get(name).ok_or_else(|| ApiError::no_server(name))
}

fn is_not_the_files(live: &Live, name: &str) -> Result<(), ApiError> {
    if live.config.upstream(name).is_none() {
        return Ok(());
    }
    let file = live.config.file.as_deref().map(|file| file.display().to_string());
    let file = file.unwrap_or_default();
    let message = format!("the server `{name}` stands in `{file}`: change it there");
    Err(ApiError::new(ErrorCode::ServerInFile, message).with_detail("file", file))
}

/// Puts what is stored in the place of `[redacted]`, so that what was read can be sent back; but only
/// while it goes to the same server, or a stored secret could be read by sending it elsewhere.
fn restore(entry: &mut Value, old: &Value) -> Result<(), ApiError> {
    let sent = entry.clone();
    restore_secrets(entry, old)?;
    let address = |entry: &Value| entry.get("url").and_then(Value::as_str).map(Url::parse);
    let is_moved = address(entry) != address(old) || entry.get("command") != old.get("command");
    if is_moved && *entry != sent {
        let message = "`[redacted]` cannot be kept for another `url` or `command`: send the values";
        return Err(ApiError::new(ErrorCode::ServerEntryInvalid, message)
            .with_detail("problems", json!([message])));
    }
    Ok(())
}

fn restore_secrets(entry: &mut Value, old: &Value) -> Result<(), ApiError> {
    match entry {
        Value::String(text) if text.contains(config::REDACTED) => {
            let stored = old.as_str().filter(|stored| stands_for(text, stored));
            let Some(stored) = stored else {
                let message = "`[redacted]` stands for a stored value, and there is none";
                return Err(ApiError::new(ErrorCode::ServerEntryInvalid, message)
                    .with_detail("problems", json!([message])));
            };
            stored.clone_into(text);
        }
        Value::Array(values) => {
            for (at, value) in values.iter_mut().enumerate() {
                restore_secrets(value, old.get(at).unwrap_or(&Value::Null))?;
            }
        }
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                // Names of headers are shown in lower case.
                let stored = old.as_object().and_then(|old| {
                    old.get(name).or_else(|| {
                        old.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
                    })
                });
                restore_secrets(value, stored.unwrap_or(&Value::Null))?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

/// Tells whether a text that was read stands for what is stored: for all of it, or for an address
/// whose query is left out.
fn stands_for(shown: &str, stored: &str) -> bool {
    let head = shown.strip_suffix(config::REDACTED);
    head.is_some_and(|head| head.is_empty() || (head.ends_with('?') && stored.starts_with(head)))
}

fn folder(live: &Live) -> PathBuf {
    config::folder_of(live.config.file.as_deref())
}

fn unstored(error: &StoreError) -> ApiError {
    gantry_core::log::error!(%error, "A change of the servers was not stored.");
    ApiError::new(ErrorCode::StorageFailed, "the change could not be stored; the log says why")
}

impl Change {
    fn name(&self) -> &str {
        match self {
            Self::Make(name, _) | Self::Replace(name, _) => name,
            Self::Remove { name, .. } | Self::Switch { name, .. } => name,
        }
    }

    fn event(&self) -> Event {
        match self {
            Self::Make(..) => Event::ServerAdded,
            Self::Replace(..) | Self::Switch { .. } => Event::ServerChanged,
            Self::Remove { .. } => Event::ServerRemoved,
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::Make(..) => "made",
            Self::Replace(..) => "replaced",
            Self::Remove { .. } => "removed",
            Self::Switch { on: true, .. } => "enabled",
            Self::Switch { on: false, .. } => "disabled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_can_be_sent_back_without_losing_secrets() {
        let old = json!({
            "args": ["a", "b"], "headers": { "X-Key": "k", "Y": "y" }, "url": "http://h/?key=k",
        });
        let mut new = json!({
            "args": ["[redacted]", "c"], "headers": { "x-key": "[redacted]", "y": "z" },
            "url": "http://h/?[redacted]",
        });
        restore(&mut new, &old).unwrap();
        let restored = json!({
            "args": ["a", "c"], "headers": { "x-key": "k", "y": "z" }, "url": "http://h/?key=k",
        });
        assert_eq!(new, restored);
        for unknown in [
            json!({ "args": ["a", "b", "[redacted]"] }),
            json!({ "url": "http://other/?[redacted]" }),
            json!({ "args": ["x[redacted]"] }),
        ] {
            assert!(restore_secrets(&mut unknown.clone(), &old).is_err(), "{unknown}");
        }
    }

    #[test]
    fn a_secret_is_not_kept_for_another_server() {
        let old = json!({ "url": "http://h/mcp", "headers": { "a": "k" } });
        let kept = |url: &str, secret: &str| {
            restore(&mut json!({ "url": url, "headers": { "a": secret } }), &old).is_ok()
        };
        assert!(kept("http://h/mcp", "[redacted]") && kept("HTTP://h:80/mcp", "[redacted]"));
        assert!(kept("http://evil/mcp", "new"));
        for elsewhere in ["http://evil/mcp", "https://h/mcp", "http://h/other", "not one"] {
            assert!(!kept(elsewhere, "[redacted]"), "{elsewhere}");
        }
        let mut program = json!({ "command": "sh", "headers": { "a": "[redacted]" } });
        assert!(restore(&mut program, &old).is_err());
    }
}
