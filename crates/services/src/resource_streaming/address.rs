//! Which changes of a resource a subscription is about: the query of its URI.
//!
//! `reasoning://process-log?stage=answered&change_type=created` is the process log, and of its
//! changes those that have both. A key that is there more than once admits each of its values.

use percent_encoding::percent_decode_str;

use super::{LOG, METRICS, SOURCES, THOUGHTS};

/// The most conditions of one subscription.
const MAX_CONDITIONS: usize = 16;
/// The most bytes of a URI.
const MAX_URI: usize = 1024;
/// What each change says of itself.
const CHANGE_TYPE: &str = "change_type";

/// A URI, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    uri: Box<str>,
    conditions: Vec<(String, String)>,
}

impl Address {
    /// Takes a URI apart; `None` if it is none of this service, or asks for what no change says.
    pub fn parse(uri: &str) -> Option<Self> {
        if uri.len() > MAX_URI || uri.contains('#') {
            return None;
        }
        let (resource, query) =
            uri.split_once('?').map_or((uri, None), |(resource, query)| (resource, Some(query)));
        let keys = keys_of(resource)?;
        let mut conditions = Vec::new();
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            let (key, value) = pair.split_once('=')?;
            let value = percent_decode_str(value).decode_utf8().ok()?;
            if !keys.contains(&key) || conditions.len() >= MAX_CONDITIONS {
                return None;
            }
            conditions.push((key.to_owned(), value.into_owned()));
        }
        Some(Self { uri: uri.into(), conditions })
    }

    /// Returns the whole URI.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Returns the URI of the resource itself.
    pub fn resource(&self) -> &str {
        self.uri.split_once('?').map_or(&*self.uri, |(resource, _)| resource)
    }

    /// Returns the name of the source that it is, if it is one.
    pub fn source(&self) -> Option<&str> {
        self.resource().strip_prefix(SOURCES)
    }

    /// Returns what a change must have, as keys with values.
    pub fn conditions(&self) -> &[(String, String)] {
        &self.conditions
    }
}

/// Tells whether something has what the conditions ask for. What a reader asks of entries cannot be
/// how they change.
pub(super) fn admits(conditions: &[(String, String)], metadata: &[(&str, &str)]) -> bool {
    metadata.iter().all(|(key, value)| {
        let mut wanted = conditions.iter().filter(|(name, _)| name == key).peekable();
        wanted.peek().is_none() || wanted.any(|(_, wanted)| wanted == value)
    })
}

/// Returns what changes of a resource say of themselves.
fn keys_of(resource: &str) -> Option<&'static [&'static str]> {
    match resource {
        LOG => Some(&[CHANGE_TYPE, "question_id", "stage"]),
        THOUGHTS => Some(&[CHANGE_TYPE, "question_id", "skill"]),
        METRICS => Some(&[CHANGE_TYPE]),
        other => {
            let name = other.strip_prefix(SOURCES)?;
            (!name.is_empty()).then_some(&[CHANGE_TYPE])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, admits};

    #[test]
    fn a_query_says_which_changes_are_meant() {
        let address = Address::parse(
            "reasoning://process-log?stage=answered&stage=a%20b&change_type=created",
        )
        .unwrap();
        assert_eq!(address.resource(), "reasoning://process-log");
        let meant = |stage, change_type| {
            let metadata = [("stage", stage), ("change_type", change_type), ("question_id", "q")];
            admits(address.conditions(), &metadata)
        };
        assert!(meant("answered", "created") && meant("a b", "created"));
        assert!(!meant("started", "created") && !meant("answered", "deleted"));
        let whole = Address::parse("reasoning://metrics").unwrap();
        assert!(admits(whole.conditions(), &[("change_type", "deleted")]));
        assert_eq!(Address::parse("stream://orders").unwrap().source(), Some("orders"));
    }

    #[test]
    fn what_no_change_can_have_is_not_taken() {
        for uri in [
            "reasoning://other",
            "reasoning://metrics?stage=answered",
            "reasoning://process-log?stage",
            "reasoning://process-log?stage=%ff",
            "reasoning://process-log#x",
            "stream://",
            "file:///etc/passwd",
        ] {
            assert_eq!(Address::parse(uri), None, "{uri}");
        }
        let many = "stage=a&".repeat(17);
        let uri = format!("reasoning://process-log?{}", many.trim_end_matches('&'));
        assert_eq!(Address::parse(&uri), None);
    }
}
