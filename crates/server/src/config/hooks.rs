//! `hooks`: what looks at calls of tools and at their results, checked and compiled.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_policy::hooks::{Action, HookSpec, Hooks, HooksSpec, WebhookSpec};
use serde_json::{Map, Value, json};

use super::check::Checker;
use super::path::Path;
use super::problem::Problem;
use super::show::REDACTED;
use super::{raw, units, upstream};

const LONGEST_NAME: usize = 64;
const LONGEST_REASON: usize = 300;
const MOST_HOOKS: usize = 100;
const MOST_POINTERS: usize = 100;
/// A shorter one can be guessed from a single signature.
const SHORTEST_SECRET: usize = 16;
const DEADLINES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(30));

/// Checks `hooks`.
pub(crate) fn check(raw: &raw::Hooks, checker: &mut Checker<'_>) -> Arc<Hooks> {
    let path = Path::root().key("hooks");
    let mut names = HashSet::new();
    let mut places = [Vec::new(), Vec::new()];
    let mut take = |key: &str, written: &[raw::Hook], places: &mut Vec<usize>| {
        let at = path.key(key);
        if written.len() > MOST_HOOKS {
            checker.conflict(&at, format!("`{at}` has more than {MOST_HOOKS} hooks"), None);
        }
        let mut taken = Vec::new();
        for (index, hook) in written.iter().enumerate() {
            let is_known = hook.name.as_ref().is_some_and(|name| !names.insert(name.clone()));
            if let Some(hook) = one(hook, is_known, &at.index(index), checker) {
                taken.push(hook);
                places.push(index);
            }
        }
        taken
    };
    let [of_requests, of_results] = &mut places;
    let requests = take("requests", &raw.requests, of_requests);
    let results = take("results", &raw.results, of_results);
    let errors = match Hooks::compile(HooksSpec { requests, results }) {
        Ok(hooks) => return Arc::new(hooks),
        Err(errors) => errors,
    };
    for error in errors {
        let key = if error.is_of_results { "results" } else { "requests" };
        // A hook that is refused is left out, and the places of the others shift.
        let place = places[usize::from(error.is_of_results)].get(error.index).copied();
        let at = path.key(key).index(place.unwrap_or(error.index));
        let message = format!("`{at}` cannot be used: {}", error.source);
        checker.push(Problem::new(ErrorCode::ConfigInvalidValue, &at, message));
    }
    Arc::default()
}

fn one(raw: &raw::Hook, is_known: bool, at: &Path, checker: &mut Checker<'_>) -> Option<HookSpec> {
    let Some(name) = &raw.name else {
        checker.conflict(at, format!("`{at}` has no `name`"), None);
        return None;
    };
    let is_printable = name.chars().all(|character| !character.is_control());
    if name.trim().is_empty() || name.len() > LONGEST_NAME || !is_printable {
        checker.invalid(&at.key("name"), name, "1 to 64 characters");
    }
    if is_known {
        let message = format!("`{}` is the name of another hook, too", at.key("name"));
        let hint = "refusals and records call hooks by their names; rename one";
        checker.conflict(&at.key("name"), message, Some(hint));
    }
    Some(HookSpec {
        name: name.clone(),
        tools: upstream::patterns(&raw.tools, &at.key("tools"), checker),
        servers: upstream::patterns(&raw.servers, &at.key("servers"), checker),
        when: raw.when.clone(),
        action: action(raw, at, checker)?,
    })
}

