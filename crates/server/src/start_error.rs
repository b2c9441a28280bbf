//! Why a gateway does not start: one variant per cause, each with its code and what to do about it.
//!
//! The command line renders these; nothing here is ever sent to a client.

use std::net::SocketAddr;
use std::path::PathBuf;

use gantry_core::ErrorCode;
use gantry_core::seal::SealError;
use gantry_core::store::StoreError;
use gantry_net::{ProxyError, UrlError};
use gantry_policy::jwks::BadSecret;
use gantry_policy::keys::ConfigError;
use gantry_policy::{BadPattern, Exposed, TokenError};
use gantry_storage::postgres::ConnectError;
use gantry_storage::{LockError, OpenError, SecretError};

use crate::audit::AuditError;
use crate::config::ConfigErrors;
use crate::inherited::InheritedError;
use crate::log::FileError;
use crate::tls::TlsError;

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error("{errors}")]
    Config {
        /// Everything that is wrong with it.
        errors: ConfigErrors,
    },
    /// The machine gives no threads or no event queue.
    #[error("cannot start the runtime")]
    Runtime {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A port cannot be taken.
    #[error("failed to bind `{address}`, set by `{key}`")]
    Bind {
        /// Which key of the configuration says so.
        key: &'static str,
        /// Where it should listen.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The unix socket cannot be made.
    #[error("failed to make the socket `{}`, set by `server.socket`", path.display())]
    Socket {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A socket of the service manager cannot be used.
    #[error("a socket of the service manager cannot be used")]
    Inheritance {
        /// Which, and why.
        #[source]
        source: InheritedError,
    },
    /// A socket of the service manager cannot be listened on.
    #[error("the socket `{name}` of the service manager cannot be listened on")]
    Inherited {
        /// Its name.
        name: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A socket of the service manager is for a listener that is not configured.
    #[error("the service manager passes on a socket `{name}`, but `server.{name}` is not set")]
    InheritedUnused {
        /// Its name.
        name: &'static str,
    },
    /// The certificate cannot be used.
    #[error("the listener with TLS cannot be started")]
    Tls {
        /// Which file, and why.
        #[source]
        source: TlsError,
    },
    /// The port would be open to everybody.
    #[error("the address is not listened on")]
    Exposed {
        /// Which, and what to do.
        #[source]
        source: Exposed,
    },
    /// Nobody would have to say who they are.
    #[error("services are not started for production without authentication")]
    Unauthenticated,
    /// The data folder cannot be held.
    #[error("cannot use the data folder")]
    Folder {
        /// Why.
        #[source]
        source: LockError,
    },
    /// A secret of the data folder cannot be used.
    #[error("cannot use the secrets of the data folder")]
    Secret {
        /// Why.
        #[source]
        source: SecretError,
    },
    /// The database cannot be used.
    #[error("cannot use the database")]
    Database {
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The database server cannot be used.
    #[error("cannot use the database that `storage.url` names")]
    DatabaseServer {
        /// Why.
        #[source]
        source: ConnectError,
    },
    /// The servers that the HTTP API made cannot be read.
    #[error("cannot read the servers that the HTTP API made")]
    Stored {
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The secret for sealed handles is too short, or none could be made.
    #[error("no secret to seal handles with, from {origin}")]
    Seal {
        /// Where it comes from.
        origin: &'static str,
        /// Why.
        #[source]
        source: SealError,
    },
    /// A variable names a proxy that cannot be used.
    #[error("the proxy of the environment cannot be used")]
    Proxy {
        /// Which, and why.
        #[source]
        source: ProxyError,
    },
    /// A token or key of the configuration cannot be used.
    #[error("a token or key cannot be used")]
    Token {
        /// Which, and why.
        #[source]
        source: ConfigError,
    },
    /// The secret of signed tokens cannot be used.
    #[error("the secret of signed tokens cannot be used")]
    TokenSecret {
        /// Why.
        #[source]
        source: BadSecret,
    },
    /// The admin token of the data folder cannot be used.
    #[error("the admin token of the data folder cannot be used")]
    AdminToken {
        /// Why.
        #[source]
        source: TokenError,
    },
    /// The keys that the gateway made cannot be read.
    #[error("cannot read the keys that the gateway made")]
    Keys {
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The secret that keys are digested with is too short, or none could be made.
    #[error("no secret to digest keys with, from {origin}")]
    Pepper {
        /// Where it comes from.
        origin: &'static str,
        /// Why.
        #[source]
        source: SealError,
    },
    /// An allowed host or origin cannot be used.
    #[error("`server.allowed_hosts` or `server.allowed_origins` cannot be used")]
    Pattern {
        /// Which, and why.
        #[source]
        source: BadPattern,
    },
    /// A file of the log cannot be written.
    #[error("cannot write the log that `log.file` or `log.error_file` asks for")]
    Log {
        /// Which, and why.
        #[source]
        source: FileError,
    },
    /// Nothing can be recorded.
    #[error("the audit trail cannot be kept")]
    Audit {
        /// Why.
        #[source]
        source: AuditError,
    },
    /// The address of the collector cannot be called.
    #[error("the collector that `tracing.otlp.endpoint` names cannot be called")]
    Collector {
        /// Why.
        #[source]
        source: UrlError,
    },
    /// The signals of the system cannot be listened to.
    #[error("cannot listen to signals")]
    Signals {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl StartError {
    /// Returns the code of the cause, for `gantry explain`.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Config { errors } => {
                errors.problems().first().map_or(ErrorCode::Internal, |problem| problem.code)
            }
            Self::Runtime { .. } | Self::Signals { .. } => ErrorCode::Internal,
            Self::Bind { .. } => ErrorCode::BindFailed,
            Self::Socket { .. } => ErrorCode::SocketUnusable,
            Self::Inheritance { .. } | Self::Inherited { .. } | Self::InheritedUnused { .. } => {
                ErrorCode::InheritedSocketUnusable
            }
            Self::Tls { source } => source.code(),
            Self::Exposed { .. } => ErrorCode::ListenWithoutAuthentication,
            Self::Unauthenticated => ErrorCode::ProductionWithoutAuthentication,
            Self::Log { .. } => ErrorCode::LogFileUnusable,
            Self::Audit { .. } => ErrorCode::AuditUnusable,
            Self::Folder { source: LockError::Held { .. } } => ErrorCode::DataFolderLocked,
            Self::Folder { .. } | Self::Secret { .. } | Self::AdminToken { .. } => {
                ErrorCode::DataFolderUnusable
            }
            Self::Database { source: OpenError::Newer { .. } } => ErrorCode::StorageTooNew,
            Self::Database { .. } | Self::Stored { .. } | Self::Keys { .. } => {
                ErrorCode::StorageFailed
            }
            Self::DatabaseServer { source } => match source {
                ConnectError::Unreachable { .. } => ErrorCode::StorageUnreachable,
                ConnectError::Refused { .. } => ErrorCode::StorageRefused,
                ConnectError::Busy { .. } => ErrorCode::StorageBusy,
                ConnectError::Newer { .. } => ErrorCode::StorageTooNew,
                ConnectError::Failed { .. } => ErrorCode::StorageFailed,
            },
            Self::Collector { .. } => ErrorCode::ConfigInvalidValue,
            Self::Seal { .. }
            | Self::Pepper { .. }
            | Self::Proxy { .. }
            | Self::Token { .. }
            | Self::Pattern { .. } => ErrorCode::ConfigInvalidValue,
            Self::TokenSecret { .. } => ErrorCode::WeakSecret,
        }
    }

    /// Returns what can be done, each a sentence without a full stop that can be followed literally.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Bind { address, source, .. }
                if source.kind() == std::io::ErrorKind::AddrInUse =>
            {
                let port = address.port();
                vec![
                    format!(
                        "another process holds the port; `ss -ltnp 'sport = :{port}'` shows which"
                    ),
                    "port 0 takes a free one, as in `--listen 127.0.0.1:0`".to_owned(),
                ]
            }
            Self::Bind { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                vec!["ports below 1024 need rights; take a higher one".to_owned()]
            }
            Self::Folder { source: LockError::Held { .. } } => {
                vec!["`--data-dir` chooses another folder".to_owned()]
            }
            Self::Seal { .. } => {
                vec!["`openssl rand -base64 48` makes a good `SESSION_SECRET`".to_owned()]
            }
            Self::Pepper { .. } => {
                vec!["`openssl rand -base64 48` makes a good `API_KEY_SALT`".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
