//! Changes the configuration file by spans, so that comments, order and every other byte stay.
//!
//! Whole entries of `servers` are added and removed, as lines of their own, and switched on and off.
//! What is written in another way (braces, anchors, aliases) is refused with a sentence rather than
//! rewritten.
//! Every edit proves itself: the new text is read again, and must hold what the old one held and the
//! change, or nothing is written.

mod file;
mod lines;

use gantry_core::ErrorCode;
use serde_json::{Map, Value};

use super::foreign::is_foreign;
use super::names;
use super::path::Path;
use super::problem::{ConfigErrors, Report, did_you_mean};
use super::tree::{self, Data, Entry, Node};
use super::yaml_writer;

pub use file::{FileError, edit_file, replace_file};

/// The indentation of files that do not show one.
const STEP: usize = 2;

/// A server as it is added: texts as they stand in the file, variables not yet put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewServer {
    /// A child process.
    Stdio {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables for it.
        env: Vec<(String, String)>,
    },
    /// A server that speaks Streamable HTTP.
    Http {
        /// Its address.
        url: String,
        /// Headers for every request.
        headers: Vec<(String, String)>,
    },
}

/// Why a file was not edited.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Nothing can be kept in a file that cannot be read.
    #[error("the file has mistakes that must be corrected first")]
    Invalid {
        /// The mistakes.
        #[source]
        source: ConfigErrors,
    },
    /// The name is none.
    #[error("{message}")]
    InvalidName {
        /// What is wrong with it.
        message: String,
    },
    /// There is such an entry.
    #[error("`servers.{name}` is already there, in line {line}")]
    NameTaken {
        /// The name.
        name: String,
        /// Where it is.
        line: usize,
    },
    /// There is no such entry.
    #[error("there is no `servers.{name}`")]
    UnknownName {
        /// The name.
        name: String,
        /// What may be meant.
        hint: Option<String>,
    },
    /// The new entry could not be used.
    #[error("the entry would have mistakes")]
    Unusable {
        /// The mistakes.
        #[source]
        source: ConfigErrors,
    },
    /// It is written in a way that is not edited.
    #[error("the file cannot be edited safely: {reason}")]
    NotEditable {
        /// In which way.
        reason: String,
    },
}

impl EditError {
    /// Returns the code under which the cause is explained.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { source } | Self::Unusable { source } => {
                source.codes().first().copied().unwrap_or(ErrorCode::ConfigSyntax)
            }
            Self::InvalidName { .. } => ErrorCode::ConfigInvalidValue,
            Self::NameTaken { .. } => ErrorCode::ConfigNameTaken,
            Self::UnknownName { .. } => ErrorCode::UnknownServer,
            Self::NotEditable { .. } => ErrorCode::ConfigNotEditable,
        }
    }
}

/// Returns `text` with one more entry of `servers`, after the last one.
///
/// # Errors
///
/// The name is invalid or taken, the text has mistakes, or `servers` is written in braces.
pub fn add_server(text: &str, name: &str, server: &NewServer) -> Result<String, EditError> {
    names::check_name(name).map_err(|message| EditError::InvalidName { message })?;
    let old = read(text)?;
    let entry = server.to_json();
    let block = |indent: usize, step: usize| {
        let mut lines = String::new();
        let members = Map::from_iter([(name.to_owned(), entry.clone())]);
        yaml_writer::block(&mut lines, &Value::Object(members), indent, step);
        lines
    };
    let mut new = text.to_owned();
    match servers(old.as_ref())? {
        Servers::Absent { indent, step } => {
            let pad = " ".repeat(indent);
            lines::append(&mut new, &format!("{pad}servers:\n{}", block(indent + step, step)));
        }
        Servers::Empty { entry, indent, step } => {
            // What stands for nothing goes away, and the lines follow the key.
            let after = lines::end_after(text, entry.key_bytes.end);
            lines::insert(&mut new, after, &block(indent + step, step));
            if entry.value.bytes.start >= entry.key_bytes.end && entry.value.bytes.end <= after {
                new.replace_range(entry.value.bytes.clone(), "");
            }
        }
        Servers::Block { entries, step } => {
            if let Some(taken) = entries.iter().find(|entry| entry.key == name) {
                let line = taken.key_at.line;
                return Err(EditError::NameTaken { name: name.to_owned(), line });
            }
            // Invariant: a mapping in block style has an entry.
            let (first, last) = (&entries[0], &entries[entries.len() - 1]);
            let indent = first.key_at.column - 1;
            let step = entries.iter().find_map(step_of).unwrap_or(step);
            let after = lines::end_of_entry(text, last, indent);
            lines::insert(&mut new, after, &block(indent, step));
        }
    }
    let mut expected = content(old.as_ref());
    entry_of(&mut expected, "servers").insert(name.to_owned(), entry);
    prove(&new, &expected)?;
    Ok(new)
}

