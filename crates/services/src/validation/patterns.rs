//! Patterns of texts that are checked often.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::ToolError;
use crate::service::Resource;

/// The resource.
pub(super) const RESOURCE: Resource = Resource {
    uri: "validation://patterns/common",
    title: "Formats of texts",
    description: "The formats of texts that can be checked, each with an example.",
    read,
};

/// A format of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pattern {
    /// Letters, an at sign, a host with a dot.
    Email,
    /// Seven to fifteen digits, which may be grouped, with or without a plus.
    Phone,
    /// `http` or `https` and a host.
    Url,
    /// A day of the calendar, as in 2026-01-31.
    Date,
    /// A time, as in 2026-01-31T12:00:00Z.
    DateTime,
    /// 32 hexadecimal digits in five groups.
    Uuid,
    /// An address of IP, version 4 or 6.
    Ip,
    /// A number that is written as text.
    Number,
}

impl Pattern {
    /// Tells whether a text has this format.
    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            Self::Email => is_email(text),
            Self::Phone => is_phone(text),
            Self::Url => is_url(text),
            Self::Date => text.len() == 10 && is_time(&format!("{text}T00:00:00Z")),
            Self::DateTime => is_time(text),
            Self::Uuid => is_uuid(text),
            Self::Ip => text.parse::<IpAddr>().is_ok(),
            Self::Number => text.trim().parse::<f64>().is_ok_and(f64::is_finite),
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let fits = |letter: char| letter.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(letter);
    let dots = |part: &str| part.starts_with('.') || part.ends_with('.') || part.contains("..");
    !name.is_empty() && name.len() <= 64 && name.chars().all(fits) && !dots(name) && is_host(host)
}

/// Tells whether a name is one of a host, with at least one dot.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    host.len() <= 253 && host.contains('.') && host.split('.').all(is_label)
}

fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let rest = text.strip_prefix('+').unwrap_or(text);
    let fits = |letter: char| letter.is_ascii_digit() || " ()-./".contains(letter);
    (7..=15).contains(&digits) && rest.chars().all(fits)
}

fn is_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty() && !host.starts_with('.') && !text.contains(char::is_whitespace)
}

fn is_time(text: &str) -> bool {
    // Offsets are not what the parser knows, and say nothing about whether there is such a day.
    let (time, offset) = match text.rsplit_once(['+', '-']) {
        Some((time, offset)) if time.contains('T') => (format!("{time}Z"), offset),
        _ => (text.to_owned(), "00:00"),
    };
    let is_offset = offset.len() == 5
        && offset.split_once(':').is_some_and(|(hours, minutes)| {
            hours.parse::<u8>().is_ok_and(|hours| hours < 24)
                && minutes.parse::<u8>().is_ok_and(|minutes| minutes < 60)
        });
    is_offset && humantime::parse_rfc3339(&time).is_ok()
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[expect(clippy::unnecessary_wraps, reason = "other resources may fail")]
fn read(_: &Context<'_>) -> Result<Value, ToolError> {
    Ok(json!({
        "patterns": {
            "email": { "example": "ada@example.org" },
            "phone": { "example": "+47 22 12 34 56" },
            "url": { "example": "https://example.org/page" },
            "date": { "example": "2026-01-31" },
            "date_time": { "example": "2026-01-31T12:00:00Z" },
            "uuid": { "example": "123e4567-e89b-12d3-a456-426614174000" },
            "ip": { "example": "192.0.2.1" },
            "number": { "example": "12.5" },
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_text_has_the_format_that_it_has() {
        for (pattern, good, bad) in [
            (Pattern::Email, "ada.b@example.org", "ada@localhost"),
            (Pattern::Email, "ö+x@exämple.de", "a..b@example.org"),
            (Pattern::Phone, "+47 22 12 34 56", "12-34"),
            (Pattern::Phone, "(030) 123/456", "call me 1234567"),
            (Pattern::Url, "https://example.org/a?b", "ftp://example.org"),
            (Pattern::Url, "http://localhost:1", "http:// x"),
            (Pattern::Date, "2028-02-29", "2026-02-29"),
            (Pattern::Date, "2026-12-31", "31.12.2026"),
            (Pattern::DateTime, "2026-01-31T12:00:00.5+02:00", "2026-01-31T25:00:00Z"),
            (Pattern::DateTime, "2026-01-31T12:00:00Z", "2026-01-31"),
            (Pattern::Uuid, "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
            (Pattern::Ip, "2001:db8::1", "192.0.2.256"),
            (Pattern::Number, " -1.5e3 ", "inf"),
        ] {
            assert!(pattern.fits(good), "{good}");
            assert!(!pattern.fits(bad), "{bad}");
        }
    }
}
