//! The programs that servers are started with: whether they are there, and which versions.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use gantry_process::{CommandSpec, Launcher, Limits, is_inherited};
use gantry_server::config::Env;
use gantry_server::reach::Ground;

use super::{Finding, Subject};

/// Programs that run others, and are asked for their version when a server needs them.
const RUNNERS: [&str; 10] =
    ["node", "npx", "bun", "bunx", "deno", "python", "python3", "uv", "uvx", "docker"];
/// Many servers need a newer one.
const OLDEST_NODE: u64 = 20;
/// Longer than any of them takes to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// What runs the servers of the configuration is there. That a program is missing is said by the
/// check of the configuration.
pub(super) fn are_there(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(config) = subject.config() else { return Vec::new() };
    let mut runners: BTreeSet<&str> = BTreeSet::new();
    for spec in config.gateway.servers.iter().filter(|spec| spec.enabled) {
        let program = spec.connection.command().unwrap_or_default();
        let name = Path::new(program).file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| RUNNERS.contains(&name)) {
            runners.insert(program);
        }
        // What `npx` starts is run by the `node` beside it.
        if name == Some("npx") {
            runners.insert("node");
        }
    }
    let Ok(ground) = Ground::new() else { return Vec::new() };
    runners.into_iter().map(|program| version_of(program, &ground, &subject.env)).collect()
}

fn version_of(program: &str, ground: &Ground, env: &Env) -> Finding {
    let asked = async {
        tokio::time::timeout(PATIENCE, ask(program, env))
            .await
            .unwrap_or(Err("it hangs".to_owned()))
    };
    match ground.run(asked) {
        Err(reason) => Finding::warning(format!("`{program} --version` does not work: {reason}")),
        Ok(version) if program.ends_with("node") && is_old(&version) => {
            Finding::warning(format!("`{program}` is {version}; many servers need {OLDEST_NODE}"))
        }
        Ok(version) => Finding::good_one(format!("`{program}` is {version}")),
    }
}

async fn ask(program: &str, env: &Env) -> Result<String, String> {
    let inherited = env.names().filter(|name| is_inherited(name.as_ref()));
    let launcher = Launcher::new(
        inherited.filter_map(|name| Some((OsString::from(name), OsString::from(env.get(name)?)))),
    );
    let spec = CommandSpec {
        program: program.into(),
        args: vec!["--version".into()],
        ..CommandSpec::default()
    };
    let limits = Limits { max_line: 4096, ..Limits::default() };
    let mut child =
        launcher.start(&spec, &limits).await.map_err(|error| gantry_core::chain(&error))?;
    let line = child.stdout.next().await.map_err(|error| gantry_core::chain(&error))?;
    let exit = child.wait().await;
    match line {
        Some(line) if exit.is_success() => Ok(String::from_utf8_lossy(&line).trim().to_owned()),
        _ => Err(exit.to_string()),
    }
}

/// Tells whether a version such as `v18.2.0` is too old.
fn is_old(version: &str) -> bool {
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    major.parse::<u64>().is_ok_and(|major| major < OLDEST_NODE)
}

#[cfg(test)]
mod tests {
    use super::is_old;

    #[test]
    fn an_old_node_is_told_by_its_version() {
        assert!(is_old("v18.20.1") && !is_old("v22.1.0") && !is_old("what?"));
    }
}
