//! What the parts of one upstream share, and what they need of the process around them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gantry_core::offer::Freshness;
use gantry_core::store::OfferStore;
use gantry_core::{Clock, Offer, Tasks};
use gantry_protocol::capabilities::Profile;
use gantry_transport::client::Client;
use gantry_transport::client::http::{EventStream, HttpLimits, HttpUpstream};
use gantry_transport::client::stdio::{CommandSpec, Launcher, Limits};
use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, watch};

use super::learned::{Learned, Narrowing};
use super::offers::{self, Greeting, Offers};
use super::scope::LaneKey;
use super::state::State;
use super::verdicts;
use crate::governance::traffic::Traffic;
use crate::hub::Outlet;
use crate::metrics::{Metrics, ServerLabels};
use crate::spec::{Connection, TransportMode, UpstreamSpec};
use crate::tap::Tap;

/// How long an upstream may take to end a stream after its answer.
const STREAM_REST: Duration = Duration::from_secs(1);

/// What upstreams need of the process.
#[derive(Debug)]
pub struct Deps {
    /// Starts children.
    pub launcher: Launcher,
    /// Calls out.
    pub http: Client,
    /// Keeps offers and verdicts.
    pub store: Arc<dyn OfferStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where an upstream's words go that belong to no call.
    pub outlet: Arc<dyn Outlet>,
    /// Where the conversation can be watched.
    pub tap: Arc<Tap>,
    /// Woken when an offer or a state changed.
    pub changed: Arc<Notify>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// How it is asked.
    pub traffic: Arc<Traffic>,
    /// Background work.
    pub tasks: Tasks,
}

/// One upstream's common ground.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) spec: UpstreamSpec,
    /// Name and a digest of the connection: offers are stored under it.
    pub(super) key: String,
    /// The same with a digest of the program of a child: its era is stored under it.
    pub(super) verdict_key: Mutex<String>,
    pub(super) deps: Arc<Deps>,
    /// Ends with the upstream.
    pub(super) tasks: Tasks,
    pub(super) state: watch::Sender<State>,
    pub(super) offers: Offers,
    pub(super) learned: Learned,
    /// Woken when somebody saw the upstream fail: look at it now.
    pub(super) suspect: Notify,
    /// Woken when a session was lost or replaced: what is listened for must be asked for again.
    pub(super) lane_lost: Notify,
    /// Woken when a legacy verdict may be out of date: ask for the era again.
    pub(super) doubted: Notify,
}

impl Shared {
    pub(super) fn new(spec: UpstreamSpec, deps: Arc<Deps>) -> Self {
        let state = if spec.enabled { State::Starting } else { State::Disabled };
        let key = key(&spec);
        Self {
            verdict_key: Mutex::new(key.clone()),
            key,
            tasks: deps.tasks.child(),
            deps,
            state: watch::Sender::new(state),
            offers: Offers::default(),
            learned: Learned::of(&spec),
            suspect: Notify::new(),
            lane_lost: Notify::new(),
            doubted: Notify::new(),
            spec,
        }
    }

    pub(super) fn set_state(&self, state: State) {
        let labels = ServerLabels { server: self.spec.name.as_str().into() };
        let up = self.deps.metrics.upstream_up.get_or_create(&labels);
        up.set(i64::from(state == State::Ready));
        let changed = self.state.send_if_modified(|current| {
            let changed = *current != state;
            if changed {
                gantry_core::log::info!(upstream = %self.spec.name, state = %state, "The upstream's state changed.");
                *current = state;
            }
            changed
        });
        if changed {
            self.deps.changed.notify_one();
        }
    }

    /// Puts a fresh offer in place and stores it for the next start.
    pub(super) async fn publish(&self, profile: &Profile, mut offer: Offer) {
        offer.announced = self.offers.announced();
        let encoded = offers::encode(&offer);
        self.offers.cell(profile).store(offer);
        self.deps.changed.notify_one();
        let stored = self.deps.store.put_offer(&self.key, &profile.to_string(), encoded).await;
        if let Err(error) = stored {
            gantry_core::log::warn!(upstream = %self.spec.name, %error, "Storing an offer failed.");
        }
    }

    /// Takes the offer of an earlier run, if nothing better is known.
    pub(super) async fn recall(&self, profile: &Profile) {
        let stored = match self.deps.store.offer(&self.key, &profile.to_string()).await {
            Ok(stored) => stored,
            Err(error) => {
                gantry_core::log::warn!(upstream = %self.spec.name, %error, "Reading a stored offer failed.");
                None
            }
        };
        let Some(offer) = stored.as_ref().and_then(offers::decode) else { return };
        let cell = self.offers.cell(profile);
        if cell.load().freshness == Freshness::Pending {
            cell.store(offer);
            self.deps.changed.notify_one();
        }
    }

    /// Puts the offer of one lane in place: what it offers there is of no use to others.
    pub(super) fn publish_own(&self, key: &LaneKey, mut offer: Offer) {
        offer.announced = self.offers.announced();
        if let Some(cell) = self.offers.keep_own(key) {
            cell.store(offer);
        } else {
            gantry_core::log::debug!(upstream = %self.spec.name, "Too many lanes have lists of their own.");
        }
        self.deps.changed.notify_one();
    }

