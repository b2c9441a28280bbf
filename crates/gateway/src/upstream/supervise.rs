//! Keeps one upstream alive: connects, reads its lists, notices when it is lost, and tries again
//! with growing pauses. What it finds is the upstream's state.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::{ErrorCode, ProviderError};
use gantry_protocol::capabilities::Profile;
use gantry_protocol::method;
use tokio::time::Instant;

use super::lane::Lane;
use super::lane::open::Introduction;
use super::listen::keep_listening;
use super::modern::{ModernLink, ModernWire};
use super::offers::{self, Asker as _, Stale};
use super::probe::{self, Link, Look, connect};
use super::scope::LaneKey;
use super::state::State;
use super::{Upstream, lanes, verdicts};
use crate::causes;

/// First pause before the next try; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause while the upstream may come back by itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Pause where only a changed configuration is likely to help.
const HOPELESS_PAUSE: Duration = Duration::from_mins(1);
/// An upstream that lives this long has recovered.
const STABLE: Duration = Duration::from_secs(30);
/// An upstream that was ready this long has served: its end is no failed start.
const SERVED: Duration = Duration::from_millis(200);
/// Ends soon after a start, in a row, after which calls wait no longer.
const SECOND_TRIES: u32 = 3;
/// Ends soon after a start, in a row, that make a crash loop.
const CRASHES: u32 = 5;
/// Losses within [`LOSS_WINDOW`] after which the next try is made with a pause.
const LOSSES: usize = 30;
const LOSS_WINDOW: Duration = Duration::from_mins(1);
/// Changes of lists come in bursts: one reading serves a burst.
const REFRESH_PAUSE: Duration = Duration::from_millis(50);
/// How long a sign of life may take.
const LIFE_SIGN: Duration = Duration::from_secs(5);
/// How long a session is kept whose upstream is silent: it may be at work on a single thread.
const SILENCE: Duration = Duration::from_mins(1);

/// Pause between two looks for another era: an upstream may have its own reasons for odd answers.
const DOUBT_PAUSE: Duration = Duration::from_secs(30);

/// Why a link is watched no longer.
enum Loss {
    /// It is of no use any more.
    Lost(String),
    /// The upstream speaks a modern revision now.
    Upgraded,
}

/// When an upstream that had served was lost.
#[derive(Default)]
struct Losses(VecDeque<Instant>);

impl Losses {
    /// Counts one more; tells whether there were few of late.
    fn are_few(&mut self) -> bool {
        let now = Instant::now();
        self.0.retain(|at| now.duration_since(*at) < LOSS_WINDOW);
        self.0.push_back(now);
        self.0.len() <= LOSSES
    }
}

/// Starts the tasks of an upstream.
pub(super) fn start(upstream: &Arc<Upstream>) {
    let tasks = &upstream.shared.tasks;
    let keeper = Arc::clone(upstream);
    tasks.spawn_until_stop("upstream", async move { keeper.keep_alive().await });
    let reader = Arc::clone(upstream);
    tasks.spawn_until_stop("upstream-lists", async move { reader.keep_fresh().await });
    let listener = Arc::clone(upstream);
    tasks.spawn_until_stop("upstream-watches", async move {
        loop {
            listener.shared.lane_lost.notified().await;
            listener.watches.restore(&listener.shared, &listener.lanes).await;
        }
    });
    let sweeper = Arc::clone(upstream);
    tasks.spawn_until_stop("upstream-sweep", async move {
        loop {
            tokio::time::sleep(lanes::IDLE / 10).await;
            // The shared lane waits for its next call, unless the upstream takes no legacy calls
            // any more: then it goes with the others.
            let modern = sweeper.is_modern_alone();
            let is_kept = |key: &LaneKey| *key == LaneKey::shared() && !modern;
            sweeper.lanes.sweep(|key| is_kept(key) || sweeper.watches.need(key));
            sweeper.forget_lists();
        }
    });
}

