//! The levels of log messages (RFC 5424), from the most to the least verbose.

use gantry_protocol::Message;

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

const NAMES: [&str; Level::COUNT] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

impl Level {
    /// How many there are.
    pub(crate) const COUNT: usize = 8;

    /// Reads the name used on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        let at = NAMES.iter().position(|known| *known == name)?;
        u8::try_from(at).ok().map(Self)
    }

    /// Returns the name used on the wire.
    pub(crate) fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }

    /// Returns the place in the order; 0 is the most verbose.
    pub(crate) fn rank(self) -> u8 {
        self.0
    }

    pub(crate) fn from_rank(rank: u8) -> Option<Self> {
        (usize::from(rank) < NAMES.len()).then_some(Self(rank))
    }

    /// Tells whether a log message matters enough to who asked for this level; one whose level
    /// nobody knows does.
    pub fn admits(self, log: &Message) -> bool {
        let level = log.param_string("level").and_then(|name| Self::parse(&name));
        level.is_none_or(|level| level >= self)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use gantry_protocol::{Message, message};

    use super::Level;

    #[test]
    fn a_level_admits_itself_and_what_matters_more() {
        let warning = Level::parse("warning").unwrap();
        let admitted = |level: &str| {
            let params = format!(r#"{{"level":"{level}","data":1}}"#);
            let bytes = message::notification("notifications/message", params.as_bytes());
            warning.admits(&Message::parse(bytes).unwrap())
        };
        assert!(!admitted("debug"));
        assert!(!admitted("notice"));
        assert!(admitted("warning"));
        assert!(admitted("emergency"));
        assert!(admitted("homemade"));
    }

    #[test]
    fn a_log_without_level_is_admitted() {
        let bytes = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/message"}"#);
        assert!(Level::parse("error").unwrap().admits(&Message::parse(bytes).unwrap()));
        assert_eq!(Level::parse("loud"), None);
    }
}
