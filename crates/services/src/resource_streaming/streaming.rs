//! What the service shares between calls and subscriptions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use gantry_core::Principal;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};

use super::address::Address;
use super::journal::{Entry, Journals, Thought};
use super::subscription::{Change, ChangeType, Counts, Subscription, Subscriptions, owner_of};
use super::{LOG, METRICS, THOUGHTS};
use crate::context::Context;
use crate::ports::Ports;
use crate::usage::Usage;

/// By which a subscriber is told of a change (MCP, `notifications/resources/updated`).
const UPDATED: &str = "notifications/resources/updated";
/// By which a subscriber hears now and then that the subscription lives.
const HEARTBEAT: &str = "notifications/resource_streaming/heartbeat";

/// Subscriptions, journals, figures.
#[derive(Debug, Default)]
pub struct Streaming {
    // Each mutex is held for moments, and never while somebody is told.
    subscriptions: Mutex<Subscriptions>,
    journals: Mutex<Journals>,
    next: AtomicU64,
    answered: AtomicU64,
    failed: AtomicU64,
    running: AtomicU64,
}

/// A subscription as its owner is told of it.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct Told {
    /// Its id, which its notifications carry.
    subscription_id: String,
    /// What was subscribed to: the resource, with what is asked of its changes.
    uri: String,
    /// The resource.
    resource_uri: String,
    /// What its changes must have.
    filters: BTreeMap<String, Vec<String>>,
    /// Unix seconds at which it began.
    since: u64,
    /// What became of its notifications.
    notifications: Counts,
    /// Unix seconds of the last one.
    last_notification: Option<u64>,
}

