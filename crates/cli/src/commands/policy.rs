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
    let seen = match (answer["server"].as_str(), answer["shown"].as_bool()) {
        (None, _) => "No server offers the tool now.".to_owned(),
        (Some(server), Some(true)) => format!("Lists show it, as a tool of `{server}`."),
        (Some(server), _) => format!("Lists do not show it; it is a tool of `{server}`."),
    };
    output::line(&seen)?;
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

fn question(arguments: &ExplainAccess) -> Value {
    let mut question = json!({
        "principal": arguments.principal,
        "tool": arguments.tool,
        "roles": arguments.roles,
        "view": arguments.view.as_deref().unwrap_or_default(),
    });
    if let Some(given) = &arguments.arguments {
        question["arguments"] = Value::Object(given.clone());
    }
    if let Some(address) = arguments.address {
        question["address"] = json!(address.to_string());
    }
    if !arguments.scopes.is_empty() {
        question["scopes"] = json!(arguments.scopes);
    }
    if let Some(tier) = &arguments.tier {
        question["tier"] = json!(tier);
    }
    question
}
