//! Whom a question about access means: a key with what it grants, or a principal by name.
//!
//! A key is named by its public part, by its place in the configuration, or by the name that it has.
//! Nobody has to send a secret to ask, and whoever does is not told it again.

use std::sync::Arc;

use gantry_core::{Grants, Principal};
use gantry_policy::keys::{Key, KeyState, MARK};

use super::ExplainQuestion;
use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::keys::{KeyError, public_part};

/// A principal with all that it would have, and what its credential is good for, if there is one.
#[derive(Debug)]
pub(super) struct Whom {
    pub(super) principal: Principal,
    pub(super) state: Option<KeyState>,
}

type Known = (Arc<Key>, KeyState);

// === impl Whom ===

impl Whom {
    /// Finds who is meant; what the question says of them wins over what is known.
    pub(super) fn find(call: &Call, asked: &ExplainQuestion) -> Result<Self, ApiError> {
        let found = key_of(&asked.principal, &all(call))?;
        let (named, state) = match found {
            Some((key, state)) => ((*key.principal).clone(), Some(state)),
            None => (principal(&asked.principal), None),
        };
        let boxed = |texts: &[String]| -> Box<[Box<str>]> {
            texts.iter().map(|text| text.as_str().into()).collect()
        };
        let known = named.grants.clone();
        let grants = Grants {
            scopes: asked.scopes.as_deref().map(boxed).map(Into::into).or(known.scopes),
            roles: asked.roles.as_deref().map_or(known.roles, boxed),
            tier: asked.tier.as_deref().map(Into::into).or(known.tier),
            credential: known.credential,
        };
        Ok(Self { principal: Principal { grants, ..named }, state })
    }
}

/// Every key that the configuration names or the gateway made.
fn all(call: &Call) -> Vec<Known> {
    let (stored, named) = (&call.shared.keys, &call.live.keys);
    let now = stored.now();
    let of_config = named.all().into_iter().map(|key| {
        let state = named.state(&key, now);
        (key, state)
    });
    of_config.chain(stored.all()).collect()
}

fn key_of(name: &str, all: &[Known]) -> Result<Option<Known>, ApiError> {
    if name.starts_with(MARK) {
        let id = public_part(name);
        if id != name {
            let message =
                format!("a key is named by its public part, here `{id}`: never send all of it");
            return Err(ApiError::malformed(message));
        }
        let found = all.iter().find(|(key, _)| *key.id == *name);
        let unknown = || KeyError::unknown(name);
        let found = found
            .ok_or_else(unknown)
            .map_err(|error| ApiError::new(error.code(), error.to_string()))?;
        return Ok(Some(found.clone()));
    }
    let credential = |key: &Key| key.principal.grants.credential.clone().unwrap_or_default();
    if let Some(found) = all.iter().find(|(key, _)| *credential(key) == *name) {
        return Ok(Some(found.clone()));
    }
    let named: Vec<_> = all.iter().filter(|(key, _)| *key.principal.subject == *name).collect();
    let active: Vec<_> =
        named.iter().copied().filter(|(_, state)| *state == KeyState::Active).collect();
    // Of keys that open nothing any more, the last one tells.
    let Some(last) = active.last().or(named.last()) else { return Ok(None) };
    let grants = |known: &Known| {
        let grants = known.0.principal.grants.clone();
        Grants { credential: None, ..grants }
    };
    if active.iter().any(|known| grants(known) != grants(last)) {
        let names: Vec<_> = active.iter().map(|(key, _)| shown(&credential(key))).collect();
        let names = names.join(", ");
        let message =
            format!("`{name}` has keys that grant different things; name one of them: {names}");
        return Err(ApiError::malformed(message));
    }
    Ok(Some((*last).clone()))
}

/// Returns the name by which a credential can be asked for.
fn shown(credential: &str) -> String {
    format!("`{}`", credential.strip_prefix("key ").unwrap_or(credential))
}

fn principal(name: &str) -> Principal {
    match name.rsplit_once('#') {
        Some((issuer, subject)) => Principal::new(issuer, subject),
        None => Principal::of_gantry(name),
    }
}

#[cfg(test)]
mod tests {
    use gantry_policy::{KeyEntry, KeyTable};

    use super::*;

    fn known(names: &[(&str, Option<&str>)]) -> Vec<Known> {
        let entries = names.iter().enumerate().map(|(at, (name, scope))| KeyEntry {
            name: (*name).to_owned(),
            secret: format!("a-secret-of-enough-letters-{at}"),
            grants: Grants {
                scopes: scope.map(|scope| [Box::from(scope)].into()),
                credential: Some(format!("auth.api_keys[{at}]").into()),
                ..Grants::default()
            },
            expires_at: None,
        });
        let table = KeyTable::of_config(entries.collect()).unwrap();
        let mut all: Vec<_> = table.all().into_iter().map(|key| (key, KeyState::Active)).collect();
        all.sort_by_key(|(key, _)| key.principal.grants.credential.clone());
        all
    }

    #[test]
    fn keys_of_one_name_are_one_if_they_grant_the_same() {
        let all = known(&[("ci", None), ("ci", None), ("ada", Some("read"))]);
        let found = key_of("ci", &all).unwrap().unwrap();
        assert_eq!(found.0.principal.grants.credential.as_deref(), Some("auth.api_keys[1]"));
        assert!(key_of("nobody", &all).unwrap().is_none());
        assert!(key_of("https://id.example.com#ci", &all).unwrap().is_none());
    }

    #[test]
    fn keys_that_differ_are_told_apart_by_their_places() {
        let all = known(&[("ci", None), ("ci", Some("read"))]);
        let error = key_of("ci", &all).unwrap_err().to_value().to_string();
        assert!(error.contains("`auth.api_keys[0]`, `auth.api_keys[1]`"), "{error}");
        let found = key_of("auth.api_keys[1]", &all).unwrap().unwrap();
        assert!(found.0.principal.grants.scopes.is_some());
    }

    #[test]
    fn a_whole_key_is_not_told_again() {
        let error = key_of("gk_aaaaaaaaaa_the-secret", &[]).unwrap_err().to_value().to_string();
        assert!(error.contains("gk_aaaaaaaaaa") && !error.contains("the-secret"), "{error}");
        let error = key_of("gk_aaaaaaaaaa", &[]).unwrap_err().to_value().to_string();
        assert!(error.contains("E0406"), "{error}");
    }
}
