//! When to stop asking a server that fails, and when to ask again.
//!
//! A [`Breaker`] is closed while all is well. It opens when too many calls in a row failed, or too
//! large a part of the last ones; while it is open, nothing is sent. After a time it is half open: a
//! few calls pass as probes, and what becomes of them decides. It is handed the time and chance; what
//! counts as a failure is its caller's to say.

use std::time::Duration;

/// Parts of the window in which failures are counted; the oldest part leaves as a whole.
const PARTS: usize = 10;

/// When a breaker opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings {
    /// So many failures in a row open it; 0 for never.
    pub failures: u32,
    /// So many of a thousand calls that fail open it; 0 for never.
    pub permille: u32,
    /// The time over which the part of failures is counted.
    pub window: Duration,
    /// So many calls must have been made in that time before their part means anything.
    pub least: u32,
    /// How long it stays open. A part of that, up to a fifth, is added by chance, so that many
    /// gateways do not ask again at one moment.
    pub open: Duration,
    /// How many probes may be under way at once.
    pub probes: u32,
    /// So many probes in a row must succeed until it closes.
    pub successes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            failures: 5,
            permille: 0,
            window: Duration::from_secs(30),
            least: 20,
            open: Duration::from_secs(30),
            probes: 1,
            successes: 3,
        }
    }
}

/// Whether it lets calls through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All of them.
    Closed,
    /// None.
    Open,
    /// Some, to see how they fare.
    HalfOpen,
}

impl State {
    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// How a call ended, as far as the server's health goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The server answered, whatever it said.
    Success,
    /// It did not.
    Failure,
    /// Nothing can be said, as when the caller took it back.
    Unknown,
}

/// What a call that may pass shows when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Which period of one state it was made in: what began before the breaker opened does not
    /// decide whether it closes.
    period: u64,
}

/// What became of the calls so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Calls that passed and ended.
    pub calls: u64,
    /// Of these, those that the server answered.
    pub succeeded: u64,
    /// And those that it did not.
    pub failed: u64,
    /// Calls that did not pass.
    pub refused: u64,
    /// Failures since the last success.
    pub failed_in_a_row: u32,
    /// Successes since the last failure.
    pub succeeded_in_a_row: u32,
    /// When a call failed last.
    pub last_failure: Option<Duration>,
    /// How often it opened.
    pub opened: u64,
}

/// A breaker.
#[derive(Debug, Clone)]
pub struct Breaker {
    settings: Settings,
    state: State,
    period: u64,
    /// When an open one may be tried.
    until: Duration,
    /// Half open: probes under way, and how many succeeded.
    probing: u32,
    succeeded: u32,
    counts: Counts,
    parts: [Part; PARTS],
}

/// Calls of one part of the window.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    number: u64,
    calls: u32,
    failures: u32,
}

// === impl Breaker ===

