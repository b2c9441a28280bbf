//! One server as the HTTP API is given it: the keys of `servers.NAME`, as JSON.
//!
//! The same schema and the same checks as for the file. Variables are not put in: who may make a
//! server may not read the gateway's environment or its files for that.

use std::path::Path as FilePath;

use gantry_core::ErrorCode;
use gantry_gateway::spec::UpstreamSpec;
use serde_json::Value;

use super::check::Checker;
use super::path::Path;
use super::problem::{Problem, Report};
use super::tree::Node;
use super::{names, raw, shape, upstream, without_echoes};

/// Checks an entry; relative paths begin at `folder`.
///
/// # Errors
///
/// Everything that is wrong with it.
pub(crate) fn check_entry(
    name: &str,
    entry: &Value,
    folder: &FilePath,
) -> Result<UpstreamSpec, Vec<Problem>> {
    let path = Path::root().key("servers").key(name);
    if let Some(problem) = names::check_public(name, &path) {
        return Err(vec![problem]);
    }
    let mut report = Report::default();
    let Some(mut node) = Node::from_json(entry, 0) else {
        let message = format!("`{path}` has too many levels");
        return Err(vec![Problem::new(ErrorCode::ConfigInvalidValue, &path, message)]);
    };
    node.for_each_scalar(&mut |inner, _, scalar| {
        if scalar.text.contains("${") {
            let message =
                format!("`{}` holds `${{`, which stands for a variable", path.join_all(inner));
            let problem =
                Problem::new(ErrorCode::ConfigInvalidValue, &path.join_all(inner), message);
            let hint = "variables are put into the file alone: send the value itself";
            report.push(problem.with_hint(Some(hint)));
        }
    });
    let fitted = shape::fit_server(&node, &path, &mut report);
    let raw: raw::Upstream = match serde_json::from_value(fitted) {
        Ok(raw) => raw,
        // Invariant: what fits the schema of a type can be read as the type.
        Err(error) => {
            let message = format!("`{path}` cannot be read: {error}");
            return Err(vec![Problem::new(ErrorCode::Internal, &path, message)]);
        }
    };
    let mut checker = Checker::new(None, folder);
    let spec = upstream::check(name, &raw, &mut checker);
    let mut problems = report.into_problems();
    problems.append(&mut without_echoes(checker.into_problems(), &problems));
    for problem in &mut problems {
        // Places belong to files.
        problem.location = None;
    }
    match spec {
        Some(spec) if problems.is_empty() => Ok(spec),
        _ => Err(problems),
    }
}

#[cfg(test)]
mod tests {
    use gantry_gateway::spec::Connection;
    use serde_json::{Value, json};

    use super::*;

    fn check(entry: &Value) -> Result<UpstreamSpec, Vec<String>> {
        let checked = check_entry("docs", entry, FilePath::new("/etc/gantry"));
        checked.map_err(|problems| problems.iter().map(|problem| problem.render(None)).collect())
    }

    #[test]
    fn an_entry_is_read_like_one_of_the_file() {
        let spec = check(&json!({
            "url": "https://docs.example.com/mcp",
            "headers": { "X-Key": "k" },
            "timeout": "5s",
            "tools": { "deny": ["delete_*"] },
            "enabled": false,
            "description": null,
        }))
        .unwrap();
        assert_eq!(spec.timeout.as_secs(), 5);
        assert_eq!((spec.enabled, spec.description), (false, None));
        assert_eq!(spec.tools.deny, ["delete_*"]);
        let spec = check(&json!({ "command": "./tool", "cwd": "data" })).unwrap();
        let Connection::Stdio { command, cwd, .. } = spec.connection else { panic!("stdio") };
        assert_eq!(command, "/etc/gantry/./tool");
        assert_eq!(cwd.unwrap(), FilePath::new("/etc/gantry/data"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_and_no_secret() {
        let problems = check(&json!({
            "url": "https://x/mcp", "comand": "1s", "timeout": 5, "era": "old",
            "env": { "KEY": ["hunter2"] },
        }));
        insta::assert_snapshot!(problems.unwrap_err().join("\n"), @r"
        unknown key `comand` in `servers.docs`; did you mean `command`?
        `servers.docs.era` must be one of `match`, `modern`, `legacy`, but is `old`
        `servers.docs.env.KEY` must be text, but is a list
        `servers.docs.timeout` must be a duration such as `15s`, but is `5`; write `5s`
        ");
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for (entry, expected) in [
            (json!([]), "must be a mapping"),
            (json!("https://x/mcp"), "must be a mapping"),
            (json!({}), "neither `command` nor `url`"),
            (json!({ "url": "http://x/${file:/etc/passwd}" }), "send the value itself"),
            (json!({ "url": "http://x/", "headers": { "a": "${HOME}" } }), "send the value itself"),
            (json!({ "url": "http://x/", "enabled": "yes" }), "`true` or `false`"),
        ] {
            let problems = check(&entry).unwrap_err();
            assert!(problems.iter().any(|found| found.contains(expected)), "{entry}: {problems:?}");
        }
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({ "a": deep });
        }
        assert!(check(&deep).unwrap_err()[0].contains("too many levels"));
        let name = check_entry("Docs", &json!({ "url": "http://x/" }), FilePath::new("/"));
        assert!(name.unwrap_err()[0].message.contains('D'));
    }
}