/// Returns `text` without one entry of `servers`; comments above the entry stay.
///
/// # Errors
///
/// There is no such entry, the text has mistakes, or `servers` is written in braces.
pub fn remove_server(text: &str, name: &str) -> Result<String, EditError> {
    let old = read(text)?;
    let unknown = |known: &[Entry]| EditError::UnknownName {
        name: name.to_owned(),
        hint: did_you_mean(name, known.iter().map(|entry| entry.key.as_str())),
    };
    let Servers::Block { entries, .. } = servers(old.as_ref())? else { return Err(unknown(&[])) };
    let Some(entry) = entries.iter().find(|entry| entry.key == name) else {
        return Err(unknown(entries));
    };
    if has_shared(&entry.value) {
        let reason = format!("`servers.{name}` has an anchor or an alias");
        return Err(EditError::NotEditable { reason });
    }
    let start = lines::start_of(text, entry.key_bytes.start);
    let end = lines::end_of_entry(text, entry, entry.key_at.column - 1);
    let mut new = text.to_owned();
    new.replace_range(start..end, "");
    let mut expected = content(old.as_ref());
    entry_of(&mut expected, "servers").shift_remove(name);
    prove(&new, &expected)?;
    Ok(new)
}

/// Returns `text` with one entry of `servers` switched on or off by its `enabled`; the same text if
/// it is so already.
///
/// # Errors
///
/// There is no such entry, the text has mistakes, or `enabled` is written in a way that is not
/// edited.
pub fn set_enabled(text: &str, name: &str, enabled: bool) -> Result<String, EditError> {
    let old = read(text)?;
    let entry = server_entry(old.as_ref(), name)?;
    let refuse = |reason: &str| {
        let reason = format!("`servers.{name}` {reason}");
        Err(EditError::NotEditable { reason })
    };
    if has_shared(&entry.value) {
        return refuse("has an anchor or an alias");
    }
    let Data::Mapping { entries, is_flow } = &entry.value.data else {
        return refuse("is no mapping");
    };
    let word = if enabled { "true" } else { "false" };
    let mut new = text.to_owned();
    match (entry.value.entry("enabled").map(|known| &known.value), entries.last()) {
        (Some(value), _) => match &value.data {
            Data::Scalar(scalar) if scalar.text == word => return Ok(new),
            Data::Scalar(scalar) if matches!(scalar.text.as_str(), "true" | "false") => {
                new.replace_range(value.bytes.clone(), word);
            }
            _ => return refuse("has an `enabled` that is neither `true` nor `false`"),
        },
        // What is not said is so by default.
        (None, _) if enabled => return Ok(new),
        (None, None) => return refuse("is empty"),
        (None, Some(last)) if *is_flow => {
            let value = &last.value.bytes;
            let end = if value.is_empty() { last.key_bytes.end } else { value.end };
            new.insert_str(end, &format!(", enabled: {word}"));
        }
        (None, Some(last)) => {
            let indent = last.key_at.column - 1;
            let after = lines::end_of_entry(text, entry, entry.key_at.column - 1);
            lines::insert(&mut new, after, &format!("{}enabled: {word}\n", " ".repeat(indent)));
        }
    }
    let mut expected = content(old.as_ref());
    entry_of(&mut expected, "servers")[name]["enabled"] = word.into();
    prove(&new, &expected)?;
    Ok(new)
}

/// Tells whether a text has this entry of `servers`.
pub fn has_server(text: &str, name: &str) -> bool {
    read(text).is_ok_and(|root| server_entry(root.as_ref(), name).is_ok())
}

fn server_entry<'a>(root: Option<&'a Node>, name: &str) -> Result<&'a Entry, EditError> {
    let servers = root.and_then(|root| root.entry("servers")).map(|entry| &entry.value);
    let known = match servers.map(|servers| &servers.data) {
        Some(Data::Mapping { entries, .. }) => entries.as_slice(),
        _ => &[],
    };
    known.iter().find(|entry| entry.key == name).ok_or_else(|| EditError::UnknownName {
        name: name.to_owned(),
        hint: did_you_mean(name, known.iter().map(|entry| entry.key.as_str())),
    })
}

