//! Who is subscribed to what.
//!
//! A subscription belongs to a principal and to one client of it: the process says when it begins
//! and when it ends. Its number is what the process delivers by.

use std::collections::{BTreeMap, HashMap};

use gantry_core::{Delivery, Principal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{Address, admits};

/// The most subscriptions of all principals.
const MAX_ALL: usize = 100_000;
/// The most of one principal.
const MAX_OWN: usize = 5_000;

/// How a resource changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeType {
    /// Something is there that was not: an entry of a log, a file.
    Created,
    /// It was written again, and says the same.
    Updated,
    /// It is gone.
    Deleted,
    /// It says something else.
    ContentChanged,
}

/// A change.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The resource, without a query.
    pub resource: &'a str,
    /// How it changed.
    pub kind: ChangeType,
    /// What else is said of it.
    pub metadata: &'a [(&'a str, &'a str)],
    /// Whose it is; `None` if it is everybody's.
    pub owner: Option<&'a Principal>,
}

/// The subscriptions.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// By resource, so that a change looks at none of another.
    by_resource: HashMap<Box<str>, BTreeMap<u64, Subscription>>,
    /// The resource of each.
    resources: HashMap<u64, Box<str>>,
    /// How many each principal has.
    owners: HashMap<Owner, usize>,
    counts: Counts,
}

/// A subscription.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) number: u64,
    pub(super) owner: Owner,
    pub(super) address: Address,
    /// Unix seconds at which it began.
    pub(super) since: u64,
    pub(super) counts: Counts,
    /// Unix seconds of the last notification.
    pub(super) last: Option<u64>,
}

/// Issuer and subject.
pub(super) type Owner = (Box<str>, Box<str>);

/// What became of notifications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Counts {
    /// Those on their way to a client that reads.
    sent: u64,
    /// Those that stand in one with others, because nobody was reading.
    merged: u64,
    /// Those that no queue had room for.
    dropped: u64,
}

// === impl ChangeType ===

impl ChangeType {
    /// All of them.
    pub(super) const ALL: [Self; 4] =
        [Self::Created, Self::Updated, Self::Deleted, Self::ContentChanged];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::ContentChanged => "content_changed",
        }
    }
}

// === impl Subscriptions ===

impl Subscriptions {
    /// Takes one in; `false` when there are too many.
    pub(super) fn add(&mut self, subscription: Subscription) -> bool {
        let own = self.owners.get(&subscription.owner).copied().unwrap_or(0);
        if self.resources.len() >= MAX_ALL || own >= MAX_OWN {
            return false;
        }
        let (number, resource) = (subscription.number, Box::from(subscription.address.resource()));
        *self.owners.entry(subscription.owner.clone()).or_default() += 1;
        self.resources.insert(number, Box::clone(&resource));
        self.by_resource.entry(resource).or_default().insert(number, subscription);
        true
    }

    /// Forgets one.
    pub(super) fn remove(&mut self, number: u64) {
        let Some(resource) = self.resources.remove(&number) else { return };
        let Some(of_resource) = self.by_resource.get_mut(&resource) else { return };
        let removed = of_resource.remove(&number);
        if of_resource.is_empty() {
            self.by_resource.remove(&resource);
        }
        if let Some(Subscription { owner, .. }) = removed
            && let Some(count) = self.owners.get_mut(&owner)
        {
            *count -= 1;
            if *count == 0 {
                self.owners.remove(&owner);
            }
        }
    }

    /// Returns those that a change concerns: their numbers and the URIs they named.
    pub(super) fn concerned(&self, change: &Change<'_>) -> Vec<(u64, Box<str>)> {
        let mut metadata = change.metadata.to_vec();
        metadata.push(("change_type", change.kind.name()));
        let owner = change.owner.map(owner_of);
        let is_meant = |subscription: &&Subscription| {
            owner.as_ref().is_none_or(|owner| subscription.owner == *owner)
                && admits(subscription.address.conditions(), &metadata)
        };
        let of_resource = self.by_resource.get(change.resource).into_iter().flatten();
        let meant = of_resource.map(|(_, subscription)| subscription).filter(is_meant);
        meant.map(|one| (one.number, one.address.uri().into())).collect()
    }

