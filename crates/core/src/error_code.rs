//! The table of everything Gantry may complain about: one row per cause that a reader can act on.
//!
//! A row says what a program is told (JSON-RPC code, HTTP status, whether to try again); the page
//! `docs/errors/<code>.md` says what a person should do. `for_each_error_code!` hands the rows to
//! whoever needs one item per row, so that a row without its page does not compile.
//! This module renders nothing and knows no error type of any crate.
//!
//! Invariant: a code that was published keeps its meaning for good; rows are added, not renumbered.

use std::fmt;

/// Where a cause lies, and so who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// The configuration file or the environment.
    Config,
    /// The machine: ports, folders, locks.
    Start,
    /// A server behind the gateway.
    Upstream,
    /// What a client asked for.
    Request,
    /// Who asked.
    Access,
    /// What Gantry keeps on disk.
    Storage,
    /// A command at the terminal.
    Command,
    /// Gantry itself.
    Internal,
}

impl Category {
    /// Returns the name as it stands in the reference.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "configuration",
            Self::Start => "start",
            Self::Upstream => "upstream",
            Self::Request => "request",
            Self::Access => "access",
            Self::Storage => "storage",
            Self::Command => "command",
            Self::Internal => "internal",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
struct Row {
    code: &'static str,
    title: &'static str,
    category: Category,
    json_rpc: Option<i64>,
    http: Option<u16>,
    retryable: bool,
}

/// Calls the macro `$then` with every row: `Variant "E0101" Category json_rpc http retryable "title";`.
///
/// A value of `-` for `json_rpc` or `http` says that no client ever sees the error on that layer.
#[macro_export]
macro_rules! for_each_error_code {
    ($then:ident) => {
        $then! {
            ConfigUnreadable "E0101" Config (-) (-) false "the configuration file cannot be read";
            ConfigSyntax "E0102" Config (-) (-) false "the configuration file is not valid YAML or JSON";
            ConfigUnknownKey "E0103" Config (-) (-) false "a key of the configuration is unknown";
            BindFailed "E0104" Start (-) (-) false "the address to listen on cannot be taken";
            ConfigInvalidValue "E0105" Config (-) (-) false "a value of the configuration is invalid";
            ConfigMissingVariable "E0106" Config (-) (-) false "a variable of the configuration has no value";
            ConfigConflict "E0107" Config (-) (-) false "settings are missing or contradict each other";
            ConfigDuplicateKey "E0108" Config (-) (-) false "a key of the configuration is given twice";
            ListenWithoutAuthentication "E0109" Config (-) (-) false "listening beyond the loopback without authentication";
            DataFolderLocked "E0110" Start (-) (-) false "another gateway uses the data folder";
            DataFolderUnusable "E0111" Start (-) (-) false "the data folder cannot be used";
            ConfigNotEditable "E0112" Config (-) (-) false "the configuration file cannot be edited safely";
            ConfigNameTaken "E0113" Config (-) (-) false "a name is reserved or used twice";
            TlsFileUnusable "E0114" Config (-) (-) false "a certificate, private key or keystore cannot be used";
            TlsKeyMismatch "E0115" Config (-) (-) false "the certificate and the private key do not belong together";
            TlsNotValidNow "E0116" Config (-) (-) false "the certificate has expired or is not valid yet";
            KeyReadableByOthers "E0117" Config (-) (-) false "others can read a private key";
            SocketUnusable "E0118" Start (-) (-) false "the unix socket cannot be made";
            InheritedSocketUnusable "E0119" Start (-) (-) false "a socket of the service manager cannot be used";
            LogFileUnusable "E0120" Start (-) (-) false "a file of the log cannot be written";
            LogLevelRefused "E0121" Request (-) (400) false "a level of the log cannot be set so";
            EnvironmentInvalid "E0125" Config (-) (-) false "a variable of the environment has an invalid value";
            EnvironmentUnused "E0126" Config (-) (-) false "a variable of the environment does nothing yet";
            ForeignUnknown "E0127" Config (-) (-) false "a configuration file is of no known format";
            ForeignSetting "E0128" Config (-) (-) false "a setting of another system's file is not taken over";
            ImportTarget "E0129" Config (-) (-) false "the file to write exists already";
            SecretsInTheClear "E0130" Config (-) (-) false "credentials travel in the clear beyond the loopback";
            TlsExpiresSoon "E0131" Config (-) (-) false "the certificate expires soon";
            EverybodyTrusted "E0132" Config (-) (-) false "everybody is trusted as a proxy";
            NobodyAllowed "E0133" Config (-) (-) false "lists of addresses let nobody in";

            ProgramNotFound "E0201" Upstream (-32603) (-) false "the program of an upstream cannot be started";
            UpstreamUnreachable "E0202" Upstream (-32603) (-) true "an upstream cannot be reached";
            UpstreamVersionMismatch "E0203" Upstream (-32603) (-) false "an upstream speaks no revision that Gantry speaks";
            UpstreamNotMcp "E0204" Upstream (-32603) (-) false "an upstream does not speak MCP";
            UpstreamCrashLoop "E0205" Upstream (-32603) (-) false "an upstream ends again and again";
            UpstreamUnauthorized "E0206" Upstream (-32603) (-) false "an upstream refuses the credentials";
            UpstreamProbeTimeout "E0207" Upstream (-32603) (-) true "an upstream does not answer the first request";
            UpstreamMessageTooLarge "E0208" Upstream (-32603) (-) false "a message of an upstream is too large";
            UpstreamLost "E0209" Upstream (-32603) (-) true "an upstream was lost";
            UpstreamCallTimeout "E0210" Upstream (-32603) (-) false "an upstream did not answer a call in time";

            UnknownServer "E0301" Request (-32602) (404) false "no server or view has this name";
            UnknownTool "E0302" Request (-32602) (-) false "no tool has this name";
            CallbackNotBridged "E0303" Request (-32603) (-) false "an upstream asks the client back in a way the client's revision lacks";
            BodyTooLarge "E0304" Request (-32600) (413) false "a request is too large";
            MalformedMessage "E0305" Request (-32600) (400) false "a message is not valid JSON-RPC";
            UnknownSession "E0306" Request (-32600) (404) false "the session is unknown or has ended";
            HeaderMismatch "E0307" Request (-32020) (400) false "a header says something else than the message";
            UnsupportedRevision "E0308" Request (-32022) (400) false "the client asks for a revision that Gantry does not speak";
            Overloaded "E0309" Request (-32603) (503) true "the gateway has reached a limit";
            EventGone "E0310" Request (-32600) (410) false "a stream cannot be resumed from this event";
            AnswerNotKept "E0311" Request (-32603) (-) false "an answer is not kept any more";
            GatewayEnding "E0312" Request (-32603) (503) true "the gateway ends before a call does";
            ServerInFile "E0320" Request (-) (409) false "a server stands in the configuration file and is changed there";
            ServerNameInUse "E0321" Request (-) (409) false "a server or view has this name already";
            CommandsNotAllowed "E0322" Request (-) (403) false "the HTTP API may not make servers that start a program";
            ServerEntryInvalid "E0323" Request (-) (400) false "the entry of a server is invalid";
            ApiRequestInvalid "E0324" Request (-) (400) false "a request to the HTTP API is malformed";
            NotForThisToken "E0325" Access (-) (403) false "the token does not open this";
            ServerNotInState "E0326" Request (-) (409) false "the state of a server does not allow this";
            BatchInvalid "E0327" Request (-) (400) false "a batch of calls cannot be carried out";

            QueryInvalid "E0340" Request (-) (400) false "the query of a request makes no sense";
            UnknownFigure "E0341" Request (-) (404) false "no metric or part of the health has this name";

            TokenWrong "E0401" Access (-) (401) false "the token is missing or wrong";
            HostRefused "E0402" Access (-) (403) false "the Host header is not allowed";
            OriginRefused "E0403" Access (-) (403) false "the Origin header is not allowed";
            AdminTokenWrong "E0404" Access (-) (401) false "the admin token is missing or wrong";
            CredentialsAmbiguous "E0405" Request (-32600) (400) false "a request has two credentials that differ";
            UnknownKey "E0406" Request (-) (404) false "no key has this id";
            KeyNotInState "E0407" Request (-) (409) false "the state of a key does not allow this";
            TokenExpired "E0408" Access (-) (401) false "a signed token has expired";
            TokenForOthers "E0409" Access (-) (401) false "a signed token is for another audience";
            TokenNotYet "E0410" Access (-) (401) false "a signed token is not valid yet";
            ScopeMissing "E0411" Access (-) (403) false "a token lacks a scope that is needed";
            IssuerUnreachable "E0412" Access (-) (503) true "the keys of an issuer cannot be fetched";
            WeakSecret "E0413" Config (-) (-) false "the secret of signed tokens can be guessed";
            NoTokenSecret "E0414" Command (-) (-) false "there is no secret to sign a token with";
            AccessDenied "E0415" Access (-32600) (403) false "an access rule does not allow this";
            ArgumentsNotChecked "E0416" Request (-32602) (400) false "access rules cannot look at the arguments of a call";
            ApprovalDeclined "E0417" Access (-32600) (403) false "a call was not approved";
            ApprovalImpossible "E0418" Access (-32600) (403) false "a call needs an approval that its client cannot ask for";
            HookDenied "E0419" Access (-32600) (403) false "a hook refuses a call or its result";
            HookUndecided "E0420" Access (-32603) (503) true "a webhook did not decide on a call in time";
            HookUnreadable "E0421" Request (-32602) (400) false "hooks cannot look at a call or its result";

            ForwardedUnreadable "E0425" Request (-32600) (400) false "a trusted proxy does not say for whom it speaks";
            AddressRefused "E0426" Access (-32600) (403) false "nobody may use the gateway from this address";
            TooManyConnections "E0427" Request (-) (503) true "too many connections are open, or were opened in a time";

            RateLimited "E0430" Request (-32603) (429) true "too many requests came in a time";
            BreakerOpen "E0431" Upstream (-32603) (503) true "an upstream that failed too often is left alone for now";
            UpstreamFull "E0432" Upstream (-32603) (503) true "as many calls as may be are under way with an upstream";
            UnknownBreaker "E0433" Request (-) (404) false "no circuit breaker has this name";
            LimitIdle "E0434" Config (-) (-) false "a limit can never be reached";

            StorageFailed "E0501" Storage (-) (-) false "the database cannot be opened";
            StorageTooNew "E0502" Storage (-) (-) false "the database was written by a newer Gantry";
            StorageUnreachable "E0503" Storage (-) (-) true "the database server cannot be reached";
            StorageRefused "E0504" Storage (-) (-) false "the database server refuses the gateway";
            StorageBusy "E0505" Storage (-) (-) true "the schema of the database is being changed by another process";
            BackupDamaged "E0506" Storage (-) (-) false "a backup cannot be read, or is not whole";
            BackupPassphrase "E0507" Storage (-) (-) false "the passphrase of a backup is missing, wrong or too short";
            BackupTooNew "E0508" Storage (-) (-) false "a backup was made by a newer Gantry";
            BackupPlaceTaken "E0509" Storage (-) (-) false "something stands where a backup is to be written or restored";
            BackupUnwritable "E0510" Storage (-) (-) false "a backup cannot be written";
            AuditFull "E0515" Storage (-32603) (503) true "the audit trail cannot take another entry";
            AuditUnwritten "E0516" Storage (-32603) (503) false "the entry of a call in the audit trail is not durable";
            AuditUnusable "E0517" Start (-) (-) false "a sink of the audit trail cannot be used";
            AuditBroken "E0518" Storage (-) (-) false "an audit trail was changed, or is damaged";
            AuditNotStored "E0519" Storage (-) (409) false "the database keeps no audit trail";

            GatewayGone "E0601" Command (-) (-) true "the gateway went away while a command asked it";
            UnknownCode "E0602" Command (-) (-) false "no error has this code";
            NoGateway "E0603" Command (-) (-) false "no gateway runs on the data folder";
            UnknownClient "E0604" Command (-) (-) false "no client has this name";
            ClientFileUnusable "E0605" Command (-) (-) false "a client's own configuration file cannot be changed";
            NotConfirmed "E0606" Command (-) (-) false "a change was not confirmed";

            ProductionWithoutAuthentication "E0701" Request (-) (409) false "services are not started for production without authentication";
            ServiceNotOpened "E0702" Request (-) (409) false "the listener of a service cannot be opened";
            ServiceCallRefused "E0703" Request (-) (422) false "a service cannot do what a call asks for";

            Internal "E0901" Internal (-32603) (500) false "Gantry has a bug";
        }
    };
}

macro_rules! optional {
    ((-)) => {
        None
    };
    (($value:expr)) => {
        Some($value)
    };
}

macro_rules! define {
    ($($variant:ident $code:literal $category:ident $json_rpc:tt $http:tt $retryable:literal $title:literal;)*) => {
        /// A cause that has a code and a page of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $(#[doc = concat!($code, ": ", $title, ".")] $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$variant => &Row {
                        code: $code,
                        title: $title,
                        category: Category::$category,
                        json_rpc: optional!($json_rpc),
                        http: optional!($http),
                        retryable: $retryable,
                    },)*
                }
            }
        }
    };
}

