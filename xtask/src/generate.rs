//! `cargo xtask gen`: files of the repository that the program itself writes.
//!
//! The code is the source; these files are kept in git so that readers, editors and reviews see them. Each is what one
//! command of `gantry` prints, so this file knows no content: not even how many services there are.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::shell;
use crate::workspace::Workspace;

/// One generated file.
struct Generated {
    path: String,
    arguments: Vec<String>,
}

/// All of them but the pages of services, each with the command that prints it.
const FILES: &[(&str, &[&str])] = &[
    ("schema/config.json", &["config", "schema"]),
    ("schema/openapi.json", &["__reference", "openapi"]),
    ("docs/reference/api.md", &["__reference", "api"]),
    ("docs/reference/cli.md", &["__reference", "cli"]),
    ("docs/reference/compatibility.md", &["__reference", "compatibility"]),
    ("docs/reference/config.md", &["__reference", "config"]),
    ("docs/reference/env.md", &["__reference", "env"]),
    ("docs/reference/errors.md", &["__reference", "errors"]),
    ("docs/reference/metrics.md", &["__reference", "metrics"]),
];

/// Which `gantry` writes the files.
#[derive(Debug, Clone)]
pub(crate) enum Binary {
    /// Build it first.
    Build,
    /// This one, just built.
    At(PathBuf),
}

/// Writes the files, or with `check` says which ones would change.
pub(crate) fn run(workspace: &Workspace, check: bool, binary: Binary) -> anyhow::Result<()> {
    let binary = match binary {
        Binary::At(path) => path,
        Binary::Build => {
            shell::run(shell::cargo(workspace).args([
                "build",
                "--quiet",
                "--package",
                "gantry-cli",
            ]))?;
            workspace.target("debug/gantry")
        }
    };
    let mut stale = Vec::new();
    for file in files(workspace, &binary)? {
        let content = shell::capture(&mut gantry(workspace, &binary, &file.arguments))
            .with_context(|| format!("failed to generate `{}`", file.path))?;
        let path = workspace.path(&file.path);
        if fs::read_to_string(&path).is_ok_and(|present| present == content) {
            continue;
        }
        if !check {
            let folder = path.parent().context("a generated file is in a folder")?;
            fs::create_dir_all(folder)
                .with_context(|| format!("failed to create `{}`", folder.display()))?;
            fs::write(&path, content)
                .with_context(|| format!("failed to write `{}`", file.path))?;
            println!("written: {}", file.path);
        }
        stale.push(file.path);
    }
    if check && !stale.is_empty() {
        bail!(
            "generated files are stale: {}; run `cargo xtask gen` and commit what it writes",
            stale.join(", ")
        );
    }
    Ok(())
}

/// Returns every file: those of the list, and a page for each service that the program knows.
fn files(workspace: &Workspace, binary: &PathBuf) -> anyhow::Result<Vec<Generated>> {
    let mut files: Vec<Generated> = FILES
        .iter()
        .map(|(path, arguments)| Generated {
            path: (*path).to_owned(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        })
        .collect();
    let list = ["services", "list", "--format", "json"].map(str::to_owned);
    let services = shell::capture(&mut gantry(workspace, binary, &list))?;
    let services: Vec<serde_json::Value> =
        serde_json::from_str(&services).context("failed to read the list of services")?;
    for service in services {
        let name = service["name"].as_str().context("a service has a name")?;
        files.push(Generated {
            path: format!("docs/services/{name}.md"),
            arguments: ["__reference", "service", name].map(str::to_owned).to_vec(),
        });
    }
    Ok(files)
}

/// A command that prints something, cut off from whatever gateway the developer has configured.
fn gantry(workspace: &Workspace, binary: &PathBuf, arguments: &[String]) -> Command {
    let mut command = shell::command(workspace, binary);
    command.args(arguments);
    for variable in ["GANTRY_CONFIG", "GANTRY_DATA_DIR", "GANTRY_LISTEN"] {
        command.env_remove(variable);
    }
    command
}
