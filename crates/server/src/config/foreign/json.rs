//! JSON with comments and trailing commas, as editors write it, as a tree of nodes with places.

use gantry_core::ErrorCode;
use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};

use super::super::path::Path;
use super::super::problem::{Problem, Report};
use super::super::tree::{Data, Entry, Location, MAX_BYTES, MAX_DEPTH, Node};

/// Everything beyond comments and trailing commas is a mistake in these files.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads a file; `None` if it holds nothing but white space and comments.
///
/// # Errors
///
/// What makes the file unreadable. Keys given twice go to `report`.
pub(super) fn parse(text: &str, report: &mut Report) -> Result<Option<Node>, Problem> {
    if text.len() > MAX_BYTES {
        return Err(syntax(format!("the file is larger than {MAX_BYTES} bytes")));
    }
    let lines = Lines::new(text);
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let parsed = parse_to_ast(text, &collect, &OPTIONS).map_err(|error| {
        let at = lines.location(error.range().start);
        let what = error.kind().to_string();
        syntax(format!("the file is not valid JSON: {}", lower_first(&what))).at(at)
    })?;
    let mut reader = Reader { lines, report };
    parsed.value.map(|value| reader.node(&value, &Path::root(), 0)).transpose()
}

struct Reader<'a> {
    lines: Lines<'a>,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn node(&mut self, value: &Value<'_>, path: &Path, depth: usize) -> Result<Node, Problem> {
        let at = self.lines.location(value.range().start);
        if depth > MAX_DEPTH {
            return Err(syntax(format!("the file nests deeper than {MAX_DEPTH} levels")).at(at));
        }
        let data = match value {
            Value::StringLit(text) => Data::text(text.value.as_ref()),
            Value::NumberLit(number) => Data::plain(number.value),
            Value::BooleanLit(boolean) => Data::plain(boolean.value.to_string()),
            Value::NullKeyword(_) => Data::nothing(),
            Value::Array(array) => {
                let mut entries = Vec::with_capacity(array.elements.len());
                for (index, element) in array.elements.iter().enumerate() {
                    entries.push(self.node(element, &path.index(index), depth + 1)?);
                }
                Data::Sequence { entries }
            }
            Value::Object(object) => {
                let mut entries: Vec<Entry> = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    let key = match &property.name {
                        ObjectPropName::String(name) => name.value.to_string(),
                        ObjectPropName::Word(name) => name.value.to_owned(),
                    };
                    let inner = path.key(&key);
                    let key_at = self.lines.location(property.range.start);
                    if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                        self.refuse_duplicate(&inner, first.key_at, key_at);
                        continue;
                    }
                    let value = self.node(&property.value, &inner, depth + 1)?;
                    entries.push(Entry { key_at, ..Entry::new(&key, value) });
                }
                Data::Mapping { entries, is_flow: true }
            }
        };
        Ok(Node::new(data, at))
    }

    fn refuse_duplicate(&mut self, path: &Path, first: Location, at: Location) {
        let message = format!("the key `{path}` is given twice");
        let hint = format!("the first is in line {}", first.line);
        let problem = Problem::new(ErrorCode::ConfigDuplicateKey, path, message).at(at);
        self.report.push(problem.with_hint(Some(hint)));
    }
}

/// Where the lines of a text begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// Turns a byte offset into a line and a column in characters, both from 1.
    fn location(&self, offset: usize) -> Location {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied();
        let before = self.text.get(start.unwrap_or_default()..offset).unwrap_or_default();
        Location::new(line, before.chars().count() + 1)
    }
}

fn syntax(message: impl Into<String>) -> Problem {
    Problem::new(ErrorCode::ConfigSyntax, &Path::root(), message)
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, String> {
        let mut report = Report::default();
        let node = parse(text, &mut report).map_err(|problem| problem.render(None))?;
        match report.into_problems().first() {
            Some(problem) => Err(problem.render(None)),
            None => Ok(node.unwrap()),
        }
    }

    #[test]
    fn comments_and_trailing_commas_are_passed_over_and_places_are_kept() {
        let node =
            read("// mine\n{\n  /* one */ \"ä\": [\"\\ud83d\\ude00\\/\", 1.50, true,],\n}\n");
        let node = node.unwrap();
        let list = &node.entry("ä").unwrap().value;
        assert_eq!((node.at, list.at), (Location::new(2, 1), Location::new(3, 18)));
        let Data::Sequence { entries } = &list.data else { panic!("no list") };
        let texts: Vec<_> = entries.iter().map(|entry| entry.as_text().unwrap()).collect();
        assert_eq!(texts, ["😀/", "1.50", "true"]);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, expected) in [
            ("{\n  \"a\" 1\n}", "the file is not valid JSON: expected colon"),
            ("{\"a\": 1, \"a\": 2}", "the key `a` is given twice (line 1, column 10)"),
            ("{\"a\": [1", "the file is not valid JSON: unterminated array"),
            ("{\"a\": 0x1}", "the file is not valid JSON: hexadecimal"),
            ("{a: 1}", "the file is not valid JSON: "),
            ("{\"a\": 1} x", "the file is not valid JSON: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected) && error.contains("(line "), "{text}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert!(read(&deep).unwrap_err().contains("not valid JSON: maximum nesting depth"));
        let deep = "[".repeat(40) + &"]".repeat(40);
        assert!(read(&deep).unwrap_err().contains("nests deeper than 32"));
    }
}
