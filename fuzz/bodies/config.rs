//! Configurations: refused with places and without secrets, or understood the same when they are
//! written down, and edited without any other change.
//!
//! A file of its own, because it needs the server: the target here and the replay among the
//! server's tests both include it.

use gantry_server::config::edit::{EditError, NewServer, add_server, remove_server};
use gantry_server::config::{Config, ConfigErrors, Env, Source};
use serde_json::Value;

/// The value of the one variable that is set. Too odd to be written by chance.
const SECRET: &str = "hunter2-Q7-hunter2-Q7";
const ADDED: &str = "added-by-fuzzing";

/// Reads a configuration whose environment has `TOKEN` alone.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse(text) {
        Err(errors) => check_refusal(text, &errors),
        Ok(config) => {
            check_written_down(&config);
            check_edit(text, &config);
        }
    }
    // A text that is refused may still be edited, or not, but without a panic.
    let _ = add_server(text, ADDED, &server());
    let _ = remove_server(text, "docs");
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, &Source::default(), &Env::from_pairs([("TOKEN", SECRET)]))
}

fn check_refusal(text: &str, errors: &ConfigErrors) {
    assert!(!errors.problems().is_empty(), "a refusal has a reason");
    let shown = format!("{errors} {errors:?}");
    assert!(text.contains(SECRET) || !shown.contains(SECRET), "a secret is shown: {shown}");
    // A line break of any kind counts, and the end may be meant.
    let most = text.chars().filter(|letter| "\r\n\u{85}\u{2028}\u{2029}".contains(*letter)).count();
    for problem in errors.problems() {
        assert!(!problem.message.is_empty());
        if let Some(place) = problem.location {
            assert!((1..=most + 2).contains(&place.line), "{place:?} of {most} line breaks");
            assert!(place.column >= 1, "{place:?}");
        }
    }
}

fn check_written_down(config: &Config) {
    let shown = config.normalized_yaml();
    if shown.contains("redacted") {
        return;
    }
    let again = parse(&shown).expect("what is written down can be read");
    assert_eq!(again.normalized_json(), config.normalized_json());
    assert_eq!(again.normalized_yaml(), shown);
}

fn check_edit(text: &str, config: &Config) {
    let added = match add_server(text, ADDED, &server()) {
        Ok(added) => added,
        Err(EditError::NotEditable { .. } | EditError::NameTaken { .. }) => return,
        Err(error) => unreachable!("the text was understood: {error:?}"),
    };
    let with = parse(&added).expect("an edit breaks nothing").normalized_json();
    assert_eq!(with["servers"][ADDED]["args"], serde_json::json!(["a: #b", "- \"", ""]));
    let mut without = with;
    without["servers"].as_object_mut().expect("an object").shift_remove(ADDED);
    assert_eq!(without, config.normalized_json(), "an edit changes nothing else");
    let removed = remove_server(&added, ADDED).expect("what was added can be removed");
    let end: Value = parse(&removed).expect("a removal breaks nothing").normalized_json();
    assert_eq!(end, config.normalized_json());
}

fn server() -> NewServer {
    let args = ["a: #b", "- \"", ""].map(str::to_owned).to_vec();
    NewServer::Stdio { command: "true".to_owned(), args, env: Vec::new() }
}
