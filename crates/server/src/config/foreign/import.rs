//! Writes a foreign file down as `gantry.yaml`, for `gantry import`.

use std::path::Path as FilePath;

use gantry_core::ErrorCode;
use serde_json::{Map, Value};

use super::super::env::Env;
use super::super::path::Path;
use super::super::problem::{ConfigErrors, Problem, Report};
use super::super::shape::{self, Kind};
use super::super::tree::{Data, Entry, Node, Scalar};
use super::super::{Config, Source, folder_of, read_file, yaml_writer};
use super::note::Note;
use super::reading;
use super::recognise::{self, Format};

/// Keys whose values are paths that begin at the file's folder.
const PATHS: [&str; 6] = [
    "server.https.certificate",
    "server.https.key",
    "server.https.keystore",
    "server.socket",
    "log.file",
    "audit.file",
];
/// What the new file is called where nobody says.
const OUR_NAME: &str = "gantry.yaml";
/// What names of secrets have in them, in small letters.
const SECRET_WORDS: [&str; 8] =
    ["key", "token", "secret", "passw", "auth", "credential", "cookie", "uri"];

/// A foreign file as a file of ours.
#[derive(Debug)]
pub struct Imported {
    /// The text of the new file.
    pub text: String,
    /// Whose file it was.
    pub format: Format,
    /// What was not taken over as it stands.
    pub notes: Vec<Note>,
    /// The keys that hold what looks like a secret, as it is.
    pub secrets: Vec<String>,
    /// What must be put right before the new file can be used; variables that are not set are not.
    pub problems: Option<ConfigErrors>,
    /// How many servers there are.
    pub n_servers: usize,
}

/// Reads the file at `path`; the result is for a file at `target`, or beside it.
///
/// # Errors
///
/// The file cannot be read, has mistakes, or is of no known format.
pub fn import(
    path: &FilePath,
    target: Option<&FilePath>,
    env: &Env,
) -> Result<Imported, ConfigErrors> {
    let refuse = |problem| ConfigErrors::single(Some(path.to_owned()), problem);
    let text = read_file(path, false).map_err(refuse)?.unwrap_or_default();
    let mut report = Report::default();
    let reading = reading::read(&text, Some(path), &[], env, &mut report).map_err(refuse)?;
    let mut problems = report.into_problems();
    if problems.is_empty() && reading.format == Format::Gantry {
        problems.push(not_foreign(reading.root.as_ref()));
    }
    if !problems.is_empty() {
        super::super::name_files(&mut problems, &reading.files);
        return Err(ConfigErrors::new(Some(path.to_owned()), problems));
    }
    let mut root = reading.root.unwrap_or_else(|| Node::nowhere(Data::empty_mapping()));
    let (from, to) = (folder_of(Some(path)), folder_of(target.or(Some(path))));
    if from != to {
        move_from(&mut root, &from);
    }
    let text = written(path, &root);
    // What is wrong is told by the lines of the new file.
    let at = target.map_or_else(|| path.with_file_name(OUR_NAME), FilePath::to_owned);
    let source = Source { path: Some(at), ..Source::default() };
    let errors = Config::parse(&text, &source, &Env::default()).err();
    let problems = errors
        .and_then(|errors| errors.only(|problem| problem.code != ErrorCode::ConfigMissingVariable));
    Ok(Imported {
        text,
        format: reading.format,
        notes: reading.notes,
        secrets: secrets(&root),
        problems,
        n_servers: root.entry("servers").map_or(0, |servers| servers.value.entries().len()),
    })
}

fn not_foreign(root: Option<&Node>) -> Problem {
    let schema = shape::inlined_schema();
    let is_ours =
        |root: &Node| root.entries().iter().any(|entry| shape::has_key(&schema, &entry.key));
    if !root.is_some_and(is_ours) {
        return recognise::unknown();
    }
    let message = "the file is a configuration of Gantry already";
    Problem::new(ErrorCode::ForeignUnknown, &Path::root(), message)
        .with_hint(Some("use it with `--config`"))
}

fn written(path: &FilePath, root: &Node) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().filter(|character| !character.is_control()).collect();
    let schema = shape::inlined_schema();
    format!("# Made by `gantry import` from {name}.\n{}", yaml_writer::write(&value(root, &schema)))
}