impl Upstream {
    async fn keep_alive(self: &Arc<Self>) {
        self.shared.recall(&Profile::EMPTY).await;
        let mut pause = FIRST_PAUSE;
        let mut crashes = 0_u32;
        let mut losses = Losses::default();
        loop {
            let (state, lived) = match self.connect_and_read().await {
                Ok(link) => {
                    self.shared.set_state(State::Ready);
                    self.shared.lane_lost.notify_one();
                    let since = Instant::now();
                    let why = self.watch_and_renew(link).await;
                    gantry_core::log::info!(upstream = %self.shared.spec.name, why, "The upstream was lost.");
                    (
                        State::Unreachable { code: ErrorCode::UpstreamLost, why },
                        Some(since.elapsed()),
                    )
                }
                Err(state) => (state, None),
            };
            self.link.store(None);
            // Other lanes are sessions, or children, of their own: they end when they end.
            self.lanes.close(&LaneKey::shared());
            self.shared.grow_stale();
            let served = lived.is_some_and(|lived| lived >= SERVED);
            if served {
                pause = FIRST_PAUSE;
                crashes = 0;
            } else {
                crashes += 1;
            }
            // Back at once, and calls wait for that: clients need not notice a restart, nor one
            // that takes a second try.
            if lived.is_some() && crashes < SECOND_TRIES && losses.are_few() {
                self.shared.set_state(State::Starting);
                tokio::time::sleep(FIRST_PAUSE / 2 * crashes).await;
                continue;
            }
            let state = match state {
                // A program that is not there, or is silent, does not end.
                State::Unreachable { code: ErrorCode::UpstreamLost, why }
                    if crashes >= CRASHES && self.is_child() =>
                {
                    State::CrashLoop { why }
                }
                state => state,
            };
            let wait = match &state {
                State::Unreachable { .. } => pause,
                _ => HOPELESS_PAUSE,
            };
            // While it is tried again it is not "starting": calls would wait for it.
            self.shared.set_state(state);
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn is_modern_alone(&self) -> bool {
        matches!(self.link.load().as_deref(), Some(Link::Modern(link)) if !link.dual)
    }

    fn is_child(&self) -> bool {
        matches!(self.shared.spec.connection, crate::spec::Connection::Stdio { .. })
    }

    /// Connects and reads the lists, so that "ready" means that they are known.
    async fn connect_and_read(self: &Arc<Self>) -> Result<Link, State> {
        let link = connect(&self.shared).await?;
        let fetched = match &link {
            Link::Legacy(lane) => offers::fetch(lane, &lane.greeting).await,
            Link::Modern(link) => offers::fetch(&**link, &link.greeting).await,
        };
        let mut offer = match fetched {
            Ok(offer) => offer,
            Err(error) => {
                close(&link);
                let why = format!("its lists cannot be read: {error}");
                return Err(State::Unreachable { code: code_of(&error), why });
            }
        };
        match &link {
            Link::Legacy(lane) => {
                self.shared.recognise(&lane.greeting);
                self.lanes.adopt(lane);
            }
            Link::Modern(link) => offer.tools = link.learn(offer.tools),
        }
        self.link.store(Some(Arc::new(link.clone())));
        self.shared.publish(&Profile::EMPTY, offer).await;
        Ok(link)
    }

    /// Watches the link and those that take its place; returns why the last one was lost.
    ///
    /// A session that the upstream forgot is no upstream that is lost: calls open the next session
    /// by themselves, and all that is left to do here is to look at what is offered in it.
    async fn watch_and_renew(self: &Arc<Self>, mut link: Link) -> String {
        let mut pause = FIRST_PAUSE;
        loop {
            let since = Instant::now();
            let why = match self.watch(&link).await {
                Loss::Lost(why) => why,
                // Calls that are open in a session end there.
                Loss::Upgraded => {
                    match self.connect_and_read().await {
                        Ok(better) => link = better,
                        Err(state) => {
                            gantry_core::log::warn!(upstream = %self.shared.spec.name, %state, "Changing the era failed.");
                        }
                    }
                    continue;
                }
            };
            if !matches!(&link, Link::Legacy(lane) if lane.was_forgotten()) {
                return why;
            }
            gantry_core::log::info!(upstream = %self.shared.spec.name, "The upstream forgot its session.");
            if since.elapsed() > STABLE {
                pause = FIRST_PAUSE;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            link = match self.renew().await {
                Ok(renewed) => renewed,
                Err(state) => return state.detail().unwrap_or(&why).to_owned(),
            };
            self.shared.set_state(State::Ready);
            self.shared.lane_lost.notify_one();
        }
    }

    /// Finds the link that takes the place of one whose session was forgotten.
    async fn renew(self: &Arc<Self>) -> Result<Link, State> {
        if probe::was_upgraded(&self.shared).await {
            // Calls that are open in a session end there.
            return self.connect_and_read().await;
        }
        let key = LaneKey::shared();
        let lane = self.lanes.get(&self.shared, &key, &Introduction::own(&key)).await;
        let lane = lane.map_err(|error| State::Unreachable {
            code: code_of(&error),
            why: error.to_string(),
        })?;
        let link = Link::Legacy(lane);
        self.link.store(Some(Arc::new(link.clone())));
        self.shared.offers.refresh(Stale::of_all());
        Ok(link)
    }

    /// Waits until the link is lost, or there is a better one to be had.
    async fn watch(self: &Arc<Self>, link: &Link) -> Loss {
        match link {
            Link::Legacy(lane) => tokio::select! {
                () = lane.ended() => Loss::Lost(lane.why()),
                why = self.watch_life(lane) => {
                    lane.close();
                    Loss::Lost(why)
                }
                () = self.watch_era() => Loss::Upgraded,
            },
            Link::Modern(link) => {
                let listening = async {
                    keep_listening(link).await;
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    why = self.watch_modern(link) => Loss::Lost(why),
                    () = listening => Loss::Lost(String::new()),
                }
            }
        }
    }

    /// Looks for a sign of life whenever somebody saw the upstream fail; returns why there is none.
    async fn watch_life(&self, lane: &Arc<Lane>) -> String {
        loop {
            self.shared.suspect.notified().await;
            if let Err(why) = self.sign_of_life(lane).await {
                return why;
            }
            self.shared.set_state(State::Ready);
            self.shared.lane_lost.notify_one();
        }
    }

    async fn sign_of_life(&self, lane: &Arc<Lane>) -> Result<(), String> {
        let since = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let asked = lane.ask(method::PING, b"{}".to_vec());
            match tokio::time::timeout(LIFE_SIGN, asked).await {
                // An answer is an answer, whatever it says.
                Ok(Ok(_) | Err(ProviderError::Answered { .. })) => return Ok(()),
                Ok(Err(ProviderError::TimedOut { .. })) | Err(_) => {
                    let why = "it does not answer `ping`".to_owned();
                    if since.elapsed() > SILENCE {
                        return Err(why);
                    }
                    let code = ErrorCode::UpstreamUnreachable;
                    self.shared.set_state(State::Unreachable { code, why });
                }
                Ok(Err(error)) => return Err(error.to_string()),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LIFE_SIGN);
        }
    }

    /// Returns when a legacy upstream was found to speak a modern revision. It is asked now and
    /// then, since by itself it would answer as before for ever.
    async fn watch_era(&self) {
        if self.is_child() {
            // It is what it was when it was started; its successor is looked at.
            std::future::pending::<()>().await;
        }
        loop {
            let left = verdicts::time_left(&self.shared).await;
            tokio::select! {
                () = self.shared.doubted.notified() => {}
                () = tokio::time::sleep(left) => {}
            }
            if probe::was_upgraded(&self.shared).await {
                return;
            }
            tokio::time::sleep(DOUBT_PAUSE).await;
        }
    }

    async fn watch_modern(&self, link: &ModernLink) -> String {
        let http = match &link.wire {
            ModernWire::Http(http) => http,
            ModernWire::Stdio(pipe) => {
                pipe.closed().await;
                return pipe.why().why;
            }
        };
        loop {
            self.shared.suspect.notified().await;
            match probe::look(&self.shared, http, link.greeting.revision).await {
                Look::Same => {}
                Look::Legacy(why) | Look::Lost(why) => return why,
            }
        }
    }

    /// Reads lists anew when somebody says that they changed.
    async fn keep_fresh(self: &Arc<Self>) {
        loop {
            self.shared.offers.wanted.notified().await;
            tokio::time::sleep(REFRESH_PAUSE).await;
            for stale in self.shared.offers.take_stale() {
                self.refresh(&stale).await;
            }
        }
    }
}

fn code_of(error: &ProviderError) -> ErrorCode {
    causes::of(error).unwrap_or(ErrorCode::UpstreamNotMcp)
}

fn close(link: &Link) {
    match link {
        Link::Legacy(lane) => lane.close(),
        Link::Modern(link) => {
            if let Some(pipe) = link.pipe() {
                pipe.close();
            }
        }
    }
}