fn action(raw: &raw::Hook, at: &Path, checker: &mut Checker<'_>) -> Option<Action> {
    let redacts = !raw.redact.is_empty() || raw.redact_text.is_some();
    let given = [
        ("deny", raw.deny.is_some()),
        ("redact", redacts),
        ("webhook", raw.webhook.is_some()),
        ("secret", raw.secret),
    ];
    let given: Vec<_> =
        given.iter().filter(|(_, is_given)| *is_given).map(|(key, _)| *key).collect();
    let [key] = given.as_slice() else {
        let found = if given.is_empty() { "nothing".to_owned() } else { given.join(" and ") };
        let message = format!("`{at}` must do one thing, and does {found}");
        let hint = "give it one of `deny`, `redact` with `redact_text`, `webhook` and `secret`";
        checker.conflict(at, message, Some(hint));
        return None;
    };
    match (&raw.deny, &raw.webhook) {
        (Some(reason), _) => {
            let is_shown = |character: char| !character.is_control();
            if reason.len() > LONGEST_REASON || !reason.chars().all(is_shown) {
                checker.invalid(&at.key("deny"), reason, "one line of at most 300 bytes");
            }
            Some(Action::Deny(reason.clone()))
        }
        (_, Some(raw)) => webhook(raw, &at.key("webhook"), checker).map(Action::Webhook),
        _ if *key == "redact" => {
            if raw.redact.len() > MOST_POINTERS {
                let at = at.key("redact");
                checker.conflict(&at, format!("`{at}` has more than {MOST_POINTERS} places"), None);
            }
            let (pointers, text) = (raw.redact.clone(), raw.redact_text.clone());
            Some(Action::Redact { pointers, text })
        }
        _ => {
            if raw.when.is_some() {
                let message = format!("`{at}` has both `secret` and `when`");
                let hint =
                    "what is secret must be known before a call is looked at; leave `when` out";
                checker.conflict(&at.key("when"), message, Some(hint));
            }
            Some(Action::Secret)
        }
    }
}

fn webhook(raw: &raw::Webhook, at: &Path, checker: &mut Checker<'_>) -> Option<WebhookSpec> {
    let deadline = checker.duration(&at.key("deadline"), &raw.deadline, DEADLINES);
    let is_short = |secret: &String| secret.len() < SHORTEST_SECRET;
    if raw.secret.as_ref().is_some_and(is_short) {
        let at = at.key("secret");
        let message = format!("`{at}` must have at least {SHORTEST_SECRET} bytes");
        let hint = "`openssl rand -base64 32` makes a good one";
        checker
            .push(Problem::new(ErrorCode::ConfigInvalidValue, &at, message).with_hint(Some(hint)));
    }
    let Some(url) = &raw.url else {
        checker.conflict(at, format!("`{at}` has no `url`"), None);
        return None;
    };
    let url = upstream::address(url, &at.key("url"), checker)?;
    Some(WebhookSpec {
        url: url.into(),
        deadline,
        passes_on_failure: raw.on_failure == raw::HookFailure::Pass,
        secret: raw.secret.clone(),
    })
}

/// Writes down what was understood.
pub(crate) fn show(spec: &HooksSpec) -> Value {
    let all = |hooks: &[HookSpec]| hooks.iter().map(shown).collect::<Vec<_>>();
    json!({ "requests": all(&spec.requests), "results": all(&spec.results) })
}

fn shown(hook: &HookSpec) -> Value {
    let mut shown = Map::new();
    shown.insert("name".into(), json!(hook.name));
    for (key, patterns) in [("tools", &hook.tools), ("servers", &hook.servers)] {
        if !patterns.is_empty() {
            shown.insert(key.into(), json!(patterns));
        }
    }
    if let Some(when) = &hook.when {
        shown.insert("when".into(), json!(when));
    }
    match &hook.action {
        Action::Deny(reason) => _ = shown.insert("deny".into(), json!(reason)),
        Action::Redact { pointers, text } => {
            if !pointers.is_empty() {
                shown.insert("redact".into(), json!(pointers));
            }
            if let Some(text) = text {
                shown.insert("redact_text".into(), json!(text));
            }
        }
        Action::Webhook(webhook) => {
            let on_failure = if webhook.passes_on_failure { "pass" } else { "refuse" };
            let mut told = json!({
                "url": super::show::hidden_query(&webhook.url),
                "deadline": units::format_duration(webhook.deadline),
                "on_failure": on_failure,
            });
            if webhook.secret.is_some() {
                told["secret"] = json!(REDACTED);
            }
            shown.insert("webhook".into(), told);
        }
        Action::Secret => _ = shown.insert("secret".into(), json!(true)),
    }
    Value::Object(shown)
}
