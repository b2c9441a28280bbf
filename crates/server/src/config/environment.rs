//! Variables of the environment by which other systems are configured, and what each means here.
//!
//! [`table`] has one row for each variable; parsing, the reference page ([`mod@reference`]) and the
//! tests come from it. A row fills a key that the file leaves out, has a meaning of its own, or says
//! why it does nothing. The file wins over all of them, because such names as `PORT` may stand in a
//! shell for another program; what starts with `GANTRY_` wins over the file and is no row here.
//!
//! Why generic names are treated as they are is in
//! `docs/decisions/0026-variables-of-other-systems.md`.

pub mod reference;
pub mod table;
pub(crate) mod value;

mod api_keys;

use std::fmt::Write as _;

use gantry_core::ErrorCode;

use super::env::Env;
use super::path::Path;
use super::problem::{Problem, Report};
use super::shape;
use super::tree::{Data, Node};
use table::{Effect, JWT_SECRET, ROWS, Row, State};

/// Sets the folder of files, as the configuration file of a Spring application.
const SPRING_LOCATION: &str = "SPRING_CONFIG_LOCATION";
/// Names one file.
const CONFIG_PATH: &str = "CONFIG_PATH";
/// Switches the endpoint of traces off, whatever it is.
const TELEMETRY: (&str, &str) = ("ENABLE_TELEMETRY", "TELEMETRY_ENDPOINT");

/// A key that a variable has filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The variable.
    pub variable: String,
    /// The key.
    pub path: Path,
}

/// A variable that is set and does nothing yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The variable.
    pub variable: String,
    /// Why.
    pub reason: String,
    /// It may well be meant for another program, and nothing else speaks for this one.
    pub is_doubtful: bool,
}

/// Fills what `root` leaves out, and tells from which variables.
pub(crate) fn fill(root: &mut Option<Node>, env: &Env, report: &mut Report) -> Vec<Filled> {
    let schema = shape::inlined_schema();
    let mut filled = Vec::new();
    for row in ROWS {
        let Effect::Fills { key, value, beside } = row.effect else { continue };
        let Some(text) = given(env, row.name) else { continue };
        let path = path_of(key);
        let is_wanted = shape::has_key(&schema, key)
            && beside.is_none_or(|other| is_set(root.as_ref(), &path_of(other)))
            && !is_set(root.as_ref(), &path)
            && !is_switched_off(row.name, env)
            && (key != JWT_SECRET || is_meant_for_us(row, root.as_ref(), env));
        if !is_wanted {
            continue;
        }
        match value::read(value, text, env) {
            Ok(data) => {
                let data = value::from_variable(data, row.name);
                if insert(root, &path, data) {
                    filled.push(Filled { variable: row.name.to_owned(), path });
                }
            }
            Err(expected) => report.push(refusal(row.name, &path, &expected)),
        }
    }
    filled.append(&mut api_keys::fill(root, env, report));
    filled
}

/// Returns the variables that are set and whose feature is still to come.
pub(crate) fn unused(env: &Env) -> Vec<Unused> {
    let schema = shape::inlined_schema();
    let mut unused = Vec::new();
    for row in ROWS {
        let (State::Later, Some(reason)) = row.state(&schema) else { continue };
        for variable in row.matching(env) {
            unused.push(Unused {
                variable: variable.to_owned(),
                reason: reason.clone(),
                is_doubtful: is_doubtful(row, env),
            });
        }
    }
    unused
}

/// Tells whether a common name may well be meant for another program: one name that only such a system
/// has says that the common ones are meant for it too.
fn is_doubtful(row: &Row, env: &Env) -> bool {
    let is_given = |row: &&Row| row.matching(env).next().is_some();
    row.is_generic
        && !ROWS.iter().filter(is_given).any(|other| !other.is_generic && other.shares(row))
}

/// Tells whether the secret of signed tokens is meant for the gateway. Another program's would open it
/// to whoever knows that.
fn is_meant_for_us(row: &Row, root: Option<&Node>, env: &Env) -> bool {
    let jwt = Path::root().key("auth").key("jwt");
    if is_set(root, &jwt) { !is_set(root, &jwt.key("jwks_url")) } else { !is_doubtful(row, env) }
}

/// The variable that may hold the secret of signed tokens and is set, whether or not it is taken.
pub(crate) fn given_secret(env: &Env) -> Option<&'static str> {
    let is_for_it =
        |row: &&Row| matches!(row.effect, Effect::Fills { key, .. } if key == JWT_SECRET);
    ROWS.iter().filter(is_for_it).map(|row| row.name).find(|name| given(env, name).is_some())
}

/// The files that a variable of another system names, and that variable. The first one is the main
/// file.
pub fn config_files(env: &Env) -> Option<(Vec<String>, &'static str)> {
    if let Some(path) = given(env, CONFIG_PATH) {
        return Some((vec![path.to_owned()], CONFIG_PATH));
    }
    let locations = given(env, SPRING_LOCATION)?;
    let files = spring_locations(locations);
    (!files.is_empty()).then_some((files, SPRING_LOCATION))
}

/// Adds to each problem of a filled key which variable it comes from.
pub(crate) fn name_variables(problems: &mut [Problem], filled: &[Filled]) {
    for problem in problems {
        let origin = filled.iter().find(|filled| filled.path.contains(&problem.path));
        if let Some(Filled { variable, .. }) = origin
            && !problem.message.contains(variable.as_str())
        {
            // Writing to a string cannot fail.
            let _ = write!(problem.message, ", set by the variable `{variable}`");
        }
    }
}

/// Reads a list of locations as Spring writes it. What stands inside a program's archive is not
/// there for anybody else, and a folder stands for the file in it.
fn spring_locations(text: &str) -> Vec<String> {
    let parts = text.split([',', ';']).map(str::trim);
    let files = parts.filter_map(|part| {
        let part = part.strip_prefix("optional:").unwrap_or(part);
        let path = part.strip_prefix("file:").unwrap_or(part);
        let is_usable = !path.is_empty() && !path.starts_with("classpath:");
        is_usable.then(|| match path.strip_suffix('/') {
            Some(folder) => format!("{folder}/application.yml"),
            None => path.to_owned(),
        })
    });
    files.collect()
}

/// A variable that is set to something.
fn given<'a>(env: &'a Env, name: &str) -> Option<&'a str> {
    env.get(name).map(str::trim).filter(|text| !text.is_empty())
}

fn is_switched_off(name: &str, env: &Env) -> bool {
    let (switch, subject) = TELEMETRY;
    name == subject && given(env, switch).is_some_and(|text| value::flag(text) == Some(false))
}

fn refusal(name: &str, path: &Path, expected: &str) -> Problem {
    let message = format!("the variable `{name}` must be {expected}, but is not");
    let hint = format!("correct it or unset it; `{path}` in the file wins over it");
    Problem::new(ErrorCode::EnvironmentInvalid, path, message).with_hint(Some(hint))
}

/// Reads `a.b.c` as a path.
fn path_of(key: &str) -> Path {
    key.split('.').fold(Path::root(), |path, step| path.key(step))
}

fn is_set(root: Option<&Node>, path: &Path) -> bool {
    root.is_some_and(|root| root.find(path).is_some())
}

/// Puts a value where there is none; `false` if something else is in the way.
fn insert(root: &mut Option<Node>, path: &Path, value: Node) -> bool {
    root.get_or_insert_with(|| Node::nowhere(Data::empty_mapping())).insert(path, value)
}

#[cfg(test)]
mod tests;
