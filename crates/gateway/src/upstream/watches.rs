//! The resources that clients of one legacy upstream want to be told of.
//!
//! They outlive the lanes: when a session with the upstream is lost, its successor subscribes anew,
//! and everything is announced as changed once, because it may have been in between.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use gantry_core::ProviderError;
use gantry_protocol::message::notification;
use gantry_protocol::{Message, method};
use tokio::sync::Mutex;

use super::lane::Lane;
use super::lane::open::Introduction;
use super::lanes::Lanes;
use super::scope::LaneKey;
use super::shared::Shared;

/// What is watched, by lane.
#[derive(Debug, Default)]
pub(super) struct Watches {
    by_lane: Mutex<HashMap<LaneKey, Watched>>,
}

#[derive(Debug)]
struct Watched {
    introduction: Introduction,
    /// The session that was told.
    lane: Weak<Lane>,
    /// How many clients want each.
    uris: HashMap<Box<str>, usize>,
}

impl Watches {
    /// Subscribes to a resource; the first one tells the upstream.
    pub(super) async fn add(
        &self,
        lane: &Arc<Lane>,
        introduction: Introduction,
        uri: &str,
    ) -> Result<(), ProviderError> {
        let mut by_lane = self.by_lane.lock().await;
        let known = by_lane.get_mut(&lane.key).and_then(|watched| watched.uris.get_mut(uri));
        if let Some(count) = known {
            *count += 1;
            return Ok(());
        }
        lane.watch(true, uri).await?;
        let watched = by_lane.entry(lane.key.clone()).or_insert_with(|| Watched {
            introduction,
            lane: Weak::new(),
            uris: HashMap::new(),
        });
        if watched.uris.is_empty() {
            watched.lane = Arc::downgrade(lane);
        }
        watched.uris.insert(uri.into(), 1);
        Ok(())
    }

    /// Takes one subscription back; the last one tells the upstream.
    pub(super) async fn remove(&self, lanes: &Lanes, key: &LaneKey, uri: &str) {
        let mut by_lane = self.by_lane.lock().await;
        let Some(watched) = by_lane.get_mut(key) else { return };
        let Some(count) = watched.uris.get_mut(uri) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        watched.uris.remove(uri);
        if watched.uris.is_empty() {
            by_lane.remove(key);
        }
        if let Some(lane) = lanes.find(key)
            && let Err(error) = lane.watch(false, uri).await
        {
            gantry_core::log::debug!(%error, "Unsubscribing failed.");
        }
    }

    /// Tells whether a lane is needed for what it hears, though nobody calls.
    pub(super) fn need(&self, key: &LaneKey) -> bool {
        self.by_lane.try_lock().map_or(true, |by_lane| by_lane.contains_key(key))
    }

    /// Opens the lanes again that are listened on and were lost, and subscribes anew.
    pub(super) async fn restore(&self, shared: &Arc<Shared>, lanes: &Lanes) {
        let mut by_lane = self.by_lane.lock().await;
        for (key, watched) in by_lane.iter_mut() {
            let lane = match lanes.get(shared, key, &watched.introduction).await {
                Ok(lane) => lane,
                Err(error) => {
                    gantry_core::log::warn!(upstream = %shared.spec.name, %error, "Opening a lane failed.");
                    continue;
                }
            };
            if watched.lane.upgrade().is_some_and(|known| Arc::ptr_eq(&known, &lane)) {
                continue;
            }
            watched.lane = Arc::downgrade(&lane);
            for uri in watched.uris.keys() {
                match lane.watch(true, uri).await {
                    Ok(()) => announce(shared, key, uri),
                    Err(error) => {
                        gantry_core::log::warn!(upstream = %shared.spec.name, %error, "Subscribing failed.");
                    }
                }
            }
        }
    }
}

fn announce(shared: &Shared, key: &LaneKey, uri: &str) {
    let params = serde_json::json!({ "uri": uri }).to_string();
    if let Ok(message) = Message::parse(notification(method::RESOURCES_UPDATED, params.as_bytes()))
    {
        shared.deps.outlet.resource_updated(&shared.spec.name, Some(key), &message);
    }
}