/// Returns a tree as JSON; what stands for nothing is left out. What is no number or truth value by
/// the schema stays a text, whatever it looks like.
fn value(node: &Node, schema: &Value) -> Value {
    let schema = shape::without_null(schema);
    let part = |name: &str| schema.get(name).unwrap_or(&Value::Null);
    match &node.data {
        Data::Scalar(Scalar { text, is_plain: true, .. }) => typed(text, shape::kind(schema)),
        Data::Scalar(scalar) => Value::String(scalar.text.clone()),
        Data::Sequence { entries } => {
            entries.iter().map(|entry| value(entry, part("items"))).collect()
        }
        Data::Mapping { entries, .. } => {
            let (known, others) = (part("properties"), part("additionalProperties"));
            let present = entries.iter().filter(|entry| !entry.value.is_null());
            let member = |entry: &Entry| {
                let schema = known.get(&entry.key).unwrap_or(others);
                (entry.key.clone(), value(&entry.value, schema))
            };
            Value::Object(present.map(member).collect::<Map<_, _>>())
        }
    }
}

fn typed(text: &str, kind: Kind) -> Value {
    let typed = match (kind, text) {
        (Kind::Boolean, "true" | "True" | "TRUE") => Some(Value::Bool(true)),
        (Kind::Boolean, "false" | "False" | "FALSE") => Some(Value::Bool(false)),
        (Kind::Integer, _) => text.parse::<u64>().ok().map(Value::from),
        _ => None,
    };
    typed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Makes everything absolute that began at the old file's folder.
fn move_from(root: &mut Node, folder: &FilePath) {
    for key in PATHS {
        let path = key.split('.').fold(Path::root(), |path, step| path.key(step));
        absolute(root, &path, folder);
    }
    root.for_each_scalar(&mut |_, _, scalar| {
        scalar.text = with_absolute_files(&scalar.text, folder);
    });
    let names = root.entry("servers").map(|servers| servers.value.entries()).unwrap_or_default();
    let names: Vec<_> = names.iter().map(|entry| entry.key.clone()).collect();
    for name in names {
        let server = Path::root().key("servers").key(&name);
        let Some(command) = root.find(&server.key("command")).and_then(Node::as_text) else {
            continue;
        };
        if command.contains('/') {
            absolute(root, &server.key("command"), folder);
        }
        absolute(root, &server.key("cwd"), folder);
        if root.find(&server.key("cwd")).is_none() {
            // A program without a folder of its own runs in that of the file.
            let cwd = folder.to_string_lossy().replace("${", "$${");
            root.insert(&server.key("cwd"), Node::nowhere(Data::text(cwd)));
        }
    }
}

fn absolute(root: &mut Node, path: &Path, folder: &FilePath) {
    let Some(text) = root.find(path).and_then(Node::as_text) else { return };
    // What a variable stands for may be absolute already.
    if text.starts_with("${") || FilePath::new(text).is_absolute() {
        return;
    }
    let moved = Node::nowhere(Data::text(folder.join(text).to_string_lossy()));
    root.insert(path, moved);
}

/// Makes the paths of `${file:PATH}` absolute.
fn with_absolute_files(text: &str, folder: &FilePath) -> String {
    const FILE: &str = "${file:";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(FILE) {
        out.push_str(before);
        out.push_str(FILE);
        rest = after;
        if !before.ends_with('$')
            && let Some((path, next)) = after.split_once('}')
        {
            out.push_str(&folder.join(path).to_string_lossy());
            out.push('}');
            rest = next;
        }
    }
    out.push_str(rest);
    out
}

/// Returns the keys whose values look like secrets that everybody could read in the file.
fn secrets(root: &Node) -> Vec<String> {
    let mut root = root.clone();
    let mut found = Vec::new();
    root.for_each_scalar(&mut |path, _, scalar| {
        let key = path.to_string();
        let last = key.rsplit('.').next().unwrap_or_default().to_lowercase();
        let is_named = SECRET_WORDS.iter().any(|word| last.contains(word));
        let is_secret =
            path.is_private() && is_named && last != "name" || last == "keystore_password";
        if is_secret && !scalar.text.contains("${") && !scalar.text.is_empty() {
            found.push(key);
        }
    });
    found
}