impl Streaming {
    /// Begins a subscription and returns its number, which the process delivers by; `None` when
    /// there are too many.
    pub fn subscribe(&self, ports: &Ports, owner: &Principal, address: Address) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let subscription = Subscription {
            number,
            owner: owner_of(owner),
            address,
            since: ports.clock.unix_seconds(),
            counts: Counts::default(),
            last: None,
        };
        self.subscriptions.lock().add(subscription).then_some(number)
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, number: u64) {
        self.subscriptions.lock().remove(number);
    }

    /// Returns how many are subscribed to a resource.
    pub fn count(&self, resource: &str) -> usize {
        self.subscriptions.lock().count(resource)
    }

    /// Tells whoever is subscribed of a change, as far as it is theirs to know; returns how many.
    pub fn changed(&self, ports: &Ports, change: &Change<'_>) -> usize {
        let Some(subscribers) = &ports.subscribers else { return 0 };
        let concerned = self.subscriptions.lock().concerned(change);
        let now = ports.clock.unix_seconds();
        for (number, uri) in &concerned {
            let params = json!({
                "uri": uri,
                "_meta": {
                    "subscription_id": id_of(*number),
                    "resource_uri": change.resource,
                    "change_type": change.kind.name(),
                    "timestamp": timestamp(now),
                },
            });
            let delivery = subscribers.tell(*number, UPDATED, &params);
            self.subscriptions.lock().told(*number, delivery, now);
        }
        concerned.len()
    }

    /// Lets every subscriber know that the subscription lives.
    pub fn heartbeat(&self, ports: &Ports) {
        let Some(subscribers) = &ports.subscribers else { return };
        let now = timestamp(ports.clock.unix_seconds());
        let all: Vec<(u64, String)> = {
            let subscriptions = self.subscriptions.lock();
            subscriptions.all().map(|one| (one.number, one.address.resource().to_owned())).collect()
        };
        for (number, resource) in all {
            let params = json!({
                "subscription_id": id_of(number),
                "resource_uri": resource,
                "timestamp": now,
            });
            // One that is lost is followed by the next.
            let _ = subscribers.tell(number, HEARTBEAT, &params);
        }
    }

    /// Reads a resource of the service, of which an address may ask for a part only; `None` for a
    /// source of the operator's, which the process reads.
    pub fn read(context: &Context<'_>, address: &Address) -> Option<Value> {
        let streaming = context.services.streaming();
        match address.resource() {
            LOG => Some(streaming.log(context.principal, address.conditions())),
            THOUGHTS => Some(streaming.thoughts(context.principal, address.conditions())),
            METRICS => Some(streaming.metrics(context.usage())),
            _ => None,
        }
    }

    pub(super) fn log(&self, owner: &Principal, conditions: &[(String, String)]) -> Value {
        let entries = self.journals.lock().entries(&owner_of(owner), conditions);
        json!({ "count": entries.len(), "entries": entries })
    }

    pub(super) fn thoughts(&self, owner: &Principal, conditions: &[(String, String)]) -> Value {
        let thoughts = self.journals.lock().thoughts(&owner_of(owner), conditions);
        json!({ "count": thoughts.len(), "thoughts": thoughts })
    }

    /// Returns figures that are nobody's in particular. How many notifications were sent is not
    /// among them: they would change by being told.
    pub(super) fn metrics(&self, usage: &Usage) -> Value {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "questions": {
                "answered": count(&self.answered),
                "failed": count(&self.failed),
                "running": count(&self.running),
            },
            "subscriptions": self.subscriptions.lock().len(),
            "tools": usage.of(&super::SERVICE),
        })
    }

    /// Begins a question; returns its id.
    pub(super) fn begin(&self, owner: &Principal) -> String {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.journals.lock().begin(&owner_of(owner))
    }

    /// Counts how a question ended.
    pub(super) fn end(&self, is_answered: bool) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        let counter = if is_answered { &self.answered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes an entry into the log of its owner; returns how many were told.
    pub(super) fn note(&self, ports: &Ports, owner: &Principal, entry: Entry) -> usize {
        let (question, stage) = (entry.question_id.clone(), entry.stage);
        self.journals.lock().log(&owner_of(owner), entry);
        let metadata = [("question_id", question.as_str()), ("stage", stage)];
        self.created(ports, owner, LOG, &metadata)
    }

    /// Keeps a thought of its owner; returns how many were told.
    pub(super) fn think(&self, ports: &Ports, owner: &Principal, thought: Thought) -> usize {
        let (question, skill) = (thought.question_id.clone(), thought.skill);
        self.journals.lock().think(&owner_of(owner), thought);
        let metadata = [("question_id", question.as_str()), ("skill", skill)];
        self.created(ports, owner, THOUGHTS, &metadata)
    }

    fn created(
        &self,
        ports: &Ports,
        owner: &Principal,
        resource: &str,
        metadata: &[(&str, &str)],
    ) -> usize {
        let kind = ChangeType::Created;
        self.changed(ports, &Change { resource, kind, metadata, owner: Some(owner) })
    }

    /// Returns the subscriptions of a principal.
    pub(super) fn own(&self, owner: &Principal) -> Vec<Told> {
        let subscriptions = self.subscriptions.lock();
        subscriptions.of(&owner_of(owner)).into_iter().map(Told::of).collect()
    }

    /// Returns how many subscriptions each resource has, whosever they are.
    pub(super) fn by_resource(&self) -> BTreeMap<String, usize> {
        self.subscriptions.lock().by_resource()
    }

    /// Returns what became of all notifications.
    pub(super) fn counts(&self) -> Counts {
        self.subscriptions.lock().counts()
    }
}

impl Told {
    fn of(subscription: &Subscription) -> Self {
        let mut filters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in subscription.address.conditions() {
            filters.entry(key.clone()).or_default().push(value.clone());
        }
        Self {
            subscription_id: id_of(subscription.number),
            uri: subscription.address.uri().to_owned(),
            resource_uri: subscription.address.resource().to_owned(),
            filters,
            since: subscription.since,
            notifications: subscription.counts,
            last_notification: subscription.last,
        }
    }
}

fn id_of(number: u64) -> String {
    format!("sub-{number}")
}

fn timestamp(unix_seconds: u64) -> String {
    let seconds = i64::try_from(unix_seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).to_string()
}
