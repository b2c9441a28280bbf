//! What kinds of things are recorded, and under which names.

use crate::ErrorCode;
use crate::error_code::Category;

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident $name:literal $security:literal;)*) => {
        /// What kind of thing happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Event {
            $($(#[$doc])* $variant,)*
        }

        impl Event {
            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name as it stands in an entry.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Tells whether it is about who may do what.
            pub const fn is_security(self) -> bool {
                match self {
                    $(Self::$variant => $security,)*
                }
            }
        }
    };
}

events! {
    /// Somebody showed a valid credential.
    AuthenticationSuccess "authentication.success" true;
    /// Somebody showed a credential that is not valid.
    AuthenticationFailure "authentication.failure" true;
    /// Somebody showed none where one is needed.
    AuthenticationMissing "authentication.missing" true;
    /// Something was allowed that had to be asked for, such as an approval.
    AuthorizationGranted "authorization.granted" true;
    /// Something was refused to whoever asked.
    AuthorizationDenied "authorization.denied" true;
    /// A tool did what it was asked to.
    ToolExecuted "tool.executed" false;
    /// A tool did not.
    ToolFailed "tool.failed" false;
    /// A prompt was given.
    PromptExecuted "prompt.executed" false;
    /// A prompt was not given.
    PromptFailed "prompt.failed" false;
    /// A resource was read.
    ResourceRead "resource.read" false;
    /// A resource was not read.
    ResourceFailed "resource.failed" false;
    /// Another request was carried out, such as a completion.
    RequestExecuted "request.executed" false;
    /// Another request was not.
    RequestFailed "request.failed" false;
    /// A limit of how much was reached.
    RateLimitExceeded "ratelimit.exceeded" true;
    /// A legacy session was opened.
    SessionCreated "session.created" false;
    /// A legacy session ended.
    SessionTerminated "session.terminated" false;
    /// Something that nobody does by accident: a foreign page, a host that is not ours, a trail that
    /// ends too early.
    SecurityViolation "security.violation" true;
    /// A changed configuration was taken up or refused.
    ConfigChanged "config.changed" true;
    /// The levels of the log were changed.
    LogLevelChanged "log.level_changed" true;
    /// A server was made.
    ServerAdded "server.added" true;
    /// A server was changed, switched on or off.
    ServerChanged "server.changed" true;
    /// A server was removed.
    ServerRemoved "server.removed" true;
    /// A server was started anew.
    ServerRestarted "server.restarted" true;
    /// A key was made.
    KeyCreated "key.created" true;
    /// A key was replaced by another.
    KeyRotated "key.rotated" true;
    /// A key was taken back.
    KeyRevoked "key.revoked" true;
    /// A key that opened nothing any more was forgotten.
    KeyForgotten "key.forgotten" true;
    /// Rules of access were changed.
    PolicyChanged "policy.changed" true;
    /// Circuit breakers were reset.
    BreakersReset "breakers.reset" true;
    /// A backup was made.
    BackupCreated "backup.created" true;
    /// A backup was put back.
    BackupRestored "backup.restored" true;
    /// The gateway began to record.
    GatewayStarted "gateway.started" false;
    /// The gateway was told to end.
    GatewayStopped "gateway.stopped" false;
}

/// A set of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Events(u64);

// === impl Event ===

impl Event {
    /// Finds an event by its name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.name() == name)
    }

    /// Returns the event of a refusal by its cause; `None` if the cause is no matter of who may do what
    /// or how much.
    pub fn of_refusal(code: ErrorCode) -> Option<Self> {
        match code {
            ErrorCode::HostRefused | ErrorCode::OriginRefused => Some(Self::SecurityViolation),
            ErrorCode::TokenWrong | ErrorCode::AdminTokenWrong => Some(Self::AuthenticationFailure),
            ErrorCode::CommandsNotAllowed => Some(Self::AuthorizationDenied),
            // Whatever limits how much says so by the status.
            code if code.http() == Some(429) => Some(Self::RateLimitExceeded),
            code if code.category() == Category::Access => Some(Self::AuthorizationDenied),
            _ => None,
        }
    }

    const fn bit(self) -> u64 {
        1 << self as u64
    }
}

// === impl Events ===

impl Events {
    /// No event.
    pub const NONE: Self = Self(0);
    /// What is recorded unless somebody says otherwise: all but what each single request does when all
    /// is well, and which its own entry tells anyway.
    pub const USUAL: Self =
        Self(!(Event::AuthenticationSuccess.bit() | Event::AuthorizationGranted.bit()));

    /// Adds an event.
    #[must_use]
    pub const fn with(self, event: Event) -> Self {
        Self(self.0 | event.bit())
    }

    /// Tells whether an event is among them.
    pub const fn has(self, event: Event) -> bool {
        self.0 & event.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_name_and_a_bit_of_its_own() {
        assert!(Event::ALL.len() <= 64);
        let mut names: Vec<_> = Event::ALL.iter().map(|event| event.name()).collect();
        for event in Event::ALL {
            assert_eq!(Event::find(event.name()), Some(*event));
            let only = Events::NONE.with(*event);
            let has = Event::ALL.iter().filter(|other| only.has(**other)).count();
            assert_eq!(has, 1, "{event:?}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Event::ALL.len());
    }

    #[test]
    fn a_refusal_is_an_event_by_its_cause() {
        let of = |code| Event::of_refusal(code).map(Event::name);
        assert_eq!(of(ErrorCode::OriginRefused), Some("security.violation"));
        assert_eq!(of(ErrorCode::TokenWrong), Some("authentication.failure"));
        assert_eq!(of(ErrorCode::NotForThisToken), Some("authorization.denied"));
        assert_eq!(of(ErrorCode::UnknownTool), None);
    }
}
