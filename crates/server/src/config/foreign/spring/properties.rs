//! YAML as properties: one key with dots and indices for each single value.

use std::cell::Cell;

use crate::config::tree::{Data, Node};

/// Parts of keys that are names chosen by people: what follows them is compared as it is written.
const NAMED: [&str; 4] = [".environment.", ".env.", ".headers.", "logging.level."];

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Property {
    /// The key as it is written.
    pub(super) key: String,
    /// The key as it is compared: without case, `-` and `_`.
    pub(super) canonical: String,
    /// The value, a scalar.
    pub(super) node: Node,
    is_used: Cell<bool>,
}

/// All values that hold, each key once.
#[derive(Debug, Default)]
pub(super) struct Properties {
    all: Vec<Property>,
}

impl Properties {
    /// Adds a document, whose values win over those that are there. A list replaces a list.
    pub(super) fn add(&mut self, document: &Node) {
        let mut added = Vec::new();
        flatten(document, String::new(), &mut added);
        let replaces =
            |new: &Property, old: &Property| list_of(&new.canonical) == list_of(&old.canonical);
        self.all.retain(|old| !added.iter().any(|new| replaces(new, old)));
        // An empty list has taken away what it replaces, and is nothing itself.
        self.all.extend(added.into_iter().filter(|new| !new.node.is_null()));
    }

    /// Returns the value of a key, which counts as used from now on.
    pub(super) fn get(&self, canonical: &str) -> Option<&Property> {
        let found = self.all.iter().find(|property| property.canonical == canonical)?;
        found.is_used.set(true);
        Some(found)
    }

    /// Returns the text of a key.
    pub(super) fn text(&self, canonical: &str) -> Option<&str> {
        self.get(canonical)?.node.as_text()
    }

    /// Returns the values of a list: entries of their own, or one text with commas.
    pub(super) fn list(&self, canonical: &str) -> Vec<Node> {
        let own = self.all.iter().filter(|property| {
            let index = property.canonical.strip_prefix(canonical);
            index.is_some_and(|index| index.starts_with('[') && index.ends_with(']'))
        });
        let own: Vec<_> = own.inspect(|property| property.is_used.set(true)).collect();
        if !own.is_empty() {
            return own.into_iter().map(|property| property.node.clone()).collect();
        }
        let Some(property) = self.get(canonical) else { return Vec::new() };
        let parts = property.node.as_text().unwrap_or_default().split(',').map(str::trim);
        let node = |part: &str| Node::new(Data::text(part), property.node.at);
        parts.filter(|part| !part.is_empty()).map(node).collect()
    }

    /// Returns what stands below a key that ends in a dot.
    pub(super) fn below<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = &'a Property> + use<'a> {
        self.all.iter().filter(move |property| property.canonical.starts_with(prefix))
    }

    /// Returns what nobody has asked for.
    pub(super) fn unused(&self) -> impl Iterator<Item = &Property> {
        self.all.iter().filter(|property| !property.is_used.get())
    }

    /// Puts the values of other properties where `${that.key}` stands for them.
    pub(super) fn resolve(&mut self) {
        let known: Vec<_> = self
            .all
            .iter()
            .map(|property| {
                let text = property.node.as_text().unwrap_or_default().to_owned();
                (property.canonical.clone(), text)
            })
            .collect();
        for property in &mut self.all {
            if let Data::Scalar(scalar) = &mut property.node.data {
                scalar.text = resolved(&scalar.text, &known);
            }
        }
    }
}

impl Property {
    /// Says that somebody has seen to it.
    pub(super) fn mark_used(&self) {
        self.is_used.set(true);
    }
}

/// Replaces references to properties, one level deep: a variable of the environment has no dot.
fn resolved(text: &str, known: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let reference = after.split_once('}').and_then(|(inside, next)| {
            let (name, default) = inside
                .split_once(':')
                .map_or((inside, None), |(name, default)| (name, Some(default)));
            let is_property = name.contains('.');
            let value = known.iter().find(|(key, _)| *key == canonical(name));
            let value = value.map(|(_, value)| value.as_str()).or(default);
            value.filter(|_| is_property).map(|value| (value.to_owned(), next))
        });
        if let Some((value, next)) = reference {
            out.push_str(&value);
            rest = next;
        } else {
            out.push_str("${");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn flatten(node: &Node, key: String, out: &mut Vec<Property>) {
    match &node.data {
        Data::Mapping { entries, .. } => {
            for entry in entries {
                // Brackets keep dots in a key together.
                let part = entry.key.trim_matches(['[', ']']);
                let inner = if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") };
                flatten(&entry.value, inner, out);
            }
        }
        Data::Sequence { entries } if entries.is_empty() => {
            out.push(property(format!("{key}[0]"), Node::new(Data::nothing(), node.at)));
        }
        Data::Sequence { entries } => {
            for (index, entry) in entries.iter().enumerate() {
                flatten(entry, format!("{key}[{index}]"), out);
            }
        }
        Data::Scalar(scalar) if scalar.is_null() => {}
        Data::Scalar(_) => out.push(property(key, node.clone())),
    }
}

fn property(key: String, node: Node) -> Property {
    Property { canonical: canonical(&key), key, node, is_used: Cell::new(false) }
}

/// Returns a key as keys are compared.
pub(super) fn canonical(key: &str) -> String {
    let named = NAMED.iter().filter_map(|name| key.find(name).map(|at| at + name.len())).min();
    // Invariant: the place is behind something that was found there.
    let (words, name) = key.split_at_checked(named.unwrap_or(key.len())).unwrap_or((key, ""));
    // The names of servers are compared as they are written, too.
    let words: Vec<_> = words
        .split('.')
        .enumerate()
        .map(|(place, word)| match place {
            2 if key.starts_with("mcp.servers.") => word.to_owned(),
            _ => word.chars().filter(|one| !"-_".contains(*one)).collect::<String>().to_lowercase(),
        })
        .collect();
    words.join(".") + name
}

/// The key without its index: all entries of a list are replaced together.
fn list_of(canonical: &str) -> &str {
    canonical.split_once('[').map_or(canonical, |(list, _)| list)
}