impl Breaker {
    /// Makes a closed one.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Closed,
            period: 0,
            until: Duration::ZERO,
            probing: 0,
            succeeded: 0,
            counts: Counts::default(),
            parts: [Part::default(); PARTS],
        }
    }

    /// Returns its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns whether it lets calls through at that time.
    pub fn state(&self, now: Duration) -> State {
        match self.state {
            State::Open if now >= self.until => State::HalfOpen,
            state => state,
        }
    }

    /// Returns what became of the calls so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Lets a call pass, whose end must then be told; or says how long to wait.
    pub fn admit(&mut self, now: Duration) -> Result<Ticket, Duration> {
        if self.state == State::Open && now >= self.until {
            self.enter(State::HalfOpen);
        }
        match self.state {
            State::Closed => Ok(Ticket { period: self.period }),
            State::HalfOpen if self.probing < self.settings.probes.max(1) => {
                self.probing += 1;
                Ok(Ticket { period: self.period })
            }
            State::HalfOpen => {
                self.counts.refused += 1;
                // A probe may end at any moment.
                Err(Duration::from_secs(1))
            }
            State::Open => {
                self.counts.refused += 1;
                Err(self.until.saturating_sub(now))
            }
        }
    }

    /// Tells how a call ended. `chance` is any number; it spreads the time until the next probe.
    /// Returns whether this opened the breaker.
    pub fn settle(&mut self, ticket: Ticket, ending: Ending, now: Duration, chance: u64) -> bool {
        self.count(ending, now);
        if ticket.period != self.period {
            return false;
        }
        match (self.state, ending) {
            (State::Closed, _) => {
                let opens = ending == Ending::Failure && self.has_failed_enough(now);
                if opens {
                    self.open(now, chance);
                }
                opens
            }
            (State::HalfOpen, Ending::Failure) => {
                self.open(now, chance);
                true
            }
            (State::HalfOpen, ending) => {
                self.probing = self.probing.saturating_sub(1);
                self.succeeded += u32::from(ending == Ending::Success);
                if self.succeeded >= self.settings.successes.max(1) {
                    self.close();
                }
                false
            }
            // Its period began when it opened, and nothing passes in it.
            (State::Open, _) => false,
        }
    }

    /// Closes it and forgets what was counted.
    pub fn reset(&mut self) {
        self.close();
        self.counts = Counts::default();
    }

    fn count(&mut self, ending: Ending, now: Duration) {
        let counts = &mut self.counts;
        match ending {
            Ending::Success => {
                (counts.calls, counts.succeeded) = (counts.calls + 1, counts.succeeded + 1);
                counts.failed_in_a_row = 0;
                counts.succeeded_in_a_row = counts.succeeded_in_a_row.saturating_add(1);
            }
            Ending::Failure => {
                (counts.calls, counts.failed) = (counts.calls + 1, counts.failed + 1);
                counts.succeeded_in_a_row = 0;
                counts.failed_in_a_row = counts.failed_in_a_row.saturating_add(1);
                counts.last_failure = Some(now);
            }
            Ending::Unknown => return,
        }
        if self.settings.permille > 0 {
            let part = self.part(now);
            part.calls = part.calls.saturating_add(1);
            part.failures = part.failures.saturating_add(u32::from(ending == Ending::Failure));
        }
    }

    fn part(&mut self, now: Duration) -> &mut Part {
        let number = part_number(&self.settings, now);
        let at = usize::try_from(number % PARTS as u64).unwrap_or(0);
        let part = &mut self.parts[at];
        if part.number != number {
            *part = Part { number, ..Part::default() };
        }
        part
    }

    fn has_failed_enough(&self, now: Duration) -> bool {
        let Settings { failures, permille, least, .. } = self.settings;
        if failures > 0 && self.counts.failed_in_a_row >= failures {
            return true;
        }
        if permille == 0 {
            return false;
        }
        let number = part_number(&self.settings, now);
        let recent =
            self.parts.iter().filter(|part| number - part.number.min(number) < PARTS as u64);
        let (calls, failed) = recent.fold((0_u64, 0_u64), |(calls, failed), part| {
            (calls + u64::from(part.calls), failed + u64::from(part.failures))
        });
        calls >= u64::from(least.max(1)) && failed * 1000 >= calls * u64::from(permille)
    }

    fn open(&mut self, now: Duration, chance: u64) {
        let fifth = u64::try_from(self.settings.open.as_millis() / 5).unwrap_or(u64::MAX);
        let more = Duration::from_millis(chance % fifth.saturating_add(1).max(1));
        self.until = now + self.settings.open + more;
        self.counts.opened += 1;
        self.enter(State::Open);
    }

    fn close(&mut self) {
        self.parts = [Part::default(); PARTS];
        self.counts.failed_in_a_row = 0;
        self.enter(State::Closed);
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.period += 1;
        (self.probing, self.succeeded) = (0, 0);
    }
}

/// Which part of time it is; never 0, which is a part that was not used.
fn part_number(settings: &Settings, now: Duration) -> u64 {
    let part = (settings.window / u32::try_from(PARTS).unwrap_or(1)).as_nanos().max(1);
    u64::try_from(now.as_nanos() / part).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests;
