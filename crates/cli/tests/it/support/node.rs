//! The peers from npm and `PyPI`, where `cargo xtask setup` has put them. A test that misses one
//! fails: nothing is skipped in silence.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::process;

const HINT: &str = "hint: `cargo xtask setup` installs what the tests need";

/// A Node that is new enough for all packages.
#[track_caller]
pub(crate) fn node() -> PathBuf {
    found("GANTRY_TEST_NODE", "node/node_modules/.bin/node")
}

/// The folder of the npm packages.
#[track_caller]
pub(crate) fn modules() -> PathBuf {
    found("GANTRY_TEST_NODE_MODULES", "node/node_modules")
}

/// A Python that has the packages from `PyPI`.
#[track_caller]
pub(crate) fn python() -> PathBuf {
    found("GANTRY_TEST_PYTHON", "python/bin/python")
}

/// The file `path` of the npm package `package`.
#[track_caller]
pub(crate) fn package(package: &str, path: &str) -> PathBuf {
    let file = modules().join(package).join(path);
    assert!(
        file.is_file(),
        "the npm package `{package}` is missing at `{}`\n{HINT}",
        file.display()
    );
    file
}

/// A command that runs the JavaScript file `script`, which may require any of the packages.
#[track_caller]
pub(crate) fn script(script: impl AsRef<OsStr>) -> Command {
    let mut command = process::command(node());
    command.env("NODE_PATH", modules()).arg(script);
    command
}

/// Where `variable` says, or the place under `target/peers` where it is put by default.
#[track_caller]
fn found(variable: &str, default: &str) -> PathBuf {
    let path = match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => target().join("peers").join(default),
    };
    assert!(
        path.exists(),
        "`{}` does not exist, which ${variable} would name\n{HINT}",
        path.display()
    );
    path
}

/// The workspace's `target` folder, in which the gateway's binary has been built.
fn target() -> &'static Path {
    let folders = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    folders.expect("cargo makes the temporary folder inside the target folder")
}
