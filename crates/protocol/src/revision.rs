//! The revisions of MCP and the two eras they fall into.

use std::fmt;

/// A published revision of the protocol, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05: stdio and HTTP+SSE.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches, audio, completions.
    V2025_03_26,
    /// 2025-06-18: structured output, form elicitation, the version header.
    V2025_06_18,
    /// 2025-11-25: URL elicitation, icons, sampling with tools, stream resume.
    V2025_11_25,
    /// 2026-07-28: stateless, per-request envelope, results that ask back.
    V2026_07_28,
}

/// How a peer speaks: with a handshake and a session, or with an envelope in every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// 2024-11-05 to 2025-11-25.
    Legacy,
    /// 2026-07-28 and later.
    Modern,
}

impl Revision {
    /// Every revision that Gantry speaks, newest first: the list given to peers.
    pub const ALL: [Self; 5] = [
        Self::V2026_07_28,
        Self::V2025_11_25,
        Self::V2025_06_18,
        Self::V2025_03_26,
        Self::V2024_11_05,
    ];
    /// The newest legacy revision: asked for at an `initialize`, and given to a client that names
    /// a revision we do not know.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;
    /// The newest modern revision.
    pub const LATEST_MODERN: Self = Self::V2026_07_28;

    /// Reads the date form used on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == text)
    }

    /// Returns the date form used on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// Returns the era of this revision.
    pub const fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// Tells whether the text looks like a modern revision, known or not: a date from 2026-07-28 on.
    pub fn is_modern_text(text: &str) -> bool {
        let dated = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        dated && text >= Self::V2026_07_28.as_str()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Era {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        })
    }
}
