//! The table: one row for each variable of the systems that Gantry takes the place of.
//!
//! Rows are in the order in which they win: where two fill one key, the first that is set does. A
//! row whose key the schema does not have is `later` by itself.

use serde_json::Value;

use super::super::env::Env;
use super::super::shape;
use super::value::Kind;

/// One variable, or a family of them.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The name; one that ends in `*` stands for every name that has a number there.
    pub name: &'static str,
    /// The systems that have it.
    pub systems: &'static [System],
    /// What it means here.
    pub meaning: &'static str,
    /// What it does.
    pub effect: Effect,
    /// Programs of all kinds use the name.
    pub is_generic: bool,
}

/// A system that Gantry takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct System(pub &'static str);

const EAT: System = System("EAT Framework");
const A2A: System = System("A2A MCP servers");
const OPTIMIZER: System = System("MCP Optimizer Framework");
const GLOBAL: System = System("Global MCP Client");
const CONFIGURABLE: System = System("MCP Configurable Framework");

/// What a variable does.
#[derive(Debug, Clone, Copy)]
pub enum Effect {
    /// It fills a key that the file leaves out.
    Fills {
        /// The key, with dots between its parts.
        key: &'static str,
        /// How the variable is written.
        value: Kind,
        /// A key without which this one says nothing.
        beside: Option<&'static str>,
    },
    /// It has a meaning of its own.
    Works,
    /// Its feature is still to come: which.
    Later(&'static str),
    /// It is taken and changes nothing: why.
    Nothing(&'static str),
}

/// What can be said of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does what it says.
    Works,
    /// It is another name for a key.
    Alias,
    /// Its feature is still to come.
    Later,
    /// There is nothing for it to do.
    NoEffect,
}

impl State {
    /// Returns the word for it in the reference.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Alias => "alias",
            Self::Later => "later",
            Self::NoEffect => "no effect",
        }
    }
}

impl Row {
    /// Returns the state of a row under a schema, and the reason where it does nothing.
    pub(crate) fn state(&self, schema: &Value) -> (State, Option<String>) {
        match self.effect {
            Effect::Fills { key, .. } if shape::has_key(schema, key) => (State::Alias, None),
            Effect::Fills { key, .. } => (State::Later, Some(format!("the key `{key}`"))),
            Effect::Works => (State::Works, None),
            Effect::Later(what) => (State::Later, Some(what.to_owned())),
            Effect::Nothing(why) => (State::NoEffect, Some(why.to_owned())),
        }
    }

    /// Returns the variables of the environment that the row is about and that are not empty, by
    /// their numbers.
    pub(crate) fn matching<'a>(&self, env: &'a Env) -> impl Iterator<Item = &'a str> {
        let family = self.name.strip_suffix('*');
        let number = move |name: &str| match family {
            Some(prefix) => name.strip_prefix(prefix)?.parse::<u32>().ok(),
            None => (name == self.name).then_some(0),
        };
        let is_set = |name: &&str| env.get(name).is_some_and(|text| !text.trim().is_empty());
        let mut names: Vec<_> =
            env.names().filter(is_set).filter_map(|name| Some((number(name)?, name))).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name)
    }

    /// Tells whether both come from one system.
    pub(crate) fn shares(&self, other: &Self) -> bool {
        self.systems.iter().any(|system| other.systems.contains(system))
    }
}

const fn row(
    name: &'static str,
    systems: &'static [System],
    effect: Effect,
    meaning: &'static str,
) -> Row {
    Row { name, systems, meaning, effect, is_generic: false }
}

/// A row whose name means something to other programs too.
const fn generic(
    name: &'static str,
    systems: &'static [System],
    effect: Effect,
    meaning: &'static str,
) -> Row {
    Row { is_generic: true, ..row(name, systems, effect, meaning) }
}

const fn fills(key: &'static str, value: Kind) -> Effect {
    Effect::Fills { key, value, beside: None }
}

const fn fills_beside(key: &'static str, value: Kind, beside: &'static str) -> Effect {
    Effect::Fills { key, value, beside: Some(beside) }
}

const CONSOLE: Effect = Effect::Later("signing in at a console with OAuth 2.1");
const REDIS: Effect = Effect::Later("stores that several gateways share");
const SANDBOX: Effect = Effect::Later("running code in a sandbox");
const SAVINGS: Effect = Effect::Later("saving tokens");
const CATALOG: Effect = Effect::Later("signed catalogues");
const BACKUP: Effect = Effect::Nothing("it belongs to a backup script, which reads it itself");
const ELSEWHERE: Effect = Effect::Nothing("it belongs to a program beside the gateway");
const RUNTIME: Effect = Effect::Nothing("it tunes a runtime that Gantry does not have");
const OWN: Effect =
    Effect::Nothing("tools read it themselves: give it to a server by `servers.NAME.env`");

