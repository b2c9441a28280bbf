//! `server`: the gateway's own door, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Compression, Connections, Cors, DurationText, Https, Management, SecurityHeaders, SizeText,
};

/// The gateway's own door.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The address and port to listen on. Port 0 takes a free one. Beyond the loopback `auth.tokens`
    /// is needed. Also `--listen` and `GANTRY_LISTEN`. Since 0.1.
    pub listen: String,
    /// A listener that speaks TLS, beside the plain one. Since 0.1.
    pub https: Option<Https>,
    /// A listener for whoever runs the gateway, without `/mcp`. On the address of `server.listen` it
    /// is none of its own. Since 0.1.
    pub management: Option<Management>,
    /// The path of a unix socket that speaks HTTP to processes of the same user. Whoever comes by it
    /// is the principal `local` and needs no token. Since 0.1.
    pub socket: Option<String>,
    /// More values of the `Host` header that are answered, each a host or `host:port`. The address
    /// listened on is always one, and on the loopback its usual names. Since 0.1.
    pub allowed_hosts: Vec<String>,
    /// Web pages that may call the gateway: values of the `Origin` header, such as
    /// `https://app.example.com`. Requests without the header are not from web pages. Since 0.1.
    pub allowed_origins: Vec<String>,
    /// Proxies that are believed whom they speak for, as addresses or networks such as `10.0.0.0/8`:
    /// the client's address is then the last one of `Forwarded` or `X-Forwarded-For` that is none of
    /// theirs. Headers of others are never believed. Since 0.1.
    pub trusted_proxies: Vec<String>,
    /// Addresses or networks from which the gateway may be used, and no others; empty, it may be used
    /// from everywhere. Since 0.1.
    pub allow: Vec<String>,
    /// Addresses or networks from which it may not be used, whatever `allow` says. Since 0.1.
    pub deny: Vec<String>,
    /// What pages of other origins may do. Since 0.1.
    pub cors: Cors,
    /// Headers that tell browsers to be strict. Since 0.1.
    pub security_headers: SecurityHeaders,
    /// Answers that are made smaller. Since 0.1.
    pub compression: Compression,
    /// How many connections there may be, and how long each is kept. Since 0.1.
    pub connections: Connections,
    /// What one client may ask of the gateway. Since 0.1.
    pub limits: Limits,
}

/// What one client may ask of the gateway.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a request. Since 0.1.
    pub body: SizeText,
    /// The most bytes of a request's line and headers together. Since 0.1.
    pub header: SizeText,
    /// The longest that a client may take to send a whole request; answers may take longer.
    /// Since 0.1.
    pub request_timeout: DurationText,
    /// How often a silent event stream is given a sign of life. Since 0.1.
    pub sse_keep_alive: DurationText,
    /// The longest that open requests are waited for when the gateway ends. Since 0.1.
    pub shutdown: DurationText,
    /// How long the gateway goes on as before when it was told to end, while `/ready` says that it is
    /// leaving: the time that load balancers need to see it. `shutdown` begins after it. Since 0.1.
    pub drain: DurationText,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            https: None,
            management: None,
            socket: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            cors: Cors::default(),
            security_headers: SecurityHeaders::default(),
            compression: Compression::default(),
            connections: Connections::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: SizeText::from("10MiB"),
            header: SizeText::from("64KiB"),
            request_timeout: DurationText::from("30s"),
            sse_keep_alive: DurationText::from("15s"),
            shutdown: DurationText::from("10s"),
            drain: DurationText::from("0s"),
        }
    }
}
