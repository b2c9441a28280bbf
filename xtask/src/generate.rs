//! `cargo xtask gen`: files of the repository that the program itself writes.
//!
//! The code is the source; these files are kept in git so that readers, editors and reviews see them. Each is what one
//! command of `gantry` prints, so this file knows no content.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::shell;
use crate::workspace::Workspace;

/// One generated file.
struct Generated {
    path: &'static str,
    arguments: &'static [&'static str],
}

/// All of them.
const FILES: &[Generated] = &[
    Generated { path: "schema/config.json", arguments: &["config", "schema"] },
    Generated { path: "schema/openapi.json", arguments: &["__reference", "openapi"] },
    Generated { path: "docs/reference/api.md", arguments: &["__reference", "api"] },
    Generated { path: "docs/reference/cli.md", arguments: &["__reference", "cli"] },
    Generated {
        path: "docs/reference/compatibility.md",
        arguments: &["__reference", "compatibility"],
    },
    Generated { path: "docs/reference/config.md", arguments: &["__reference", "config"] },
    Generated { path: "docs/reference/env.md", arguments: &["__reference", "env"] },
    Generated { path: "docs/reference/errors.md", arguments: &["__reference", "errors"] },
    Generated { path: "docs/reference/metrics.md", arguments: &["__reference", "metrics"] },
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
    for file in FILES {
        let content = shell::capture(&mut gantry(workspace, &binary, file))
            .with_context(|| format!("failed to generate `{}`", file.path))?;
        let path = workspace.path(file.path);
        if fs::read_to_string(&path).is_ok_and(|present| present == content) {
            continue;
        }
        stale.push(file.path);
        if !check {
            let folder = path.parent().context("a generated file is in a folder")?;
            fs::create_dir_all(folder)
                .with_context(|| format!("failed to create `{}`", folder.display()))?;
            fs::write(&path, content)
                .with_context(|| format!("failed to write `{}`", file.path))?;
            println!("written: {}", file.path);
        }
    }
    if check && !stale.is_empty() {
        bail!(
            "generated files are stale: {}; run `cargo xtask gen` and commit what it writes",
            stale.join(", ")
        );
    }
    Ok(())
}

/// The command that prints one file, cut off from whatever gateway the developer has configured.
fn gantry(workspace: &Workspace, binary: &PathBuf, file: &Generated) -> Command {
    let mut command = shell::command(workspace, binary);
    command.args(file.arguments);
    for variable in ["GANTRY_CONFIG", "GANTRY_DATA_DIR", "GANTRY_LISTEN"] {
        command.env_remove(variable);
    }
    command
}
