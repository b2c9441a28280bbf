//! `gantry services`: the listeners that built-in services have of their own.

use gantry_core::ErrorCode;
use gantry_server::config::ServicesFrom;
use gantry_server::{Admin, AdminError, service_entries, service_health};
use serde_json::{Map, Value, json};

use crate::cli::{Format, ServicesCommand, StartServices};
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

pub(crate) fn run(place: &Place, command: ServicesCommand) -> Result<(), Failure> {
    match command {
        ServicesCommand::Start(arguments) => start(place, arguments),
        ServicesCommand::Stop { names } => stop(place, names),
        ServicesCommand::Status { format } => status(place, format),
        ServicesCommand::Health { names, format } => health(place, &names, format),
        ServicesCommand::List { format } => list(place, format),
    }
}

/// Opens listeners in the gateway that runs; where none does, becomes one.
fn start(place: &Place, arguments: StartServices) -> Result<(), Failure> {
    let StartServices { names, production, host, instance } = arguments;
    let mut wanted = Map::new();
    wanted.insert("production".to_owned(), production.into());
    if let Some(host) = host {
        wanted.insert("host".to_owned(), json!(host));
    }
    if let Some(instance) = instance {
        wanted.insert("instance".to_owned(), instance.into());
    }
    let wanted = Value::Object(wanted);
    let chosen = or_all(names.clone());
    let started =
        remote::administering_if_running(place, "cannot start services", async |admin| {
            each(admin, &chosen, "start", &wanted).await
        })?;
    let Some(started) = started else {
        let from = ServicesFrom { names, host, instance, for_production: production };
        let mut place = place.clone();
        place.source.services = Some(from);
        return remote::serve(&place);
    };
    started.iter().try_for_each(|service| {
        output::line(&format!("`{}` is at {}.", text(service, "name"), text(service, "url")))
    })
}

fn stop(place: &Place, names: Vec<String>) -> Result<(), Failure> {
    let chosen = or_all(names);
    let stopped = remote::administering(place, "cannot stop services", async |admin| {
        each(admin, &chosen, "stop", &json!({})).await
    })?;
    stopped.iter().try_for_each(|service| {
        let name = text(service, "name");
        output::line(&format!("Stopped the listener of `{name}`; it is still at /mcp/{name}."))
    })
}

/// Does the same with one service after the other, up to the first that is refused.
async fn each(
    mut admin: Admin,
    names: &[String],
    verb: &str,
    body: &Value,
) -> Result<Vec<Value>, AdminError> {
    let mut done = Vec::with_capacity(names.len());
    for name in names {
        done.push(admin.post_json(&format!("/api/services/{name}/{verb}"), body).await?);
    }
    Ok(done)
}

fn or_all(names: Vec<String>) -> Vec<String> {
    if names.is_empty() {
        return service_entries(0).iter().map(|entry| entry.name.to_owned()).collect();
    }
    names
}

fn status(place: &Place, format: Format) -> Result<(), Failure> {
    let services =
        remote::administering(place, "cannot tell of the services", async |mut admin| {
            all(&mut admin).await
        })?;
    if output::data(format, &json!(services))? {
        return Ok(());
    }
    let row = |service: &Value| {
        vec![
            text(service, "name"),
            text(service, "state"),
            service["port"].to_string(),
            text(service, "url"),
            text(service, "started_at"),
        ]
    };
    let rows: Vec<_> = services.iter().map(row).collect();
    output::table(&["name", "state", "port", "url", "since"], &rows)
}

async fn all(admin: &mut Admin) -> Result<Vec<Value>, AdminError> {
    let mut answer = admin.get("/api/services").await?;
    match answer["services"].take() {
        Value::Array(services) => Ok(services),
        _ => Err(AdminError::Unreadable { path: "/api/services".to_owned() }),
    }
}

/// Ends with a failure unless every service that was asked is well, so that a script can ask.
fn health(place: &Place, names: &[String], format: Format) -> Result<(), Failure> {
    let purpose = "cannot tell the health of the services";
    let asked = remote::administering(place, purpose, async |mut admin| {
        let mut asked = Vec::new();
        for service in all(&mut admin).await? {
            let name = text(&service, "name");
            let is_running = service["state"] == "running";
            let is_asked = if names.is_empty() { is_running } else { names.contains(&name) };
            if is_asked {
                asked.push(asked_one(&service, is_running).await);
            }
        }
        Ok(asked)
    })?;
    if asked.is_empty() {
        return Err(Failure::new("no service has a listener of its own")
            .with_hint("`gantry services start` opens them")
            .with_code(ErrorCode::ServiceNotOpened));
    }
    if !output::data(format, &json!(asked))? {
        let row = |health: &Value| {
            let reason = health["reason"].as_str().unwrap_or_default().to_owned();
            let columns = [text(health, "name"), text(health, "status")];
            [&columns[..], &[health["port"].to_string(), reason]].concat()
        };
        let rows: Vec<_> = asked.iter().map(row).collect();
        output::table(&["name", "status", "port", "reason"], &rows)?;
    }
    let is_well = asked.iter().all(|health| health["status"] == "healthy");
    if is_well { Ok(()) } else { Err(Failure::said()) }
}

/// Returns what the listener of a service says, or why it says nothing.
async fn asked_one(service: &Value, is_running: bool) -> Value {
    let mut told = match service["url"].as_str() {
        Some(url) if is_running => service_health(url)
            .await
            .unwrap_or_else(|reason| json!({ "status": "unreachable", "reason": reason })),
        _ => json!({ "status": "stopped" }),
    };
    told["name"] = service["name"].clone();
    told["port"] = service["port"].clone();
    told
}

fn list(place: &Place, format: Format) -> Result<(), Failure> {
    let entries = service_entries(place.config()?.service_doors.instance);
    let value = |entry: &gantry_server::ServiceEntry| {
        json!({
            "name": entry.name,
            "port": entry.port,
            "tools": entry.n_tools,
            "extra_tools": entry.n_extras,
            "description": entry.description,
        })
    };
    if output::data(format, &entries.iter().map(value).collect())? {
        return Ok(());
    }
    let row = |entry: &gantry_server::ServiceEntry| {
        vec![
            entry.name.to_owned(),
            entry.port.to_string(),
            entry.n_tools.to_string(),
            entry.n_extras.to_string(),
            entry.description.to_owned(),
        ]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    output::table(&["name", "port", "tools", "extra", "description"], &rows)
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}
