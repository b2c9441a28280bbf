//! `gantry policy`: who may do what, as the running gateway decides it.

use serde_json::{Value, json};

use crate::cli::{ExplainAccess, PolicyCommand};
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

pub(crate) fn run(place: &Place, command: &PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::Explain(arguments) => explain(place, arguments),
    }
}

fn explain(place: &Place, arguments: &ExplainAccess) -> Result<(), Failure> {
    let purpose = format!("cannot explain the access to `{}`", arguments.tool);
    let question = question(arguments);
    let answer = remote::administering(place, &purpose, async |mut admin| {
        admin.post_json("/api/policy/explain", &question).await
    })?;
    if output::data(arguments.format, &answer)? {
        return Ok(());
    }
    let text = |key: &str| answer[key].as_str().unwrap_or_default();
    let done = match text("effect") {
        "allow" => "is allowed",
        "approve" => "needs an approval",
        _ => "is refused",
    };
    let (tool, principal) = (text("tool"), text("principal"));
    output::line(&format!("A call of `{tool}` by `{principal}` {done}: {}.", text("reason")))?;
    if let Some(line) = credential(&answer) {
        output::line(&line)?;
    }
    let seen = match (answer["server"].as_str(), answer["shown"].as_bool()) {
        (None, _) => "No server offers the tool now.".to_owned(),
        (Some(server), Some(true)) => format!("Lists show it, as a tool of `{server}`."),
        (Some(server), _) => format!("Lists do not show it; it is a tool of `{server}`."),
    };
    output::line(&seen)?;
    if let Some(description) = answer["description"].as_str() {
        let first = description.lines().next().unwrap_or_default();
        output::line(&format!(
            "Clients are told: {}",
            first.chars().take(200).collect::<String>()
        ))?;
    }
    let steps = answer["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    if steps.is_empty() {
        return output::line("No rule was looked at.");
    }
    let row = |step: &Value| {
        let cell = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
        vec![cell("rule"), cell("effect"), cell("matches"), cell("why")]
    };
    output::table(&["rule", "effect", "matches", "why"], &steps.iter().map(row).collect::<Vec<_>>())
}

/// Says which credential was found by the name, and what counted of it.
fn credential(answer: &Value) -> Option<String> {
    let name = answer["credential"].as_str()?;
    let state = answer["credential_state"].as_str().unwrap_or_default();
    let words = |key: &str| {
        let list = answer[key].as_array()?;
        let words: Vec<_> = list.iter().filter_map(Value::as_str).collect();
        (!words.is_empty()).then(|| words.join(" "))
    };
    let scopes = match &answer["scopes"] {
        Value::Null => "not limited by scopes".to_owned(),
        _ => format!("scopes {}", words("scopes").unwrap_or_else(|| "none".to_owned())),
    };
    let roles = words("roles").map(|roles| format!("; roles {roles}")).unwrap_or_default();
    let tier = answer["tier"].as_str().map(|tier| format!("; tier {tier}")).unwrap_or_default();
    let opens = if state == "active" { "" } else { ", so it is not let in at all" };
    Some(format!("Credential: {name}, {state}{opens}; {scopes}{roles}{tier}."))
}

fn question(arguments: &ExplainAccess) -> Value {
    let mut question = json!({
        "principal": arguments.principal,
        "tool": arguments.tool,
        "view": arguments.view.as_deref().unwrap_or_default(),
    });
    if let Some(given) = &arguments.arguments {
        question["arguments"] = Value::Object(given.clone());
    }
    if let Some(address) = arguments.address {
        question["address"] = json!(address.to_string());
    }
    if !arguments.roles.is_empty() {
        question["roles"] = json!(arguments.roles);
    }
    if !arguments.scopes.is_empty() {
        question["scopes"] = json!(arguments.scopes);
    }
    if let Some(tier) = &arguments.tier {
        question["tier"] = json!(tier);
    }
    question
}
