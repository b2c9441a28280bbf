//! `gantry tap`: what is said through the running gateway, a line for each message.
//!
//! Arrows run from the client to the server, and back: `->` asks, `<-` answers.

use std::fmt::Write as _;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_server::AdminError;
use serde_json::Value;

use crate::cli::{FormatName, Tap};
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

/// Columns, in characters; a longer cell moves what follows it.
const WHO: usize = 18;
const METHOD: usize = 22;

pub(crate) fn run(place: &Place, arguments: &Tap) -> Result<(), Failure> {
    let path = path(arguments);
    let watched = remote::administering(place, "cannot watch the gateway", async |admin| {
        let mut events = admin.events(&path).await?;
        while let Some(data) = events.next().await? {
            let event = serde_json::from_slice(&data)
                .map_err(|_| AdminError::Unreadable { path: path.clone() })?;
            if let Err(failure) = show(&event, arguments.format.format) {
                return Ok(Err(failure));
            }
        }
        Ok(Ok(()))
    });
    match watched {
        Ok(Ok(())) => Err(Failure::new("the gateway has ended").with_code(ErrorCode::GatewayGone)),
        Ok(Err(failure)) => Err(failure),
        // That is how one stops watching.
        Err(failure) if failure.is_interruption() => Ok(()),
        Err(failure) => Err(failure),
    }
}

fn path(arguments: &Tap) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(server) = &arguments.server {
        query.append_pair("server", server);
    }
    if let Some(tool) = &arguments.tool {
        query.append_pair("tool", tool);
    }
    if arguments.bodies {
        query.append_pair("bodies", "true");
    }
    if arguments.all {
        query.append_pair("all", "true");
    }
    format!("/api/admin/tap?{}", query.finish())
}

fn show(event: &Value, format: FormatName) -> Result<(), Failure> {
    if event["watching"] == true {
        output::aside("Watching; Ctrl-C ends it.\n");
        return Ok(());
    }
    match format {
        // A line for each, so that a program can read them as they come.
        FormatName::Json => output::line(&event.to_string()),
        FormatName::Yaml => {
            output::text(&gantry_server::config::to_yaml(&Value::Array(vec![event.clone()])))
        }
        FormatName::Table => match event["lost"].as_u64() {
            Some(lost) => output::line(&format!("... {lost} messages were too fast to be shown")),
            None => output::text(&line(event)),
        },
    }
}

fn line(event: &Value) -> String {
    let text = |key: &str| event[key].as_str().unwrap_or_default();
    let who = match (text("side"), event["server"].as_str(), event["principal"].as_str()) {
        (_, Some(server), _) if event["own"] == true => format!("own    {server}"),
        ("upstream", Some(server), _) => format!("server {server}"),
        ("upstream", None, _) => "server".to_owned(),
        (_, _, Some(principal)) => format!("client {principal}"),
        _ => "client".to_owned(),
    };
    let is_towards_server = (text("side") == "client") == (text("direction") == "in");
    let arrow = if is_towards_server { "->" } else { "<-" };
    let mut line = time(event["time"].as_u64().unwrap_or_default());
    // Writing to a string cannot fail.
    let _ = write!(line, "  {who:WHO$} {arrow} {:METHOD$}", text("method"));
    for (mark, key) in [("", "name"), ("#", "id"), ("", "outcome")] {
        if let Some(cell) = event[key].as_str() {
            let _ = write!(line, " {mark}{cell}");
        }
    }
    if let Some(micros) = event["micros"].as_u64() {
        let _ = write!(line, " {:.1} ms", Duration::from_micros(micros).as_secs_f64() * 1e3);
    }
    if let Some(reason) = event["reason"].as_str() {
        let _ = write!(line, ": {reason}");
    }
    let mut shown = output::printable(line.trim_end());
    if let Some(body) = event["body"].as_str() {
        let _ = write!(shown, "\n    {}", output::printable(body));
    }
    shown.push('\n');
    shown
}

/// Returns the time of day in UTC: `23:59:59.999`.
fn time(unix_milliseconds: u64) -> String {
    let (seconds, milliseconds) = (unix_milliseconds / 1000, unix_milliseconds % 1000);
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{milliseconds:03}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arrows_run_from_the_client_to_the_server_and_back() {
        let call = json!({
            "time": 86_399_999, "side": "client", "direction": "in", "kind": "request",
            "server": "git", "principal": "ann", "method": "tools/call", "name": "git__log",
            "id": "7",
        });
        assert_eq!(
            line(&call),
            "23:59:59.999  client ann         -> tools/call             git__log #7\n"
        );
        let answer = json!({
            "time": 0, "side": "upstream", "direction": "in", "kind": "answer", "server": "git",
            "method": "tools/call", "name": "log", "micros": 12_345, "outcome": "tool_error",
            "body": "{\"a\":\"\u{1b}\"}",
        });
        assert_eq!(
            line(&answer),
            "00:00:00.000  server git         <- tools/call             log tool_error 12.3 ms\n    {\"a\":\" \"}\n"
        );
    }

    #[test]
    fn what_is_picked_goes_into_the_path() {
        let picked = Tap {
            server: Some("git".to_owned()),
            tool: Some("git__* &x".to_owned()),
            bodies: true,
            all: true,
            format: crate::cli::Format { format: FormatName::Table },
        };
        assert_eq!(
            path(&picked),
            "/api/admin/tap?server=git&tool=git__*+%26x&bodies=true&all=true"
        );
    }
}