    /// Counts what became of a notification.
    pub(super) fn told(&mut self, number: u64, delivery: Delivery, now: u64) {
        self.counts.add(delivery);
        let Some(resource) = self.resources.get(&number) else { return };
        let of_resource = self.by_resource.get_mut(resource);
        if let Some(subscription) = of_resource.and_then(|all| all.get_mut(&number)) {
            subscription.counts.add(delivery);
            subscription.last = Some(now);
        }
    }

    /// Returns how many are subscribed to a resource, whatever they ask of its changes.
    pub(super) fn count(&self, resource: &str) -> usize {
        self.by_resource.get(resource).map_or(0, BTreeMap::len)
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.resources.len()
    }

    /// Returns how many each resource has.
    pub(super) fn by_resource(&self) -> BTreeMap<String, usize> {
        self.by_resource.iter().map(|(uri, all)| (uri.to_string(), all.len())).collect()
    }

    /// Returns all of them, by resource.
    pub(super) fn all(&self) -> impl Iterator<Item = &Subscription> {
        self.by_resource.values().flat_map(BTreeMap::values)
    }

    /// Returns those of an owner, the oldest first.
    pub(super) fn of(&self, owner: &Owner) -> Vec<&Subscription> {
        let mut own: Vec<_> = self.all().filter(|one| one.owner == *owner).collect();
        own.sort_unstable_by_key(|one| one.number);
        own
    }

    /// Returns what became of all notifications since the start.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }
}

// === impl Counts ===

impl Counts {
    fn add(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Sent => self.sent += 1,
            Delivery::Merged => self.merged += 1,
            Delivery::Dropped => self.dropped += 1,
        }
    }
}

/// Returns whose something of a principal is.
pub(super) fn owner_of(principal: &Principal) -> Owner {
    (principal.issuer.clone(), principal.subject.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(number: u64, owner: &str, uri: &str) -> Subscription {
        Subscription {
            number,
            owner: ("gantry".into(), owner.into()),
            address: Address::parse(uri).unwrap(),
            since: 0,
            counts: Counts::default(),
            last: None,
        }
    }

    #[test]
    fn a_change_concerns_those_who_may_know_and_asked() {
        let mut subscriptions = Subscriptions::default();
        for (number, owner, uri) in [
            (1, "ada", "reasoning://process-log"),
            (2, "bob", "reasoning://process-log"),
            (3, "ada", "reasoning://process-log?stage=answered"),
            (4, "ada", "reasoning://metrics"),
        ] {
            assert!(subscriptions.add(subscription(number, owner, uri)));
        }
        let ada = Principal::of_gantry("ada");
        let change = Change {
            resource: super::super::LOG,
            kind: ChangeType::Created,
            metadata: &[("stage", "started")],
            owner: Some(&ada),
        };
        let numbers = |subscriptions: &Subscriptions, change: &Change<'_>| {
            let concerned = subscriptions.concerned(change);
            concerned.into_iter().map(|(number, _)| number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&subscriptions, &change), [1]);
        let of_all = Change { owner: None, metadata: &[("stage", "answered")], ..change };
        assert_eq!(numbers(&subscriptions, &of_all), [1, 2, 3]);
        subscriptions.told(1, Delivery::Sent, 5);
        subscriptions.remove(3);
        subscriptions.remove(3);
        assert_eq!((subscriptions.count(super::super::LOG), subscriptions.len()), (2, 3));
        let own = subscriptions.of(&owner_of(&ada));
        assert_eq!(
            own.iter().map(|one| (one.number, one.last)).collect::<Vec<_>>(),
            [(1, Some(5)), (4, None)]
        );
    }

    #[test]
    fn nobody_takes_all_the_room() {
        let mut subscriptions = Subscriptions::default();
        let uri = "reasoning://metrics";
        let most = u64::try_from(MAX_OWN).unwrap();
        for number in 0..most {
            assert!(subscriptions.add(subscription(number, "ada", uri)));
        }
        assert!(!subscriptions.add(subscription(most, "ada", uri)));
        assert!(subscriptions.add(subscription(most, "bob", uri)));
        subscriptions.remove(0);
        assert!(subscriptions.add(subscription(most + 1, "ada", uri)));
    }
}
