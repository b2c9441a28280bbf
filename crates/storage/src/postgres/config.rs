//! How the server is reached.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// How long a statement may take beside the waiting for a connection.
const STATEMENT: Duration = Duration::from_secs(10);

/// How a PostgreSQL server is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresConfig {
    /// The host, or the folder of a unix socket, which begins with `/`.
    pub host: String,
    /// The port; names the socket in its folder, too.
    pub port: u16,
    /// The role.
    pub user: String,
    /// Its password; never shown.
    pub password: Option<String>,
    /// The database.
    pub database: String,
    /// Whether the way there is encrypted, and who may be at its end.
    pub tls: TlsMode,
    /// Certificates of authorities to trust beside the system's, as PEM.
    pub root_certificate: Option<PathBuf>,
    /// A certificate that the gateway shows, and its key, as PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The connections.
    pub pool: Pool,
}

/// The connections to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// At once at most; at least 1.
    pub max: u32,
    /// Kept open while nothing is done.
    pub min: u32,
    /// The longest wait for one.
    pub acquire_timeout: Duration,
    /// After which one that does nothing is closed.
    pub idle_timeout: Duration,
    /// After which one is closed in any case.
    pub max_lifetime: Duration,
}

/// Whether the way to the server is encrypted (the modes of libpq, but for `allow`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// In the clear.
    Disable,
    /// Encrypted if the server can; whoever is in between may prevent it.
    Prefer,
    /// Encrypted; nobody asks whose certificate it is.
    Require,
    /// Encrypted, with a certificate of an authority that is trusted.
    VerifyCa,
    /// As that, and it is for this host.
    VerifyFull,
}

impl PostgresConfig {
    /// Returns where the database is, in one word and without the password.
    pub fn place(&self) -> String {
        let host = &self.host;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        format!("postgres://{}@{host}:{}/{}", self.user, self.port, self.database)
    }

    /// Returns the longest that any single use of the database takes.
    pub fn limit(&self) -> Duration {
        self.pool.acquire_timeout + STATEMENT
    }

    /// Everything is said, so that neither a variable of the environment nor `~/.pgpass` decides.
    pub(super) fn options(&self) -> PgConnectOptions {
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .username(&self.user)
            .password(self.password.as_deref().unwrap_or_default())
            .database(&self.database)
            .ssl_mode(match self.tls {
                TlsMode::Disable => PgSslMode::Disable,
                TlsMode::Prefer => PgSslMode::Prefer,
                TlsMode::Require => PgSslMode::Require,
                TlsMode::VerifyCa => PgSslMode::VerifyCa,
                TlsMode::VerifyFull => PgSslMode::VerifyFull,
            })
            // Poolers in between know few parameters of a start; nothing here is a fraction.
            .extra_float_digits(None);
        options = match &self.root_certificate {
            Some(path) => options.ssl_root_cert(path),
            None => options.ssl_root_cert_from_pem(Vec::new()),
        };
        if let Some((certificate, key)) = &self.identity {
            options = options.ssl_client_cert(certificate).ssl_client_key(key);
        }
        options.disable_statement_logging()
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PostgresConfig")
            .field("place", &self.place())
            .field("tls", &self.tls)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
