//! Where the offers of one upstream are kept: one for everybody, one for each set of capabilities,
//! and those of single lanes where they are not the same for all.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gantry_core::{Offer, OfferCell};
use gantry_protocol::capabilities::Profile;
use gantry_protocol::method;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::super::scope::LaneKey;

/// Profiles of which offers are kept per upstream; see `docs/eras.md`, client capabilities.
const MAX_PROFILES: usize = 16;
/// Lanes of which offers of their own are kept; as many as there may be lanes.
const MAX_OWN: usize = 256;

/// The offers of one upstream.
#[derive(Debug)]
pub(in crate::upstream) struct Offers {
    shared: Arc<OfferCell>,
    by_profile: Mutex<HashMap<Profile, Arc<OfferCell>>>,
    /// What is offered on one lane, and on no other one with the same profile.
    own: Mutex<HashMap<LaneKey, Arc<OfferCell>>>,
    /// Lanes whose offer must be read anew.
    stale: Mutex<Vec<Stale>>,
    pub(in crate::upstream) wanted: Notify,
    /// How often changes of tools, prompts and resources were announced.
    announced: [AtomicU64; 3],
    /// Cells that are being filled.
    asking: Mutex<Vec<Arc<OfferCell>>>,
}

/// An offer that must be read anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::upstream) struct Stale {
    /// The lane to read it on; another one of its profile will do where the offers are the same.
    pub(in crate::upstream) key: LaneKey,
    pub(in crate::upstream) why: Why,
}

/// Why an offer must be read anew. The last one that holds is the one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::upstream) enum Why {
    /// The lane was just opened.
    Opened,
    /// It may be out of date.
    Asked,
    /// The upstream said on this lane that it changed.
    Announced,
    /// It said so right after a call on this lane.
    AfterCall,
}

impl Stale {
    /// What everybody is offered may be out of date.
    pub(in crate::upstream) fn of_all() -> Self {
        Self { key: LaneKey::shared(), why: Why::Asked }
    }
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            shared: Arc::new(OfferCell::new(Offer::pending())),
            by_profile: Mutex::default(),
            own: Mutex::default(),
            stale: Mutex::default(),
            wanted: Notify::new(),
            announced: Default::default(),
            asking: Mutex::default(),
        }
    }
}

impl Offers {
    /// Returns the cell of a profile.
    pub(in crate::upstream) fn cell(&self, profile: &Profile) -> Arc<OfferCell> {
        if *profile == Profile::EMPTY {
            return Arc::clone(&self.shared);
        }
        let mut cells = self.by_profile.lock();
        if let Some(cell) = cells.get(profile) {
            return Arc::clone(cell);
        }
        let cell = Arc::new(OfferCell::new(Offer::pending()));
        if cells.len() < MAX_PROFILES {
            cells.insert(profile.clone(), Arc::clone(&cell));
        }
        cell
    }

    /// Returns the cell of one lane, if it has one of its own.
    pub(in crate::upstream) fn own(&self, key: &LaneKey) -> Option<Arc<OfferCell>> {
        self.own.lock().get(key).cloned()
    }

    /// Returns the cell of one lane, which has one of its own from now on; `None` when there are
    /// too many.
    pub(in crate::upstream) fn keep_own(&self, key: &LaneKey) -> Option<Arc<OfferCell>> {
        let mut own = self.own.lock();
        if let Some(cell) = own.get(key) {
            return Some(Arc::clone(cell));
        }
        if own.len() >= MAX_OWN {
            return None;
        }
        let cell = Arc::new(OfferCell::new(Offer::pending()));
        own.insert(key.clone(), Arc::clone(&cell));
        Some(cell)
    }

    /// Forgets the cells of lanes that are needed no more.
    pub(in crate::upstream) fn forget_own(&self, is_needed: impl Fn(&LaneKey) -> bool) {
        self.own.lock().retain(|key, _| is_needed(key));
    }

    /// Tells whether any lane has a cell of its own.
    pub(in crate::upstream) fn has_own(&self) -> bool {
        !self.own.lock().is_empty()
    }

    /// Begins to fill a cell; `false` if somebody does already.
    pub(in crate::upstream) fn begin(&self, cell: &Arc<OfferCell>) -> bool {
        let mut asking = self.asking.lock();
        let is_free = !asking.iter().any(|asked| Arc::ptr_eq(asked, cell));
        if is_free {
            asking.push(Arc::clone(cell));
        }
        is_free
    }

    /// Ends filling a cell.
    pub(in crate::upstream) fn end(&self, cell: &Arc<OfferCell>) {
        self.asking.lock().retain(|asked| !Arc::ptr_eq(asked, cell));
    }

    /// Returns the cell that all share who cannot be asked for anything.
    pub(in crate::upstream) fn shared(&self) -> &OfferCell {
        &self.shared
    }

    /// Takes note of a `list_changed`, and asks for the offer to be read anew.
    pub(in crate::upstream) fn changed(&self, method: &str, stale: Stale) {
        let at = match method {
            method::TOOLS_LIST_CHANGED => 0,
            method::PROMPTS_LIST_CHANGED => 1,
            _ => 2,
        };
        self.announced[at].fetch_add(1, Ordering::Relaxed);
        self.refresh(stale);
    }

    /// Returns how often changes were announced.
    pub(in crate::upstream) fn announced(&self) -> [u64; 3] {
        std::array::from_fn(|at| self.announced[at].load(Ordering::Relaxed))
    }

    /// Asks for an offer to be read anew.
    pub(in crate::upstream) fn refresh(&self, new: Stale) {
        let mut stale = self.stale.lock();
        match stale.iter_mut().find(|known| known.key == new.key) {
            Some(known) => known.why = known.why.max(new.why),
            None => stale.push(new),
        }
        drop(stale);
        self.wanted.notify_one();
    }

    /// Takes what is to be read anew.
    pub(in crate::upstream) fn take_stale(&self) -> Vec<Stale> {
        std::mem::take(&mut self.stale.lock())
    }
}
