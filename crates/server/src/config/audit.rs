//! `audit`, checked.

use std::path::PathBuf;
use std::time::Duration;

use gantry_core::audit::{Event, Events};
use gantry_gateway::spec;

use super::Rotation;
use super::check::Checker;
use super::log;
use super::path::Path;
use super::raw::{self, AuditArguments, AuditFull, AuditSync};

/// What is recorded of who did what, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Whether anything is recorded.
    pub enabled: bool,
    /// The file; absolute.
    pub file: Option<PathBuf>,
    /// When the file is begun anew.
    pub rotation: Rotation,
    /// Whether the database keeps entries.
    pub database: bool,
    /// How long it does.
    pub retention: Option<Duration>,
    /// Whether standard output has them.
    pub stdout: bool,
    /// When an entry must be durable.
    pub sync: AuditSync,
    /// What happens to calls that can have no entry.
    pub when_full: AuditFull,
    /// The most bytes of entries that wait for a place that fails.
    pub spool: usize,
    /// What is kept of arguments.
    pub arguments: AuditArguments,
    /// What else is left out of them.
    pub redact: Vec<String>,
    /// The events, as they are written.
    pub events: Vec<String>,
}

/// The most rules: each member of arguments is held against them.
const MOST_RULES: usize = 256;
const SMALLEST_SPOOL: usize = 1 << 16;
const LARGEST_SPOOL: usize = 1 << 40;
const DAY: Duration = Duration::from_hours(24);

/// Checks it.
pub(crate) fn check(raw: &raw::Audit, checker: &mut Checker<'_>) -> Audit {
    let path = Path::root().key("audit");
    let rotation = raw::Rotation {
        max_size: raw.rotation.max_size.clone(),
        max_files: raw.rotation.max_files,
        max_age: raw.rotation.max_age.clone(),
        total_size: raw.rotation.total_size.clone(),
    };
    let kept = (Duration::from_hours(1), 36_500 * DAY);
    let at = path.key("retention");
    let retention = raw.retention.as_ref().map(|text| checker.duration(&at, text, kept));
    if retention.is_some() && !raw.database {
        let message = format!("`{at}` is for the database, which keeps no entries");
        checker.conflict(&at, message, Some("set `audit.database: true`, or leave it out"));
    }
    let file = log::file(raw.file.as_deref(), &path.key("file"), checker);
    check_rules(&raw.redact, &path.key("redact"), checker);
    check_events(raw, &path.key("events"), checker);
    Audit {
        enabled: raw.enabled && (file.is_some() || raw.database || raw.stdout),
        file,
        rotation: log::rotation(&rotation, &path.key("rotation"), checker),
        database: raw.database,
        retention,
        stdout: raw.stdout,
        sync: raw.sync,
        when_full: raw.when_full,
        spool: checker.size(&path.key("spool"), &raw.spool, (SMALLEST_SPOOL, LARGEST_SPOOL)),
        arguments: raw.arguments,
        redact: raw.redact.clone(),
        events: raw.events.iter().map(|pattern| pattern.0.clone()).collect(),
    }
}

fn check_rules(rules: &[String], path: &Path, checker: &mut Checker<'_>) {
    if rules.len() > MOST_RULES {
        checker.conflict(path, format!("`{path}` has more than {MOST_RULES} entries"), None);
    }
    for (at, rule) in rules.iter().enumerate() {
        // `~` begins an escape (RFC 6901, section 3).
        let has_escapes = rule.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if rule.is_empty() || rule.chars().any(char::is_control) {
            checker.invalid(&path.index(at), rule, "the name of a member, or a JSON pointer");
        } else if rule.starts_with('/') && !has_escapes {
            checker.invalid(&path.index(at), rule, "a JSON pointer: `~` is written as `~0`");
        }
    }
}

fn check_events(raw: &raw::Audit, path: &Path, checker: &mut Checker<'_>) {
    for (at, pattern) in raw.events.iter().enumerate() {
        if !Event::ALL.iter().any(|event| spec::matches(&pattern.0, event.name())) {
            let expected = "the name of an event, such as `tool.executed`, or a pattern of some";
            checker.invalid(&path.index(at), &pattern.0, expected);
        }
    }
}

impl Audit {
    /// Returns the events that are recorded.
    pub fn wanted(&self) -> Events {
        if self.events.is_empty() {
            return Events::USUAL;
        }
        let is_wanted =
            |event: &Event| self.events.iter().any(|pattern| spec::matches(pattern, event.name()));
        let wanted = Event::ALL.iter().copied().filter(is_wanted);
        wanted.fold(Events::NONE, Events::with)
    }
}

#[cfg(test)]
mod tests {
    use gantry_core::audit::Event;

    use super::super::{Config, Env, Source};

    fn read(text: &str) -> Result<Config, String> {
        Config::parse(text, &Source::default(), &Env::default()).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn is_refused(text: &str, reason: &str) {
        let error = read(text).expect_err(text);
        assert!(error.contains(reason), "{text}: {error}");
    }

    #[test]
    fn nothing_is_recorded_unless_it_is_said_where() {
        let is_on = |text: &str| read(text).unwrap().audit.enabled;
        assert!(!is_on("") && !is_on("audit: {sync: each}"));
        assert!(is_on("audit: {file: a.log}") && is_on("audit: {stdout: true}"));
        assert!(is_on("audit: {database: true}"));
        assert!(!is_on("audit: {file: a.log, enabled: false}"));
    }

    #[test]
    fn events_are_chosen_by_patterns() {
        let wanted = |text: &str| read(text).unwrap().audit.wanted();
        let usual = wanted("audit: {stdout: true}");
        assert!(usual.has(Event::ToolExecuted) && !usual.has(Event::AuthenticationSuccess));
        let some = wanted("audit: {events: [tool.*, authentication.success]}");
        assert!(some.has(Event::ToolFailed) && some.has(Event::AuthenticationSuccess));
        assert!(!some.has(Event::SessionCreated));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        is_refused("audit: {file: /}", "`audit.file` must be the path of a file");
        is_refused("audit: {retention: 30d}", "which keeps no entries");
        is_refused("audit: {events: [tools.*]}", "the name of an event");
        is_refused("audit: {redact: ['']}", "the name of a member");
        is_refused("audit: {redact: ['/a~2']}", "`~` is written as `~0`");
        is_refused("audit: {spool: 1KiB}", "from 64KiB");
        is_refused("audit: {sync: never}", "must be one of `group`, `each`");
    }
}
