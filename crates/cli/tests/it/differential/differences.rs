//! What may differ between an exchange through Gantry and the same one directly. Each has a section
//! of its own in `docs/differences.md`, in this order; nothing else may differ.

/// A difference that is intended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    RequestIds,
    ProgressTokens,
    PublicNames,
    Sessions,
    HttpHeaders,
    HttpStatus,
    Framing,
    OneLine,
    Batches,
    SlowReaders,
    Greeting,
    AnsweredHere,
    Lists,
    ToolDefinitions,
    Changes,
    UnknownNames,
    RefusedMessages,
    Limits,
    UnusableAnswers,
    HopErrors,
    OtherEra,
    UnaskedNotifications,
    ClientNotifications,
}

impl Difference {
    /// All of them.
    pub(super) const ALL: [Self; 23] = [
        Self::RequestIds,
        Self::ProgressTokens,
        Self::PublicNames,
        Self::Sessions,
        Self::HttpHeaders,
        Self::HttpStatus,
        Self::Framing,
        Self::OneLine,
        Self::Batches,
        Self::SlowReaders,
        Self::Greeting,
        Self::AnsweredHere,
        Self::Lists,
        Self::ToolDefinitions,
        Self::Changes,
        Self::UnknownNames,
        Self::RefusedMessages,
        Self::Limits,
        Self::UnusableAnswers,
        Self::HopErrors,
        Self::OtherEra,
        Self::UnaskedNotifications,
        Self::ClientNotifications,
    ];

    /// Its heading on the page.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::RequestIds => "request-ids",
            Self::ProgressTokens => "progress-tokens",
            Self::PublicNames => "public-names",
            Self::Sessions => "sessions",
            Self::HttpHeaders => "http-headers",
            Self::HttpStatus => "http-status",
            Self::Framing => "framing",
            Self::OneLine => "one-line",
            Self::Batches => "batches",
            Self::SlowReaders => "slow-readers",
            Self::Greeting => "greeting",
            Self::AnsweredHere => "answered-here",
            Self::Lists => "lists",
            Self::ToolDefinitions => "tool-definitions",
            Self::Changes => "changes",
            Self::UnknownNames => "unknown-names",
            Self::RefusedMessages => "refused-messages",
            Self::Limits => "limits",
            Self::UnusableAnswers => "unusable-answers",
            Self::HopErrors => "hop-errors",
            Self::OtherEra => "other-era",
            Self::UnaskedNotifications => "unasked-notifications",
            Self::ClientNotifications => "client-notifications",
        }
    }

    /// Whether a case of the corpus shows it and says so. The others are in every exchange on some
    /// kind of hop, or between exchanges.
    pub(super) fn is_of_a_case(self) -> bool {
        !matches!(
            self,
            Self::RequestIds
                | Self::ProgressTokens
                | Self::PublicNames
                | Self::Sessions
                | Self::HttpHeaders
                | Self::OneLine
                | Self::Batches
                | Self::SlowReaders
                | Self::Limits
                | Self::Greeting
                | Self::Changes
        )
    }
}