/// How `servers` is written.
enum Servers<'a> {
    Absent { indent: usize, step: usize },
    Empty { entry: &'a Entry, indent: usize, step: usize },
    Block { entries: &'a [Entry], step: usize },
}

fn servers(root: Option<&Node>) -> Result<Servers<'_>, EditError> {
    let refuse = |reason: &str| Err(EditError::NotEditable { reason: reason.to_owned() });
    let Some(root) = root else {
        return Ok(Servers::Absent { indent: 0, step: STEP });
    };
    let members = match &root.data {
        // What an anchor on nothing stands for would change with the first entry.
        _ if root.is_shared => return refuse("it has an anchor as a whole"),
        Data::Scalar(scalar) if scalar.is_null() => {
            return Ok(Servers::Absent { indent: 0, step: STEP });
        }
        Data::Mapping { entries, is_flow: false } => entries,
        Data::Mapping { .. } => return refuse("it is written in braces"),
        Data::Scalar(_) | Data::Sequence { .. } => return refuse("it is no mapping"),
    };
    let indent = members.first().map_or(0, |first| first.key_at.column - 1);
    let step = members.iter().find_map(step_of).unwrap_or(STEP);
    let Some(entry) = root.entry("servers") else { return Ok(Servers::Absent { indent, step }) };
    match &entry.value.data {
        _ if entry.value.is_shared => refuse("`servers` is an alias or has an anchor"),
        Data::Mapping { entries, is_flow: true } if !entries.is_empty() => {
            refuse("`servers` is written in braces; write each entry on lines of its own")
        }
        Data::Mapping { entries, is_flow: false } => Ok(Servers::Block { entries, step }),
        Data::Mapping { .. } => Ok(Servers::Empty { entry, indent, step }),
        Data::Scalar(scalar) if scalar.is_null() => Ok(Servers::Empty { entry, indent, step }),
        Data::Scalar(_) | Data::Sequence { .. } => refuse("`servers` is no mapping"),
    }
}

/// Returns by how much the members of an entry are indented.
fn step_of(entry: &Entry) -> Option<usize> {
    match &entry.value.data {
        Data::Mapping { entries, is_flow: false } if !entry.value.is_shared => {
            let inner = entries.first()?.key_at.column;
            inner.checked_sub(entry.key_at.column).filter(|step| *step > 0)
        }
        _ => None,
    }
}

fn has_shared(node: &Node) -> bool {
    node.is_shared
        || match &node.data {
            Data::Scalar(_) => false,
            Data::Sequence { entries } => entries.iter().any(has_shared),
            Data::Mapping { entries, .. } => entries.iter().any(|entry| has_shared(&entry.value)),
        }
}

fn read(text: &str) -> Result<Option<Node>, EditError> {
    let mut report = Report::default();
    if is_foreign(text) {
        let reason = "it is another system's file; `gantry import` makes one of ours from it";
        return Err(EditError::NotEditable { reason: reason.to_owned() });
    }
    let root = tree::parse(text, &mut report);
    let mut problems = report.into_problems();
    match root {
        Ok(root) if problems.is_empty() => return Ok(root),
        Ok(_) => {}
        Err(problem) => problems.push(problem),
    }
    Err(EditError::Invalid { source: ConfigErrors::new(None, problems) })
}

/// Refuses a text that does not hold what it should.
fn prove(text: &str, expected: &Value) -> Result<(), EditError> {
    let is_right = read(text).is_ok_and(|root| {
        let mut found = content(root.as_ref());
        // Cut in the wrong place, a mapping may be left as a mere text.
        if found.is_object() {
            entry_of(&mut found, "servers");
        }
        found == *expected
    });
    if is_right {
        return Ok(());
    }
    let reason = "the change would alter other parts of it; make it by hand".to_owned();
    Err(EditError::NotEditable { reason })
}

/// Returns what a tree says, without places: an object of texts.
fn content(root: Option<&Node>) -> Value {
    match root.map(value_of) {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(value) => value,
    }
}

fn value_of(node: &Node) -> Value {
    match &node.data {
        Data::Scalar(scalar) if scalar.is_null() => Value::Null,
        Data::Scalar(scalar) => Value::String(scalar.text.clone()),
        Data::Sequence { entries } => entries.iter().map(value_of).collect(),
        Data::Mapping { entries, .. } => {
            let members = entries.iter().map(|entry| (entry.key.clone(), value_of(&entry.value)));
            Value::Object(members.collect())
        }
    }
}

/// Returns a member as an object, making it one if it is nothing.
fn entry_of<'a>(value: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !value[key].is_object() {
        value[key] = Value::Object(Map::new());
    }
    // Invariant: it was made an object one line above.
    value[key].as_object_mut().expect("an object that was just made")
}

impl NewServer {
    fn to_json(&self) -> Value {
        let pairs = |pairs: &[(String, String)]| {
            let members =
                pairs.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
            Value::Object(members.collect())
        };
        let mut entry = Map::new();
        match self {
            Self::Stdio { command, args, env } => {
                entry.insert("command".to_owned(), Value::String(command.clone()));
                if !args.is_empty() {
                    entry.insert("args".to_owned(), args.iter().cloned().collect());
                }
                if !env.is_empty() {
                    entry.insert("env".to_owned(), pairs(env));
                }
            }
            Self::Http { url, headers } => {
                entry.insert("url".to_owned(), Value::String(url.clone()));
                if !headers.is_empty() {
                    entry.insert("headers".to_owned(), pairs(headers));
                }
            }
        }
        Value::Object(entry)
    }
}

/// Returns the path of a server's entry, to find what [`ConfigErrors`] says about it.
pub fn path_of(name: &str) -> Path {
    Path::root().key("servers").key(name)
}

#[cfg(test)]
mod tests;
