//! Puts variables into the values of a configuration: `${VAR}`, `${VAR:default}`, `${file:PATH}`.
//!
//! It works on the tree, after the text was parsed, so that no value of a variable can change the
//! structure of the file; what is put in is not searched again. `$${` stands for `${`. Keys are left
//! as they are.

use std::path::Path as FilePath;

use gantry_core::ErrorCode;

use super::env::{Env, read_value_file};
use super::path::Path;
use super::problem::{Problem, Report, did_you_mean};
use super::tree::Node;

/// Replaces every variable in `root`; relative files are looked up beside the configuration.
pub(crate) fn substitute(root: &mut Node, env: &Env, folder: &FilePath, report: &mut Report) {
    root.for_each_scalar(&mut |path, at, scalar| {
        if !scalar.text.contains("${") {
            return;
        }
        match expand(&scalar.text, path, env, folder) {
            Ok(text) => {
                let written = std::mem::replace(&mut scalar.text, text);
                scalar.written = Some(written);
            }
            Err(problem) => report.push(problem.at(at)),
        }
    });
}

/// Returns a text with its variables put in.
///
/// # Errors
///
/// A variable has no value, or is none.
pub(crate) fn expand(
    text: &str,
    path: &Path,
    env: &Env,
    folder: &FilePath,
) -> Result<String, Problem> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            let message = format!("`{path}` opens `${{` and does not close it");
            return Err(Problem::new(ErrorCode::ConfigInvalidValue, path, message)
                .with_hint(Some("write `$${` for the characters `${` themselves")));
        };
        out.push_str(&value(inside, path, env, folder)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn value(inside: &str, path: &Path, env: &Env, folder: &FilePath) -> Result<String, Problem> {
    let (name, default) = match inside.split_once(':') {
        Some(("file", file)) => {
            return read_value_file(folder, file).map_err(|error| {
                let message = format!("`{path}` has no value: {error}");
                Problem::new(ErrorCode::ConfigMissingVariable, path, message)
            });
        }
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_variable_name(name) {
        let message = format!("`{path}` names a variable `{name}`, which is no variable name");
        return Err(Problem::new(ErrorCode::ConfigInvalidValue, path, message)
            .with_hint(Some("write `$${` for the characters `${` themselves")));
    }
    match (env.get(name), default) {
        // As in a shell's `${VAR:-default}`: what is set to nothing has no value.
        (Some("") | None, Some(default)) => Ok(default.to_owned()),
        (Some(value), _) => Ok(value.to_owned()),
        (None, None) => {
            let message = format!("`{path}` needs the variable `{name}`, which is not set");
            let hint = did_you_mean(name, env.names())
                .unwrap_or_else(|| format!("set it, or give a default: `${{{name}:default}}`"));
            Err(Problem::new(ErrorCode::ConfigMissingVariable, path, message).with_hint(Some(hint)))
        }
    }
}

fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