/// The secret that opens everything: a common name alone does not fill it.
pub(crate) const JWT_SECRET: &str = "auth.jwt.secret";

/// The family of client keys.
pub(crate) const API_KEY: Row = row(
    "API_KEY_*",
    &[A2A],
    Effect::Works,
    "`KEY:CLIENT:PERMISSIONS`: a key of that client, limited to those scopes, where the file has \
     neither `auth.api_keys` nor `auth.tokens`",
);

/// Every row, in the order in which they win.
pub const ROWS: &[Row] = &[
    // Files.
    row(
        "CONFIG_PATH",
        &[CONFIGURABLE],
        Effect::Works,
        "The configuration file, where neither `--config` nor `GANTRY_CONFIG` names one and the folder has no `gantry.yaml`",
    ),
    row(
        "SPRING_CONFIG_LOCATION",
        &[GLOBAL],
        Effect::Works,
        "The same, for an `application.yml`; several with commas between, each wins over the one before",
    ),
    row(
        "SPRING_PROFILES_ACTIVE",
        &[GLOBAL],
        Effect::Works,
        "The profiles of an `application.yml` that hold",
    ),
    // The gateway's own door.
    row(
        "MCP_SERVER_PORT",
        &[GLOBAL],
        fills("server.listen", Kind::Port),
        "The port to listen on, on the loopback unless `MCP_SERVER_HOST` names a host",
    ),
    generic("PORT", &[CONFIGURABLE], fills("server.listen", Kind::Port), "The same"),
    row(
        "MCP_SERVER_HOST",
        &[A2A, GLOBAL],
        fills("server.listen", Kind::Host),
        "The host to listen on; port 8080 unless a variable names one",
    ),
    row(
        "ALLOWED_ORIGINS",
        &[A2A],
        fills("server.allowed_origins", Kind::Origins),
        "Web pages that may call, with commas between; `*` is refused",
    ),
    row(
        "MAX_REQUEST_SIZE",
        &[CONFIGURABLE],
        fills("server.limits.body", Kind::Size),
        "The largest body of a request; `kb` and `mb` count in 1024",
    ),
    row(
        "REQUEST_TIMEOUT",
        &[CONFIGURABLE],
        fills("server.limits.request_timeout", Kind::Milliseconds),
        "The longest that a client may take to send a request, in milliseconds",
    ),
    row(
        "KEYSTORE_PASSWORD",
        &[GLOBAL],
        fills_beside("server.https.keystore_password", Kind::Text, "server.https.keystore"),
        "The password of `server.https.keystore`",
    ),
    // Log.
    row("MCP_LOG_LEVEL", &[A2A], fills("log.level", Kind::Level), "The level of the log"),
    generic(
        "LOG_LEVEL",
        &[CONFIGURABLE, OPTIMIZER],
        fills("log.level", Kind::Level),
        "The same; words of Python, Java and JavaScript are understood",
    ),
    generic("LOG_FORMAT", &[OPTIMIZER], fills("log.format", Kind::Format), "`json`, or `text`"),
    generic(
        "LOG_FILE",
        &[CONFIGURABLE],
        fills("log.file", Kind::Text),
        "The file that the log goes to",
    ),
    row(
        "AUDIT_LOG_FILE",
        &[CONFIGURABLE],
        fills("audit.file", Kind::Text),
        "The file of the audit trail",
    ),
    // Metrics, health, traces.
    row("METRICS_ENABLED", &[CONFIGURABLE], fills("metrics.enabled", Kind::Flag), "Serve metrics"),
    row("ENABLE_METRICS", &[OPTIMIZER], fills("metrics.enabled", Kind::Flag), "The same"),
    row(
        "METRICS_PORT",
        &[CONFIGURABLE],
        fills("metrics.listen", Kind::Port),
        "The port of a listener for metrics alone, on the same host as the gateway",
    ),
    row("PROMETHEUS_PORT", &[OPTIMIZER], fills("metrics.listen", Kind::Port), "The same"),
    row(
        "HEALTH_CHECK_PATH",
        &[CONFIGURABLE],
        fills("health.path", Kind::Text),
        "One more path of `/health`",
    ),
    row(
        "TELEMETRY_ENDPOINT",
        &[OPTIMIZER],
        fills("tracing.otlp.endpoint", Kind::Text),
        "Where traces are sent",
    ),
    row(
        "ENABLE_TELEMETRY",
        &[OPTIMIZER],
        Effect::Works,
        "`false` leaves `TELEMETRY_ENDPOINT` unused",
    ),
    generic(
        "SENTRY_DSN",
        &[CONFIGURABLE],
        Effect::Nothing("errors are in the log and in traces, which a collector passes on"),
        "Where errors are reported",
    ),
    // Secrets and who may call.
    API_KEY,
    row(
        "API_KEY_HEADER",
        &[A2A],
        fills("auth.api_key_header", Kind::Text),
        "The header in which clients may send their key",
    ),
    row(
        "API_KEY_SALT",
        &[CONFIGURABLE],
        Effect::Works,
        "At least 16 characters that stored keys are digested with",
    ),
    row(
        "MCP_API_KEY",
        &[CONFIGURABLE],
        Effect::Nothing("it is a client's: send it as `Authorization: Bearer ...` or `X-API-Key`"),
        "The key that a client sends",
    ),
    row(
        "SESSION_SECRET",
        &[CONFIGURABLE],
        Effect::Works,
        "At least 32 characters from which the keys of session ids and cursors are made",
    ),
    generic(
        "JWT_SECRET_KEY",
        &[A2A],
        fills(JWT_SECRET, Kind::Text),
        "The secret of signed tokens, where the file has `auth.jwt` or a variable is set that this \
         system alone has",
    ),
    generic("JWT_SECRET", &[GLOBAL], fills(JWT_SECRET, Kind::Text), "The same"),
    row(
        "JWT_EXPIRATION_HOURS",
        &[A2A],
        fills_beside("auth.jwt.expires_in", Kind::Hours, JWT_SECRET),
        "How long tokens of `gantry token` hold, in hours",
    ),
    row("OAUTH2_CLIENT_ID", &[GLOBAL], CONSOLE, "Who the gateway is for the identity provider"),
    row("OAUTH2_CLIENT_SECRET", &[GLOBAL], CONSOLE, "And its secret"),
    row(
        "RATE_LIMIT_REQUESTS",
        &[A2A],
        fills("limits.per_principal.requests", Kind::Number),
        "Requests that one client may make in a window",
    ),
    row(
        "RATE_LIMIT_WINDOW",
        &[A2A],
        fills_beside("limits.per_principal.per", Kind::Seconds, "limits.per_principal.requests"),
        "The window in seconds",
    ),
    // Saving tokens, running code.
    row(
        "EXECUTION_MODE",
        &[OPTIMIZER],
        SAVINGS,
        "Whether answers come from tools, from code, or both",
    ),
    row("MAX_TOKENS_PER_REQUEST", &[OPTIMIZER], SAVINGS, "The most tokens of an answer"),
    row("CONTEXT_SIZE_LIMIT_KB", &[OPTIMIZER], SAVINGS, "The most that is kept of one session"),
    row(
        "CACHE_TTL_SECONDS",
        &[OPTIMIZER],
        fills("traffic.cache_ttl", Kind::Seconds),
        "How long results are kept, of the tools that are configured so",
    ),
    row("SANDBOX_ENABLED", &[OPTIMIZER], SANDBOX, "Whether code runs in a sandbox"),
    row("ENABLE_SANDBOX", &[OPTIMIZER], SANDBOX, "The same"),
    row("SANDBOX_BACKEND", &[OPTIMIZER], SANDBOX, "Which sandbox"),
    row("MAX_EXECUTION_TIME", &[OPTIMIZER], SANDBOX, "The longest that code may run, in seconds"),
    row("MAX_MEMORY_MB", &[OPTIMIZER], SANDBOX, "The most memory of running code"),
    row(
        "STANDARDIZATION_OUTPUT_DIR",
        &[A2A],
        fills("services.output", Kind::Text),
        "The folder in which the service `data_standardization` writes results",
    ),
    // Catalogues.
    row("CATALOG_SIGNING_KEY", &[EAT], CATALOG, "The key that signs the catalogue"),
    row("SIGNING_KEY", &[EAT], CATALOG, "The same"),
    row(
        "CLOUDFRONT_DISTRIBUTION_ID",
        &[EAT],
        ELSEWHERE,
        "Where a pipeline publishes the catalogue",
    ),
    generic("DOCKER_REGISTRY", &[EAT], ELSEWHERE, "Where a pipeline puts images"),
    // Databases.
    generic(
        "DATABASE_URL",
        &[CONFIGURABLE, EAT],
        fills_beside("storage.url", Kind::Text, "storage"),
        "The database, where the file has `storage`: alone it is more likely that of a tool",
    ),
    generic(
        "DB_HOST",
        &[CONFIGURABLE, GLOBAL],
        fills_beside("storage.url", Kind::DatabaseHost, "storage"),
        "The database's host, where the file has `storage`; `DB_NAME` names the database",
    ),
    generic("DB_PORT", &[GLOBAL], Effect::Works, "Its port, beside `DB_HOST`"),
    generic("DB_NAME", &[CONFIGURABLE, GLOBAL], Effect::Works, "Its name, beside `DB_HOST`"),
    generic(
        "DB_USER",
        &[CONFIGURABLE, GLOBAL],
        fills_beside("storage.username", Kind::Text, "storage.url"),
        "The role, where `storage.url` is given",
    ),
    generic(
        "DB_PASSWORD",
        &[CONFIGURABLE],
        fills_beside("storage.password", Kind::Text, "storage.url"),
        "And its password",
    ),
    generic("POSTGRES_DB", &[GLOBAL], ELSEWHERE, "The database that PostgreSQL's container makes"),
    generic("POSTGRES_USER", &[GLOBAL], ELSEWHERE, "Its role"),
    generic("POSTGRES_PASSWORD", &[GLOBAL], ELSEWHERE, "And the password"),
    generic("PGUSER", &[GLOBAL], ELSEWHERE, "The user of PostgreSQL's own programs"),
    generic("PGPASSWORD", &[GLOBAL], ELSEWHERE, "And the password"),
    generic("POSTGRES_REPLICATION_USER", &[GLOBAL], ELSEWHERE, "The user of a replica"),
    generic("POSTGRES_REPLICATION_PASSWORD", &[GLOBAL], ELSEWHERE, "And the password"),
    generic("REPLICATION_PASSWORD", &[GLOBAL], ELSEWHERE, "The same"),
    generic("REDIS_URL", &[CONFIGURABLE, OPTIMIZER], REDIS, "Redis"),
    generic("REDIS_HOST", &[CONFIGURABLE], REDIS, "Its host"),
    generic("REDIS_PASSWORD", &[CONFIGURABLE, EAT, GLOBAL, OPTIMIZER], REDIS, "And the password"),
    generic("S3_BUCKET", &[GLOBAL], BACKUP, "Where backups go"),
    // What tools of the guides' examples read.
    generic("API_TOKEN", &[CONFIGURABLE], OWN, "A token for some service"),
    row("MONGODB_PROD_URI", &[GLOBAL], OWN, "The database of an example server"),
    generic("MONGODB_URI", &[GLOBAL], OWN, "The same, as the server itself is given it"),
    // Other programs of a deployment, and runtimes that are not there.
    generic("GRAFANA_ADMIN_PASSWORD", &[A2A], ELSEWHERE, "The password of Grafana"),
    generic(
        "NODE_ENV",
        &[CONFIGURABLE],
        Effect::Nothing("there is one mode, the strict one"),
        "Production or development",
    ),
    generic("NODE_OPTIONS", &[CONFIGURABLE], RUNTIME, "Options of Node.js"),
    generic("JAVA_OPTS", &[GLOBAL], RUNTIME, "Options of Java"),
    generic("JAVA_PID", &[GLOBAL], RUNTIME, "A process to look into"),
    generic(
        "WORKERS",
        &[OPTIMIZER],
        Effect::Nothing("there is a thread for each core that the process may use"),
        "Worker processes",
    ),
    generic("ETCD_NAME", &[GLOBAL], ELSEWHERE, "etcd's own"),
    generic("ETCD_INITIAL_ADVERTISE_PEER_URLS", &[GLOBAL], ELSEWHERE, "etcd's own"),
    generic("ETCD_LISTEN_PEER_URLS", &[GLOBAL], ELSEWHERE, "etcd's own"),
    generic("ETCD_LISTEN_CLIENT_URLS", &[GLOBAL], ELSEWHERE, "etcd's own"),
    generic("ETCD_ADVERTISE_CLIENT_URLS", &[GLOBAL], ELSEWHERE, "etcd's own"),
    generic("ETCD_INITIAL_CLUSTER", &[GLOBAL], ELSEWHERE, "etcd's own"),
    generic("ETCD_INITIAL_CLUSTER_STATE", &[GLOBAL], ELSEWHERE, "etcd's own"),
    generic("ETCD_INITIAL_CLUSTER_TOKEN", &[GLOBAL], ELSEWHERE, "etcd's own"),
    generic("ELASTICSEARCH_HOSTS", &[GLOBAL], ELSEWHERE, "Kibana's own"),
    generic("ES_JAVA_OPTS", &[GLOBAL], ELSEWHERE, "Elasticsearch's own"),
];
