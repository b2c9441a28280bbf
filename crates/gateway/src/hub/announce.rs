//! Tells each client of the lists that changed for it, and ends what nobody uses any more.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::session::Lists;
use gantry_protocol::{message, method};
use tokio::time::Instant;

use super::Hub;
use super::session::Session;
use crate::Gateway;
use crate::governance::audit;
use crate::snapshot::{Section, View};

/// Changes within this time are told at once.
const DEBOUNCE: Duration = Duration::from_millis(250);
/// How often to look for sessions that nothing is heard of, at least; short lives are looked at
/// four times.
const SWEEP: Duration = Duration::from_mins(15);
/// How often to look for events that are kept for longer than they should be, at least.
const STREAM_SWEEP: Duration = Duration::from_secs(30);
/// Sessions looked at before other tasks get their turn.
const BATCH: usize = 64;

/// What to say of each list, in the order of [`Lists`].
pub(super) const LIST_CHANGED: [&str; 3] =
    [method::TOOLS_LIST_CHANGED, method::PROMPTS_LIST_CHANGED, method::RESOURCES_LIST_CHANGED];

/// Returns the digests by which a client's lists are compared: tools, prompts, resources with
/// their templates.
pub fn lists_of(view: &View) -> Lists {
    let resources = view.digest(Section::Resources);
    let templates = view.digest(Section::Templates);
    [
        view.digest(Section::Tools),
        view.digest(Section::Prompts),
        resources.rotate_left(1) ^ templates,
    ]
}

impl Hub {
    /// Starts what runs beside the requests: announcing changes, ending idle sessions, and ending
    /// every stream when the gateway stops. Call once.
    pub fn start(gateway: &Arc<Gateway>) {
        let tasks = &gateway.tasks;
        gateway.hub.begin(gateway.clock.unix_seconds());
        let own = Arc::clone(gateway);
        tasks.spawn_until_stop("announce", async move { own.announce_changes().await });
        let own = Arc::clone(gateway);
        tasks.spawn_until_stop("sweep-sessions", async move { own.sweep().await });
        let own = Arc::clone(gateway);
        tasks.spawn("keep-sessions", async move { own.keep_sessions().await });
        let own = Arc::clone(gateway);
        tasks.spawn_until_stop("sweep-streams", async move { own.sweep_streams().await });
        let own = Arc::clone(gateway);
        tasks.spawn("end-streams", async move {
            own.tasks.stopping().cancelled().await;
            own.end_streams();
        });
    }
}

impl Gateway {
    /// Ends a session wherever it is known.
    pub async fn end_session(&self, session: &Session) {
        if self.hub.session(session.id).is_some() {
            audit::session_ended(self, session);
        }
        let subscriptions = self.hub.remove_session(session);
        self.keeper.note(session);
        crate::dispatch::session_ended(self, session.id);
        for (uri, subscription) in subscriptions {
            crate::dispatch::unsubscribe(self, &subscription, &uri).await;
        }
    }

    async fn announce_changes(&self) {
        let mut changes = self.registry.changes();
        while changes.changed().await.is_ok() {
            tokio::time::sleep(DEBOUNCE).await;
            changes.mark_unchanged();
            self.announce_once().await;
        }
    }

    async fn announce_once(&self) {
        for listen in self.hub.all_listens() {
            let view = self.registry.view_for(&listen.view, &listen.context, false).await;
            // An endpoint that is gone ends the streams that were opened on it; so does a resource
            // that its client may not read any more.
            let told = view.is_some_and(|view| {
                let mut held = listen.subscriptions.iter();
                let may = held.all(|(uri, held)| !view.hides_resource(&held.upstream, uri));
                may && listen.announce(lists_of(&view))
            });
            if !told {
                self.hub.remove_listen(listen.number);
            }
        }
        for (at, session) in self.hub.all_sessions().into_iter().enumerate() {
            if at % BATCH == BATCH - 1 {
                tokio::task::yield_now().await;
            }
            let context = session.context();
            let Some(view) = self.registry.view_for(&session.view, &context, false).await else {
                continue;
            };
            self.tell_changes(&session, &view);
            let denied = |uri: &str, upstream: &str| view.hides_resource(upstream, uri);
            for (uri, subscription) in session.revoke(denied) {
                self.hub.unwatch_session(session.id, &subscription, &uri);
                crate::dispatch::unsubscribe(self, &subscription, &uri).await;
            }
        }
    }

    /// Tells a session which of its lists changed since it was last told.
    pub(crate) fn tell_changes(&self, session: &Session, view: &View) {
        let changed = session.changed_lists(lists_of(view));
        for (method, _) in LIST_CHANGED.iter().zip(changed).filter(|(_, changed)| *changed) {
            session.tell(message::notification(method, b""));
        }
        if changed.contains(&true) {
            self.keeper.note(session);
        }
    }

    async fn sweep(&self) {
        loop {
            let idle = self.registry.snapshot().spec.legacy.session_idle;
            self.expire_sessions(idle).await;
            let begun = Instant::now();
            tokio::time::sleep(SWEEP.min(idle / 4)).await;
            for session in self.hub.all_sessions() {
                if session.is_idle(idle) {
                    self.end_session(&session).await;
                }
            }
            self.write_heard(Some(begun)).await;
        }
    }

    async fn sweep_streams(&self) {
        loop {
            let kept = self.registry.snapshot().spec.legacy.replay.time;
            tokio::time::sleep(STREAM_SWEEP.min(kept / 4)).await;
            self.hub.replays.sweep();
        }
    }

    fn end_streams(&self) {
        let retry = self.registry.snapshot().spec.legacy.retry;
        for listen in self.hub.all_listens() {
            self.hub.conclude_listen(listen.number);
        }
        self.end_sse();
        for session in self.hub.all_sessions() {
            session.give_up_calls();
            session.close_stream(retry);
        }
    }
}
