//! Who hears of changes: modern listeners by their filter, legacy sessions by what they subscribed
//! to. Each keeps a [`Place`] for as long as it is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rmcp::{
    RoleServer,
    model::ResourceUpdatedNotificationParam,
    service::{Peer, SubscriptionSink},
};

/// What may have changed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    Tools,
    Prompts,
    Resource(&'a str),
}

/// All who listen.
#[derive(Clone, Default)]
pub(crate) struct Watchers {
    lists: Arc<Mutex<Lists>>,
}

#[derive(Default)]
struct Lists {
    next: u64,
    listeners: BTreeMap<u64, SubscriptionSink>,
    sessions: BTreeMap<u64, Session>,
}

struct Session {
    peer: Peer<RoleServer>,
    subscribed: BTreeSet<String>,
}

/// One watcher's place on the lists, given up when it is dropped.
pub(crate) struct Place {
    watchers: Watchers,
    key: u64,
}

impl Watchers {
    /// A place for one more watcher, who hears of nothing until it is filled.
    pub(crate) fn place(&self) -> Place {
        let mut lists = self.lists();
        lists.next += 1;
        Place { watchers: self.clone(), key: lists.next }
    }

    /// Tells those whom it concerns.
    pub(crate) async fn announce(&self, change: Change<'_>) {
        let (listeners, peers) = {
            let lists = self.lists();
            (lists.listeners.values().cloned().collect::<Vec<_>>(), lists.concerned(change))
        };
        // A listener whose filter leaves the change out refuses it; that is the filter at work.
        for listener in listeners {
            let _ = match change {
                Change::Tools => listener.notify_tool_list_changed().await,
                Change::Prompts => listener.notify_prompt_list_changed().await,
                Change::Resource(uri) => listener.notify_resource_updated(uri).await,
            };
        }
        for peer in peers {
            let _ = match change {
                Change::Tools => peer.notify_tool_list_changed().await,
                Change::Prompts => peer.notify_prompt_list_changed().await,
                Change::Resource(uri) => {
                    peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await
                }
            };
        }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// A modern `subscriptions/listen`.
    pub(crate) fn listen(&self, sink: SubscriptionSink) {
        self.watchers.lists().listeners.insert(self.key, sink);
    }

    /// A legacy session; it hears of every list that changes.
    pub(crate) fn join(&self, peer: Peer<RoleServer>) {
        self.watchers.lists().session(self.key, peer);
    }

    /// A legacy `resources/subscribe`, which may overtake the notification by which a session joins.
    pub(crate) fn subscribe(&self, peer: Peer<RoleServer>, uri: String) {
        self.watchers.lists().session(self.key, peer).subscribed.insert(uri);
    }

    /// A legacy `resources/unsubscribe`.
    pub(crate) fn unsubscribe(&self, uri: &str) {
        if let Some(session) = self.watchers.lists().sessions.get_mut(&self.key) {
            session.subscribed.remove(uri);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lists = self.watchers.lists();
        lists.listeners.remove(&self.key);
        lists.sessions.remove(&self.key);
    }
}

impl Lists {
    fn session(&mut self, key: u64, peer: Peer<RoleServer>) -> &mut Session {
        self.sessions.entry(key).or_insert(Session { peer, subscribed: BTreeSet::new() })
    }

    fn concerned(&self, change: Change<'_>) -> Vec<Peer<RoleServer>> {
        let concerns = |session: &&Session| match change {
            Change::Resource(uri) => session.subscribed.contains(uri),
            Change::Tools | Change::Prompts => true,
        };
        self.sessions.values().filter(concerns).map(|session| session.peer.clone()).collect()
    }
}
