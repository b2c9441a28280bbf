//! One kind of thing in a view: its entries, their index, and the pages they are listed on.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, OnceLock};

use bytes::{BufMut as _, Bytes, BytesMut};
use gantry_policy::hooks::ToolHooks;
use gantry_protocol::{Revision, adapt};

use super::lens::Checked;
use crate::metrics::ToolMeter;

/// The kinds of things that are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// `tools/list`.
    Tools,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    Templates,
    /// `prompts/list`.
    Prompts,
}

/// One thing offered.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What clients call it: a public name or a URI.
    pub public: Box<str>,
    /// Which server offers it: an index into the snapshot.
    pub server: usize,
    /// What the server calls it.
    pub local: Arc<str>,
    /// By what a request for it is decided on when its arguments are known; `None` if it is free.
    pub(super) checked: Option<Arc<Checked>>,
    /// What looks at calls of it; `None` if nothing does.
    pub(super) hooks: Option<Arc<ToolHooks>>,
    /// What is counted of its calls.
    pub(super) meter: Arc<ToolMeter>,
    /// Its definition under its public name.
    pub raw: Bytes,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// A raw JSON array.
    pub items: Bytes,
    /// Where the next page starts.
    pub next: Option<usize>,
}

/// The entries of one kind.
#[derive(Debug)]
pub(super) struct Entries {
    section: Section,
    list: Vec<Entry>,
    index: HashMap<Box<str>, usize>,
    digest: u64,
    page_size: usize,
    /// Serialised at the first use, one for each revision, in the order of [`Revision::ALL`].
    pages: [OnceLock<Vec<Bytes>>; Revision::ALL.len()],
}

impl Section {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Resources, Self::Templates, Self::Prompts];

    /// Which of the three kinds of `list_changed` speaks of it; see `Offer::announced`.
    pub(super) fn announced(self) -> usize {
        match self {
            Self::Tools => 0,
            Self::Prompts => 1,
            Self::Resources | Self::Templates => 2,
        }
    }

    /// The member of a list result that holds the items.
    pub fn key(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
            Self::Prompts => "prompts",
        }
    }
}

impl Entries {
    /// Takes the entries in order; of two with one public name the first stays.
    ///
    /// `announced` tells how often each server announced a change, by its place in the snapshot.
    pub(super) fn new(
        section: Section,
        all: Vec<Entry>,
        announced: impl Fn(usize) -> u64,
        page_size: usize,
    ) -> Self {
        let mut index = HashMap::with_capacity(all.len());
        let mut entries = Vec::with_capacity(all.len());
        let mut hasher = DefaultHasher::new();
        for entry in all {
            if index.contains_key(&entry.public) {
                continue;
            }
            index.insert(entry.public.clone(), entries.len());
            entry.raw.hash(&mut hasher);
            announced(entry.server).hash(&mut hasher);
            entries.push(entry);
        }
        Self {
            section,
            list: entries,
            index,
            digest: hasher.finish(),
            page_size: page_size.max(1),
            pages: Default::default(),
        }
    }

    pub(super) fn get(&self, public: &str) -> Option<&Entry> {
        self.index.get(public).map(|at| &self.list[*at])
    }

    pub(super) fn all(&self) -> &[Entry] {
        &self.list
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    pub(super) fn page(&self, revision: Revision, start: usize) -> Option<Page> {
        let at = Revision::ALL.iter().position(|known| *known == revision)?;
        let pages = self.pages[at].get_or_init(|| self.serialise(revision));
        if !start.is_multiple_of(self.page_size) {
            return None;
        }
        let items = pages.get(start / self.page_size)?.clone();
        let end = start + self.page_size;
        Some(Page { items, next: (end < self.list.len()).then_some(end) })
    }

    fn serialise(&self, revision: Revision) -> Vec<Bytes> {
        let page = |entries: &[Entry]| {
            let size: usize = entries.iter().map(|entry| entry.raw.len() + 1).sum();
            let mut out = BytesMut::with_capacity(size + 2);
            out.put_u8(b'[');
            for (at, entry) in entries.iter().enumerate() {
                if at > 0 {
                    out.put_u8(b',');
                }
                match self.section {
                    Section::Tools => out.put_slice(&adapt::tool_for(revision, &entry.raw)),
                    _ => out.put_slice(&entry.raw),
                }
            }
            out.put_u8(b']');
            out.freeze()
        };
        if self.list.is_empty() {
            return vec![page(&[])];
        }
        self.list.chunks(self.page_size).map(page).collect()
    }
}
