//! YAML text as a tree of nodes that know where they stand.
//!
//! It holds what the file says and nothing of what it means: scalars keep their text and style,
//! types are told by [`shape`](super::shape). Keys given twice, tags, merge keys and keys that are
//! no words are reported here, because every later stage would have to guess.
//! The file is limited in bytes, depth and number of nodes, aliases counted as what they stand for.

mod build;

use std::collections::HashMap;
use std::ops::Range;

use gantry_core::ErrorCode;
use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use serde_json::Value;

use super::path::{Path, Step};
use super::problem::{Problem, Report};

/// No configuration written by people is larger.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Our deepest documented path has six steps.
pub(crate) const MAX_DEPTH: usize = 32;
/// Aliases multiply: this is the limit after they were resolved.
const MAX_NODES: usize = 100_000;

/// A place in the file, both counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Which of the files that were read, the main one being 0.
    pub(crate) file: usize,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) data: Data,
    pub(crate) at: Location,
    /// The bytes of the value, without what follows it on its line.
    pub(crate) bytes: Range<usize>,
    /// It is, or stands for, something with an anchor.
    pub(crate) is_shared: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Data {
    Scalar(Scalar),
    Sequence { entries: Vec<Node> },
    Mapping { entries: Vec<Entry>, is_flow: bool },
}

/// A piece of text that is not yet a string, number or truth value.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Without quotes: it may be a number, a truth value or nothing.
    pub(crate) is_plain: bool,
    /// What the file says, if variables were put in.
    pub(crate) written: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Location,
    pub(crate) key_bytes: Range<usize>,
    pub(crate) value: Node,
}

impl Location {
    /// Of what stands in no file.
    pub(crate) const NOWHERE: Self = Self::new(0, 0);

    /// A place in the main file.
    pub(crate) const fn new(line: usize, column: usize) -> Self {
        Self { file: 0, line, column }
    }

    /// Returns the place, if it is one.
    pub(crate) fn somewhere(self) -> Option<Self> {
        (self.line > 0).then_some(self)
    }
}

impl Scalar {
    /// Tells whether this stands for nothing at all.
    pub(crate) fn is_null(&self) -> bool {
        self.is_plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    /// Makes a tree of a JSON value that stands in no file; `None` if it is too deep.
    pub(crate) fn from_json(value: &Value, depth: usize) -> Option<Self> {
        const NOWHERE: Location = Location { file: 0, line: 0, column: 0 };
        if depth > MAX_DEPTH {
            return None;
        }
        let scalar =
            |text: String, is_plain| Data::Scalar(Scalar { text, is_plain, written: None });
        let data = match value {
            Value::String(text) => scalar(text.clone(), false),
            Value::Null | Value::Bool(_) | Value::Number(_) => scalar(value.to_string(), true),
            Value::Array(values) => {
                let entries = values.iter().map(|value| Self::from_json(value, depth + 1));
                Data::Sequence { entries: entries.collect::<Option<_>>()? }
            }
            Value::Object(members) => {
                let entries = members.iter().map(|(key, value)| {
                    Some(Entry {
                        key: key.clone(),
                        key_at: NOWHERE,
                        key_bytes: 0..0,
                        value: Self::from_json(value, depth + 1)?,
                    })
                });
                Data::Mapping { entries: entries.collect::<Option<_>>()?, is_flow: true }
            }
        };
        Some(Self { data, at: NOWHERE, bytes: 0..0, is_shared: false })
    }

    /// Returns what a problem report may call it.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Scalar(scalar) if scalar.is_null() => "nothing",
            Data::Scalar(_) => "a single value",
            Data::Sequence { .. } => "a list",
            Data::Mapping { .. } => "a mapping",
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar(scalar) if scalar.is_null())
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.data {
            Data::Mapping { entries, .. } => entries.iter().find(|entry| entry.key == key),
            Data::Scalar(_) | Data::Sequence { .. } => None,
        }
    }

    /// Finds the place of `path`, or of the last key on the way to it that exists.
    pub(crate) fn locate(&self, path: &Path) -> Option<Location> {
        self.place_of(path).and_then(Location::somewhere)
    }

    fn place_of(&self, path: &Path) -> Option<Location> {
        let mut node = self;
        let mut place = None;
        for step in path.steps() {
            match (step, &node.data) {
                (Step::Key(key), Data::Mapping { .. }) => {
                    let Some(entry) = node.entry(key) else { return place };
                    node = &entry.value;
                    place = Some(entry.key_at);
                }
                (Step::Index(index), Data::Sequence { entries }) => {
                    let Some(entry) = entries.get(*index) else { return place };
                    node = entry;
                    place = Some(entry.at);
                }
                _ => return place,
            }
        }
        match &node.data {
            Data::Scalar(scalar) if !scalar.is_null() => Some(node.at),
            _ => place,
        }
    }

    /// Visits every scalar with its path.
    pub(crate) fn for_each_scalar(&mut self, visit: &mut dyn FnMut(&Path, Location, &mut Scalar)) {
        self.walk(&Path::root(), visit);
    }

    fn walk(&mut self, path: &Path, visit: &mut dyn FnMut(&Path, Location, &mut Scalar)) {
        match &mut self.data {
            Data::Scalar(scalar) => visit(path, self.at, scalar),
            Data::Sequence { entries } => {
                for (index, entry) in entries.iter_mut().enumerate() {
                    entry.walk(&path.index(index), visit);
                }
            }
            Data::Mapping { entries, .. } => {
                for entry in entries {
                    entry.value.walk(&path.key(&entry.key), visit);
                }
            }
        }
    }
}

