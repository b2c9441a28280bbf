//! `gantry keys`: keys for clients, made, replaced and taken back.

use gantry_server::keys::model::{KeyView, MadeKey, NewKey, Rotation};
use serde_json::json;

use crate::cli::{CreateKey, Format, Granting, KeysCommand};
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

pub(crate) fn run(place: &Place, command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(arguments) => create(place, arguments),
        KeysCommand::List { format } => list(place, format),
        KeysCommand::Rotate { id, overlap, expires, format } => {
            rotate(place, &id, Rotation { overlap, expires_in: expires }, format)
        }
        KeysCommand::Revoke { id } => revoke(place, &id),
        KeysCommand::Forget { id } => forget(place, &id),
    }
}

fn create(place: &Place, arguments: CreateKey) -> Result<(), Failure> {
    let CreateKey { name, grants, expires: expires_in, format } = arguments;
    let Granting { scopes, roles, tier } = grants;
    let scopes = (!scopes.is_empty()).then_some(scopes);
    let wanted = NewKey { name, scopes, roles, tier, expires_in };
    let made = remote::keys(place, "cannot make a key", async |desk| desk.make(wanted).await)?;
    show(&made, format)
}

fn rotate(place: &Place, id: &str, wanted: Rotation, format: Format) -> Result<(), Failure> {
    let purpose = "cannot make a key in the place of another";
    let made = remote::keys(place, purpose, async |desk| desk.rotate(id, wanted).await)?;
    show(&made, format)
}

/// The key alone is on standard output, so that `KEY=$(gantry keys create NAME)` holds it.
fn show(made: &MadeKey, format: Format) -> Result<(), Failure> {
    if output::data(format, &json!(made))? {
        return Ok(());
    }
    output::line(&made.key)?;
    let KeyView { id, name, expires_at, .. } = &made.about;
    let until = expires_at.as_ref().map(|at| format!(", until {at}")).unwrap_or_default();
    output::aside(&format!(
        "This is the key of `{name}`{until}. It is shown this once: keep it where `{name}` finds it.\n"
    ));
    output::hint("clients send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`");
    output::hint(&format!("`gantry keys revoke {id}` takes it back"));
    Ok(())
}

fn list(place: &Place, format: Format) -> Result<(), Failure> {
    let list = remote::keys(place, "cannot list the keys", async |desk| desk.list().await)?;
    if output::data(format, &json!(list.keys))? {
        return Ok(());
    }
    if list.keys.is_empty() {
        return output::line("There are no keys; `gantry keys create NAME` makes one.");
    }
    let rows: Vec<_> = list.keys.into_iter().map(row).collect();
    let headings = ["id", "name", "state", "scopes", "roles", "tier", "made", "ends", "used"];
    output::table(&headings, &rows)
}

fn row(key: KeyView) -> Vec<String> {
    let scopes = match key.scopes {
        None => "not limited".to_owned(),
        Some(scopes) if scopes.is_empty() => "none".to_owned(),
        Some(scopes) => scopes.join(" "),
    };
    let ends_at = key.revoked_at.or(key.expires_at).unwrap_or_default();
    vec![
        key.id,
        key.name,
        key.state,
        scopes,
        key.roles.join(" "),
        key.tier.unwrap_or_default(),
        key.made_at,
        ends_at,
        key.used_at.unwrap_or_default(),
    ]
}

fn revoke(place: &Place, id: &str) -> Result<(), Failure> {
    let purpose = format!("cannot take `{id}` back");
    let key = remote::keys(place, &purpose, async |desk| desk.revoke(id).await)?;
    output::line(&format!("Revoked `{}` of `{}`.", key.id, key.name))
}

fn forget(place: &Place, id: &str) -> Result<(), Failure> {
    let purpose = format!("cannot forget `{id}`");
    let is_last = remote::keys(place, &purpose, async |desk| {
        desk.forget(id).await?;
        Ok(desk.list().await?.keys.is_empty())
    })?;
    output::line(&format!("Forgot `{id}`."))?;
    let is_open = is_last && place.config().is_ok_and(|config| !config.auth.is_required());
    if is_open {
        output::hint("no key is left: clients on this machine need none any more");
    }
    Ok(())
}
