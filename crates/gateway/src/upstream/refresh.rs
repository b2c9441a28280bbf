//! Reads lists anew, and decides whose lists they are.
//!
//! What one lane is offered is what all with its profile are offered, as long as nothing else was
//! seen. There are two reasons why it may be otherwise: calls changed it, so that it belongs to the
//! session in which they were made; or the upstream tells principals apart. Both are found out here,
//! and from then on such lists go to the lane they were read on.

use std::sync::Arc;

use gantry_core::offer::Freshness;
use gantry_core::{Offer, ProviderError};

use super::Upstream;
use super::lane::Lane;
use super::offers::{self, Stale, Why};
use super::probe::Link;
use super::scope::{LaneKey, Scope};

/// Changes right after a call on the same lane, after which the calls are taken for the cause.
const CHANGES: u32 = 2;

impl Upstream {
    /// Reads the lists of one lane anew.
    pub(super) async fn refresh(self: &Arc<Self>, stale: &Stale) {
        let Some(link) = self.link.load_full() else { return };
        let read = match &*link {
            Link::Modern(link) => {
                let fetched = offers::fetch(&**link, &link.greeting).await;
                let learned = fetched.map(|mut offer| {
                    offer.tools = link.learn(offer.tools);
                    offer
                });
                match learned {
                    Ok(offer) => {
                        self.shared.publish(&stale.key.profile, offer).await;
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            Link::Legacy(_) => self.refresh_lane(stale).await,
        };
        if let Err(error) = read {
            gantry_core::log::warn!(upstream = %self.shared.spec.name, %error, "Reading lists failed.");
        }
    }

    async fn refresh_lane(self: &Arc<Self>, stale: &Stale) -> Result<(), ProviderError> {
        let Stale { key, why } = stale;
        let profile = &key.profile;
        let is_general = !self.has_own_lists() && matches!(why, Why::Announced | Why::Asked);
        let lane = self
            .lanes
            .find(key)
            .or_else(|| self.lanes.any(|other| other.profile == *profile).filter(|_| is_general));
        let Some(lane) = lane else { return Ok(()) };
        if *why == Why::Opened {
            return self.compare(key, &lane).await;
        }
        let offer = offers::fetch(&lane, &lane.greeting).await?;
        if *why == Why::AfterCall {
            let changed = !is_same(&self.shown(key), &offer);
            if changed && lane.count_change() >= CHANGES {
                self.shared.learn_state();
            }
        }
        let learned = &self.shared.learned;
        let is_own = self.shared.offers.own(key).is_some()
            || learned.lists_differ() && key.scope != Scope::Shared
            || learned.keeps_state() && *why == Why::AfterCall;
        if is_own {
            self.shared.publish_own(key, offer);
        } else {
            self.shared.publish(profile, offer).await;
        }
        Ok(())
    }

    /// Compares what a lane that was just opened offers with what others were offered.
    async fn compare(
        self: &Arc<Self>,
        key: &LaneKey,
        lane: &Arc<Lane>,
    ) -> Result<(), ProviderError> {
        let general = self.shared.offers.cell(&key.profile);
        let learned = &self.shared.learned;
        if learned.keeps_state() {
            // What the session before it had made of its lists went with it.
            self.shared.offers.forget_own(|other| other != key);
        } else if general.load().freshness != Freshness::Fresh {
            // Whoever wants it reads it, and there is nothing to compare with.
            return Ok(());
        }
        let offer = offers::fetch(lane, &lane.greeting).await?;
        if is_same(&general.load(), &offer) {
            return Ok(());
        }
        if learned.keeps_state() {
            self.shared.publish(&key.profile, offer).await;
            return Ok(());
        }
        if learned.lists_differ() {
            self.shared.publish_own(key, offer);
            return Ok(());
        }
        // It may have changed for all since the other one was read.
        let other =
            self.lanes.any(|other| other.profile == key.profile && other.scope != key.scope);
        let Some(other) = other else {
            self.shared.publish(&key.profile, offer).await;
            return Ok(());
        };
        let others = offers::fetch(&other, &other.greeting).await?;
        if is_same(&others, &offer) {
            self.shared.publish(&key.profile, offer).await;
            return Ok(());
        }
        self.shared.learn_difference();
        self.shared.publish_own(key, offer);
        if other.key.scope == Scope::Shared {
            self.shared.publish(&key.profile, others).await;
        } else {
            self.shared.publish_own(&other.key, others);
        }
        Ok(())
    }

    /// Tells whether what is read on one lane may be wrong on another one of its profile.
    fn has_own_lists(&self) -> bool {
        let learned = &self.shared.learned;
        learned.lists_differ() || learned.keeps_state() || self.shared.offers.has_own()
    }

    /// Returns what whoever uses a lane is shown.
    fn shown(&self, key: &LaneKey) -> Arc<Offer> {
        let own = self.shared.offers.own(key);
        own.unwrap_or_else(|| self.shared.offers.cell(&key.profile)).load()
    }

    /// Forgets the lists of lanes that are gone. Those of a principal are the same in its next
    /// lane, unless they came of calls.
    pub(super) fn forget_lists(&self) {
        let kept = !self.shared.learned.keeps_state();
        self.shared.offers.forget_own(|key| {
            kept && matches!(key.scope, Scope::Principal(_)) || self.lanes.find(key).is_some()
        });
    }
}

/// Tells whether two offers list the same, byte for byte.
fn is_same(a: &Offer, b: &Offer) -> bool {
    let lists = |offer: &'_ Offer| {
        [&offer.tools, &offer.resources, &offer.templates, &offer.prompts]
            .map(|items| items.iter().map(|item| item.raw.clone()).collect::<Vec<_>>())
    };
    lists(a) == lists(b)
}