/// Reads a document; `None` if it holds nothing but white space and comments.
///
/// # Errors
///
/// What makes the rest of the file unreadable. Lesser things go to `report`.
pub(crate) fn parse(text: &str, report: &mut Report) -> Result<Option<Node>, Problem> {
    composer(text, report)?.document()
}

/// Reads all documents of a file, for systems that keep several in one.
///
/// # Errors
///
/// As those of [`parse`].
pub(crate) fn parse_all(text: &str, report: &mut Report) -> Result<Vec<Node>, Problem> {
    composer(text, report)?.documents()
}

fn composer<'input, 'report>(
    text: &'input str,
    report: &'report mut Report,
) -> Result<Composer<'input, 'report>, Problem> {
    if text.len() > MAX_BYTES {
        return Err(syntax(format!("the file is larger than {MAX_BYTES} bytes")));
    }
    let options = granit_parser::options! { disallow_directives: true, emit_comments: false };
    let parser = Parser::new_from_str_with_options(text, options);
    Ok(Composer { parser, report, anchors: HashMap::new(), n_nodes: 0, path: Path::root() })
}

struct Composer<'input, 'report> {
    parser: Parser<'input, granit_parser::StrInput<'input>>,
    report: &'report mut Report,
    anchors: HashMap<usize, Node>,
    n_nodes: usize,
    path: Path,
}

