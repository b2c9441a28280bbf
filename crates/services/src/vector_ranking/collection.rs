//! Collections: documents that were registered once and are ranked many times.
//!
//! They live as long as the process. Each belongs to who registered it, and nobody else sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use gantry_core::Principal;
use parking_lot::{Mutex, RwLock};

use super::document::{Corpus, Document};
use super::index::{Index, View};
use crate::error::ToolError;

/// The most collections of one principal.
pub(super) const MAX_OWN: usize = 16;
/// The most collections of all principals.
const MAX_ALL: usize = 64;
/// About the most bytes of all of them. One call may go beyond, by no more than it brought itself.
const MAX_BYTES: usize = 512 << 20;

/// All collections.
#[derive(Debug, Default)]
pub(crate) struct Collections {
    // Protects the map alone; the documents of a collection have a lock of their own, so that a long
    // ranking keeps nobody from theirs.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_name: BTreeMap<Name, Entry>,
    next: u64,
}

/// Issuer, subject, name.
type Name = (Box<str>, Box<str>, String);

#[derive(Debug)]
struct Entry {
    collection: Arc<RwLock<Collection>>,
    n_documents: usize,
    bytes: usize,
    /// Counts up: the least is the one that was not used for the longest time.
    used: u64,
}

/// The documents of a collection.
#[derive(Debug, Default)]
pub(super) struct Collection {
    corpus: Corpus,
    index: Index,
}

/// What is known of a collection without looking into it.
#[derive(Debug)]
pub(super) struct Summary {
    /// Its name.
    pub(super) name: String,
    /// How many documents it has.
    pub(super) n_documents: usize,
    /// About how many bytes it takes.
    pub(super) bytes: usize,
}

impl Collections {
    /// Finds a collection.
    pub(super) fn get(&self, owner: &Principal, name: &str) -> Option<Arc<RwLock<Collection>>> {
        let mut kept = self.kept.lock();
        let used = kept.next;
        kept.next += 1;
        let entry = kept.by_name.get_mut(&key(owner, name))?;
        entry.used = used;
        Some(Arc::clone(&entry.collection))
    }

    /// Keeps a collection in the place of an older one of that name, and returns the names of the
    /// owner's other collections that had to go for it.
    pub(super) fn put(
        &self,
        owner: &Principal,
        name: &str,
        collection: Arc<RwLock<Collection>>,
    ) -> Vec<String> {
        let (n_documents, bytes) = {
            let collection = collection.read();
            (collection.corpus.len(), collection.bytes())
        };
        let mut kept = self.kept.lock();
        let place = key(owner, name);
        kept.by_name.remove(&place);
        let mut evicted = Vec::new();
        while let Some(oldest) = kept.too_many(&place, bytes) {
            kept.by_name.remove(&oldest);
            // Whoever else's collection went is nothing to tell this caller.
            if (&oldest.0, &oldest.1) == (&place.0, &place.1) {
                evicted.push(oldest.2);
            }
        }
        let used = kept.next;
        kept.next += 1;
        kept.by_name.insert(place, Entry { collection, n_documents, bytes, used });
        evicted
    }

    /// Forgets a collection; tells whether there was one.
    pub(super) fn remove(&self, owner: &Principal, name: &str) -> bool {
        self.kept.lock().by_name.remove(&key(owner, name)).is_some()
    }

    /// Returns the collections of an owner.
    pub(super) fn list(&self, owner: &Principal) -> Vec<Summary> {
        let kept = self.kept.lock();
        let own = kept.by_name.iter().filter(|(name, _)| is_of(name, owner));
        own.map(|(name, entry)| Summary {
            name: name.2.clone(),
            n_documents: entry.n_documents,
            bytes: entry.bytes,
        })
        .collect()
    }
}

impl Kept {
    /// Returns the collection that has to go before one of so many bytes can be kept.
    fn too_many(&self, place: &Name, bytes: usize) -> Option<Name> {
        let is_own = |name: &Name| (&name.0, &name.1) == (&place.0, &place.1);
        let n_own = self.by_name.keys().filter(|name| is_own(name)).count();
        let total: usize = self.by_name.values().map(|entry| entry.bytes).sum();
        let must_be_own = n_own >= MAX_OWN;
        let has_room = self.by_name.is_empty() || total + bytes <= MAX_BYTES;
        if !must_be_own && self.by_name.len() < MAX_ALL && has_room {
            return None;
        }
        let candidates = self.by_name.iter().filter(|(name, _)| !must_be_own || is_own(name));
        candidates.min_by_key(|(_, entry)| entry.used).map(|(name, _)| name.clone())
    }
}

impl Collection {
    /// Adds documents; if one is refused, none is added.
    pub(super) fn add(&mut self, documents: Vec<Document>) -> Result<(), ToolError> {
        let bytes = self.bytes();
        if bytes >= MAX_BYTES {
            let problem = format!(
                "cannot be added to a collection of {bytes} bytes; at most {MAX_BYTES} are kept"
            );
            return Err(ToolError::argument("documents", problem));
        }
        let before = self.corpus.len();
        self.corpus.extend("documents", documents)?;
        for document in &self.corpus.documents()[before..] {
            self.index.add(document.text());
        }
        // The index has the words, and nobody asks for more.
        self.corpus.forget_texts(before);
        Ok(())
    }

    /// Returns how many documents and how many different words there are.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.corpus.len(), self.index.n_terms())
    }

    /// Returns about how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let fixed = self.corpus.len() * (size_of::<Document>() + 128);
        let vectors = self.corpus.documents().iter();
        let vectors: usize =
            vectors.map(|document| document.vector.as_ref().map_or(0, Vec::len) * 8).sum();
        fixed + vectors + self.index.bytes()
    }

    /// Returns the documents to be ranked.
    pub(super) fn view(&self) -> View<'_> {
        View { corpus: &self.corpus, index: Some(&self.index) }
    }
}

fn key(owner: &Principal, name: &str) -> Name {
    (owner.issuer.clone(), owner.subject.clone(), name.to_owned())
}

fn is_of(name: &Name, owner: &Principal) -> bool {
    name.0 == owner.issuer && name.1 == owner.subject
}
