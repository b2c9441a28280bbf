//! Which messages are written: a level for all, and others for parts of the program.
//!
//! What the configuration (or `GANTRY_LOG`) says is the base; an administrator changes levels while
//! the gateway runs, and the next reload goes back to the base.

use std::collections::BTreeMap;

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::config::{LogLevel, MOST_LEVELS};

/// The level of everything that has none of its own, by its name in the API.
pub(crate) const ROOT: &str = "ROOT";

/// A level for all, and those of parts by the beginning of their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Levels {
    pub(crate) root: LogLevel,
    pub(crate) parts: BTreeMap<String, LogLevel>,
}

/// Too many parts have a level of their own.
#[derive(Debug, thiserror::Error)]
#[error("more than {MOST_LEVELS} parts have a level of their own; give one back first")]
pub(crate) struct TooMany;

impl Levels {
    /// Reads directives such as `info,gantry_gateway=debug`; what they leave out is an error alone.
    pub(super) fn read(directives: &str) -> Result<Self, tracing_subscriber::filter::ParseError> {
        let targets: Targets = directives.parse()?;
        let parts = targets.iter().map(|(name, level)| (name.to_owned(), word(level)));
        let root = targets.default_level().map_or(LogLevel::Error, word);
        Ok(Self { root, parts: parts.collect() })
    }

    /// Returns the level that is in force for a part: its own, or that of the longest beginning.
    pub(crate) fn of(&self, name: &str) -> LogLevel {
        let beginnings = self.parts.iter().filter(|(part, _)| name.starts_with(&***part));
        beginnings.max_by_key(|(part, _)| part.len()).map_or(self.root, |(_, level)| *level)
    }

    /// Sets a level, or takes it back to `base`.
    pub(super) fn set(
        &mut self,
        name: Option<&str>,
        level: Option<LogLevel>,
        base: &Self,
    ) -> Result<(), TooMany> {
        match (name, level) {
            (None, level) => self.root = level.unwrap_or(base.root),
            (Some(name), None) => drop(self.parts.remove(name)),
            (Some(name), Some(level)) => {
                if self.parts.len() >= MOST_LEVELS && !self.parts.contains_key(name) {
                    return Err(TooMany);
                }
                self.parts.insert(name.to_owned(), level);
            }
        }
        Ok(())
    }

    pub(super) fn filter(&self) -> Targets {
        let parts = self.parts.iter().map(|(name, level)| (name.clone(), filter(*level)));
        Targets::new().with_default(filter(self.root)).with_targets(parts)
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

fn word(filter: LevelFilter) -> LogLevel {
    match filter {
        LevelFilter::OFF => LogLevel::Off,
        LevelFilter::ERROR => LogLevel::Error,
        LevelFilter::WARN => LogLevel::Warn,
        LevelFilter::INFO => LogLevel::Info,
        LevelFilter::DEBUG => LogLevel::Debug,
        LevelFilter::TRACE => LogLevel::Trace,
    }
}

#[cfg(test)]
mod tests {
    use super::{Levels, LogLevel};

    fn levels(directives: &str) -> Levels {
        Levels::read(directives).unwrap()
    }

    #[test]
    fn directives_are_read_as_they_are_documented() {
        let read = levels("info,gantry_gateway=debug,hyper=off");
        assert_eq!(read.root, LogLevel::Info);
        assert_eq!(read.parts.len(), 2);
        assert_eq!(read.of("gantry_gateway::dispatch"), LogLevel::Debug);
        assert_eq!(read.of("hyper::proto"), LogLevel::Off);
        assert_eq!(read.of("gantry_server"), LogLevel::Info);
        assert!(Levels::read("gantry_gateway=loud").is_err());
    }

    #[test]
    fn the_longest_beginning_decides_as_it_does_in_the_filter() {
        let read = levels("warn,a=debug,a::b=error");
        for (name, level) in [("a::b::c", "error"), ("a::c", "debug"), ("b", "warn")] {
            let expected = levels(level).root;
            assert_eq!(read.of(name), expected, "{name}");
            let is_on = |at| read.filter().would_enable(name, &at);
            assert_eq!(is_on(tracing::Level::DEBUG), expected == LogLevel::Debug, "{name}");
            assert_eq!(is_on(tracing::Level::WARN), expected != LogLevel::Error, "{name}");
        }
    }

    #[test]
    fn a_level_that_is_given_back_is_the_base_s_again() {
        let base = levels("warn,a=debug");
        let mut now = base.clone();
        now.set(None, Some(LogLevel::Trace), &base).unwrap();
        now.set(Some("a"), None, &base).unwrap();
        assert_eq!((now.root, now.of("a")), (LogLevel::Trace, LogLevel::Trace));
        now.set(None, None, &base).unwrap();
        assert_eq!(now.root, LogLevel::Warn);
        for part in 0..100 {
            let is_set = now.set(Some(&format!("p{part}")), Some(LogLevel::Info), &base).is_ok();
            assert_eq!(is_set, part < 64);
        }
    }
}