impl<'input> Composer<'input, '_> {
    fn document(&mut self) -> Result<Option<Node>, Problem> {
        let mut root = None;
        loop {
            let Some((event, span)) = self.next()? else { return Ok(root) };
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::DocumentStart(..) => {}
                Event::StreamEnd => return Ok(root),
                event if root.is_none() => root = Some(self.node(event, span, 0)?),
                _ => {
                    return Err(syntax("the file holds a second document after `---`")
                        .at(location(span))
                        .with_hint(Some("keep one document in the file")));
                }
            }
        }
    }

    fn documents(&mut self) -> Result<Vec<Node>, Problem> {
        let mut documents = Vec::new();
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::DocumentStart(..) => {}
                Event::StreamEnd => break,
                event => documents.push(self.node(event, span, 0)?),
            }
        }
        Ok(documents)
    }

    fn next(&mut self) -> Result<Option<(Event<'input>, Span)>, Problem> {
        self.parser.next_event().transpose().map_err(|error| {
            let mark = error.marker();
            let at = Location::new(mark.line(), mark.col() + 1);
            syntax(format!("the file is not valid YAML: {}", error.info())).at(at)
        })
    }

    fn node(&mut self, event: Event<'input>, span: Span, depth: usize) -> Result<Node, Problem> {
        let at = location(span);
        if depth > MAX_DEPTH {
            return Err(syntax(format!("the file nests deeper than {MAX_DEPTH} levels")).at(at));
        }
        if let Some(tag) = event.tag() {
            let message = format!("the tag `{}` is not supported", tag.original());
            let hint = "leave it out; quotes make a string";
            self.report.push(syntax(message).with_path(&self.path).at(at).with_hint(Some(hint)));
        }
        if let Event::Alias(id) = event {
            return self.resolve(id, at, bytes(span));
        }
        self.count(1, at)?;
        let anchor = event.anchor_id();
        let (data, end) = match event {
            Event::Scalar(text, style, ..) => {
                let is_plain = style == ScalarStyle::Plain;
                let scalar = Scalar { text: text.into_owned(), is_plain, written: None };
                (Data::Scalar(scalar), bytes(span).end)
            }
            Event::SequenceStart(style, ..) => self.sequence(is_flow(style), span, depth)?,
            Event::MappingStart(style, ..) => self.mapping(is_flow(style), span, depth)?,
            _ => return Err(syntax("the file ends in the middle of a value").at(at)),
        };
        let bytes = bytes(span).start..end;
        let node = Node { data, at, bytes, is_shared: anchor.is_some() };
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn sequence(
        &mut self,
        is_flow: bool,
        start: Span,
        depth: usize,
    ) -> Result<(Data, usize), Problem> {
        let mut entries: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.expect_next(start)?;
            if matches!(event, Event::SequenceEnd) {
                let last = entries.last().map(|entry| entry.bytes.end);
                let end = end_of(is_flow, span, last.unwrap_or(bytes(start).end));
                return Ok((Data::Sequence { entries }, end));
            }
            let outer = self.enter(self.path.index(entries.len()));
            let entry = self.node(event, span, depth + 1)?;
            self.path = outer;
            entries.push(entry);
        }
    }

    fn mapping(
        &mut self,
        is_flow: bool,
        start: Span,
        depth: usize,
    ) -> Result<(Data, usize), Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut end = bytes(start).end;
        loop {
            let (event, span) = self.expect_next(start)?;
            if matches!(event, Event::MappingEnd) {
                let end = end_of(is_flow, span, end);
                return Ok((Data::Mapping { entries, is_flow }, end));
            }
            let key_node = self.node(event, span, depth + 1)?;
            let Data::Scalar(scalar) = &key_node.data else {
                return Err(syntax("a key is a list or a mapping").at(key_node.at));
            };
            let key = scalar.text.clone();
            let is_merge = scalar.is_plain && key == "<<";
            let outer = self.enter(self.path.key(&key));
            let (event, span) = self.expect_next(start)?;
            let value = self.node(event, span, depth + 1)?;
            // An empty value may be placed by the parser as far away as the next token.
            let is_absent = value.bytes.is_empty();
            end = if is_absent { key_node.bytes.end } else { value.bytes.end };
            let entry = Entry { key, key_at: key_node.at, key_bytes: key_node.bytes, value };
            if is_merge {
                self.refuse_merge(&entry);
            } else if let Some(first) = entries.iter().find(|other| other.key == entry.key) {
                self.refuse_duplicate(first.key_at, &entry);
            } else {
                entries.push(entry);
            }
            self.path = outer;
        }
    }

    fn enter(&mut self, inner: Path) -> Path {
        std::mem::replace(&mut self.path, inner)
    }

    fn refuse_merge(&mut self, entry: &Entry) {
        let problem = syntax("merge keys (`<<`) are not supported")
            .with_path(&self.path)
            .at(entry.key_at)
            .with_hint(Some("write the keys out, or use an alias for the whole value"));
        self.report.push(problem);
    }

    fn refuse_duplicate(&mut self, first: Location, entry: &Entry) {
        let message = format!("the key `{}` is given twice", self.path);
        let hint = format!("the first is in line {}", first.line);
        let problem = Problem::new(ErrorCode::ConfigDuplicateKey, &self.path, message)
            .at(entry.key_at)
            .with_hint(Some(hint));
        self.report.push(problem);
    }

    fn expect_next(&mut self, start: Span) -> Result<(Event<'input>, Span), Problem> {
        self.next()?
            .ok_or_else(|| syntax("the file ends in the middle of a value").at(location(start)))
    }

    fn resolve(&mut self, id: usize, at: Location, bytes: Range<usize>) -> Result<Node, Problem> {
        let Some(target) = self.anchors.get(&id) else {
            // The parser knows the name, so the anchor is one whose value is not complete yet.
            return Err(syntax("an alias stands inside the value that it names").at(at));
        };
        let mut node = target.clone();
        node.at = at;
        node.bytes = bytes;
        node.is_shared = true;
        self.count(node.size(), at)?;
        Ok(node)
    }

    fn count(&mut self, n_nodes: usize, at: Location) -> Result<(), Problem> {
        self.n_nodes += n_nodes;
        if self.n_nodes > MAX_NODES {
            return Err(syntax(format!("the file holds more than {MAX_NODES} values")).at(at));
        }
        Ok(())
    }
}

impl Node {
    fn size(&self) -> usize {
        1 + match &self.data {
            Data::Scalar(_) => 0,
            Data::Sequence { entries } => entries.iter().map(Self::size).sum(),
            Data::Mapping { entries, .. } => entries.iter().map(|entry| entry.value.size()).sum(),
        }
    }
}

fn syntax(message: impl Into<String>) -> Problem {
    Problem::new(ErrorCode::ConfigSyntax, &Path::root(), message)
}

fn location(span: Span) -> Location {
    Location::new(span.start.line(), span.start.col() + 1)
}

fn bytes(span: Span) -> Range<usize> {
    // Invariant: a parser over a `str` gives every span its byte offsets.
    span.byte_range().unwrap_or_default()
}

/// A block ends where its last value ends: the parser's own span reaches to the next token.
fn end_of(is_flow: bool, span: Span, last: usize) -> usize {
    if is_flow { bytes(span).end } else { last }
}

fn is_flow(style: StructureStyle) -> bool {
    style == StructureStyle::Flow
}

#[cfg(test)]
mod tests;