    /// Takes note that the upstream asks its clients back.
    pub(super) fn learn_question(self: &Arc<Self>, roots: bool) {
        let before = self.narrowing();
        if !self.learned.note_question(roots) {
            return;
        }
        self.tell_narrowing(before);
        let shared = Arc::clone(self);
        // Not dropped when the upstream is stopped: the next process is to know.
        self.deps.tasks.spawn("verdict", async move { verdicts::add_learned(&shared).await });
    }

    /// Takes note that calls change what the upstream offers.
    pub(super) fn learn_state(&self) {
        let before = self.narrowing();
        self.learned.note_state();
        self.tell_narrowing(before);
    }

    /// Takes note that the upstream offers different things to different principals.
    pub(super) fn learn_difference(&self) {
        let before = self.narrowing();
        self.learned.note_difference();
        self.tell_narrowing(before);
    }

    /// Takes note of how the upstream calls itself.
    pub(super) fn recognise(&self, greeting: &Greeting) {
        let before = self.narrowing();
        self.learned.recognise(greeting);
        self.tell_narrowing(before);
    }

    /// Returns why lanes are shared less widely than they could be.
    pub(super) fn narrowing(&self) -> Option<Narrowing> {
        self.learned.narrowing(&self.spec)
    }

    fn tell_narrowing(&self, before: Option<Narrowing>) {
        let now = self.narrowing();
        if let Some(narrowing) = now.filter(|_| now != before) {
            let session = narrowing.reason();
            gantry_core::log::info!(upstream = %self.spec.name, session, "Sessions with the upstream are shared less widely from now on.");
            self.deps.changed.notify_one();
        }
    }

    /// Marks what is known as old: the upstream is gone.
    pub(super) fn grow_stale(&self) {
        let mut offer = Offer::clone(&self.offers.shared().load());
        if offer.freshness == Freshness::Fresh {
            offer.freshness = Freshness::Stale;
            self.offers.shared().store(offer);
            self.deps.changed.notify_one();
        }
    }

    /// Reads what is left of an answered stream, so that its connection can be used again.
    pub(super) fn finish(&self, stream: Box<EventStream>) {
        self.tasks.spawn_until_stop("stream-rest", async move { stream.finish(STREAM_REST).await });
    }

    /// The command of a stdio upstream.
    pub(super) fn command(&self) -> Option<(CommandSpec, Limits)> {
        let Connection::Stdio { command, args, env, cwd } = &self.spec.connection else {
            return None;
        };
        let spec = CommandSpec {
            program: command.into(),
            args: args.iter().map(Into::into).collect(),
            env: env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            cwd: cwd.as_ref().map(PathBuf::from),
        };
        Some((spec, Limits { max_line: self.spec.max_message, ..Limits::default() }))
    }

    /// Tells whether the upstream is spoken to by HTTP+SSE, as far as that is known.
    pub(super) fn by_sse(&self) -> bool {
        match self.spec.transport {
            TransportMode::Auto => self.learned.by_sse.load(Ordering::Relaxed),
            TransportMode::Streamable => false,
            TransportMode::Sse => true,
        }
    }

    /// The endpoint of an HTTP upstream.
    pub(super) fn endpoint(&self) -> Result<Arc<HttpUpstream>, String> {
        let Connection::Http { url, headers } = &self.spec.connection else {
            return Err("it is no HTTP upstream".to_owned());
        };
        let target = self.deps.http.target(url).map_err(|error| gantry_core::chain(&error))?;
        let mut configured = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            let parsed = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value));
            let (Ok(name), Ok(value)) = parsed else {
                return Err(format!("`headers.{name}` cannot be sent as an HTTP header"));
            };
            configured.append(name, value);
        }
        let limits = HttpLimits {
            message: self.spec.max_message,
            body_idle: Some(self.spec.timeout),
            stream_idle: None,
        };
        HttpUpstream::new(target, &configured, limits)
            .map(Arc::new)
            .map_err(|error| gantry_core::chain(&error))
    }
}

/// The digest covers what decides which server answers: never the name alone, so that an upstream
/// that is pointed elsewhere does not inherit offers and verdicts.
fn key(spec: &UpstreamSpec) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    };
    match &spec.connection {
        Connection::Stdio { command, args, env, cwd } => {
            part(b"stdio");
            part(command.as_bytes());
            for arg in args {
                part(arg.as_bytes());
            }
            for (name, value) in env {
                part(name.as_bytes());
                part(value.as_bytes());
            }
            part(cwd.as_ref().map(|cwd| cwd.as_os_str().as_encoded_bytes()).unwrap_or_default());
        }
        Connection::Http { url, .. } => {
            part(b"http");
            part(url.as_bytes());
        }
    }
    let digest = hex(&hash.finalize(), 8);
    format!("{}:{digest}", spec.name)
}

pub(super) fn hex(bytes: &[u8], take: usize) -> String {
    use std::fmt::Write as _;
    bytes.iter().take(take).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
