//! What a provider offers, and how fresh that is.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use gantry_protocol::Revision;
use gantry_protocol::tool::Item;
use tokio::sync::watch;
use tokio::time::Instant;

/// Whether an offer can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The provider was never heard.
    Pending,
    /// From an earlier run, or from before the provider was lost.
    Stale,
    /// As the provider says now.
    Fresh,
}

/// Everything a provider offers, under its own names and in its own bytes.
#[derive(Debug, Clone)]
pub struct Offer {
    /// How far to trust it.
    pub freshness: Freshness,
    /// The revision spoken with the provider.
    pub revision: Revision,
    /// In the provider's order.
    pub tools: Vec<Item>,
    /// Further names under which tools can be called and which no list has: each with the tool's own.
    pub aliases: Vec<(Box<str>, Box<str>)>,
    /// In the provider's order.
    pub resources: Vec<Item>,
    /// In the provider's order.
    pub templates: Vec<Item>,
    /// In the provider's order.
    pub prompts: Vec<Item>,
    /// Raw server capabilities.
    pub capabilities: Bytes,
    /// Raw `serverInfo`, if known.
    pub server_info: Option<Bytes>,
    /// How to use the provider, for a model.
    pub instructions: Option<Box<str>>,
    /// Until when the provider lets its lists be kept; `None` if it says nothing of it.
    pub expires: Option<Instant>,
    /// Whether it announces every change of its lists.
    pub announces_changes: bool,
    /// How often the provider announced changes of its tools, prompts and resources: who sees one
    /// of them is told, whatever the difference turns out to be.
    pub announced: [u64; 3],
    /// Whether every list said `cacheScope: public`.
    pub public: bool,
}

impl Offer {
    /// Returns the offer of a provider that was never heard.
    pub fn pending() -> Self {
        Self {
            freshness: Freshness::Pending,
            revision: Revision::LATEST_LEGACY,
            tools: Vec::new(),
            aliases: Vec::new(),
            resources: Vec::new(),
            templates: Vec::new(),
            prompts: Vec::new(),
            capabilities: Bytes::from_static(b"{}"),
            server_info: None,
            instructions: None,
            expires: None,
            announces_changes: false,
            announced: [0; 3],
            public: false,
        }
    }
}

/// The place where a provider keeps its offer: read without locks, watched for changes.
#[derive(Debug)]
pub struct OfferCell {
    current: ArcSwap<Offer>,
    generation: watch::Sender<u64>,
    made: Instant,
}

impl OfferCell {
    /// Makes a cell.
    pub fn new(offer: Offer) -> Self {
        Self {
            current: ArcSwap::from_pointee(offer),
            generation: watch::Sender::new(0),
            made: Instant::now(),
        }
    }

    /// Returns the present offer.
    pub fn load(&self) -> Arc<Offer> {
        self.current.load_full()
    }

    /// Returns when the cell was made: a first list waits no longer than some time from then.
    pub fn made(&self) -> Instant {
        self.made
    }

    /// Puts a new offer in place and wakes who watches.
    pub fn store(&self, offer: Offer) {
        self.current.store(Arc::new(offer));
        self.generation.send_modify(|generation| *generation += 1);
    }

    /// Returns a receiver that sees each change.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }
}