for_each_error_code!(define);

impl ErrorCode {
    /// Returns the code as it is printed, such as `E0104`.
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// Returns the cause in one line, without a full stop.
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// Returns where the cause lies.
    pub const fn category(self) -> Category {
        self.row().category
    }

    /// Returns the code of the JSON-RPC error, if a client may see this cause as one.
    pub const fn json_rpc(self) -> Option<i64> {
        self.row().json_rpc
    }

    /// Returns the HTTP status, if a client may see this cause as one.
    pub const fn http(self) -> Option<u16> {
        self.row().http
    }

    /// Tells whether the same request may succeed a moment later, without anybody's doing.
    pub const fn retryable(self) -> bool {
        self.row().retryable
    }

    /// Finds a code by what is printed; upper and lower case are the same, the `E` may be absent.
    pub fn find(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches(['e', 'E']);
        Self::ALL.iter().copied().find(|code| code.code().trim_start_matches('E') == digits)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
        let mut blocks: Vec<_> = codes.clone();
        blocks.sort_unstable();
        blocks.dedup();
        assert_eq!(codes, blocks);
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for text in ["E0104", "e0104", "0104", " E0104 "] {
            assert_eq!(ErrorCode::find(text), Some(ErrorCode::BindFailed));
        }
        assert_eq!(ErrorCode::find("E9999"), None);
    }

    #[test]
    fn titles_are_half_sentences() {
        for code in ErrorCode::ALL {
            assert!(!code.title().ends_with('.'), "{code}");
        }
    }
}
