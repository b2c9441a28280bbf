//! What browsers are told, as it is written: `server.cors` and `server.security_headers`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::DurationText;

/// What pages of other origins may do (Fetch standard, CORS).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// Origins whose pages may call and read answers, beside `server.allowed_origins`, such as
    /// `https://app.example.com`; `["*"]` is all of them, and needs `auth` to ask every client for a
    /// credential. Since 0.1.
    pub origins: Vec<String>,
    /// The methods that they may use. Since 0.1.
    pub methods: Vec<String>,
    /// The headers that they may send; empty, all that they ask for. Since 0.1.
    pub headers: Vec<String>,
    /// Headers of answers that they may read, beside those that the gateway itself writes. Since 0.1.
    pub expose: Vec<String>,
    /// How long a browser may keep the answer to a preflight. Since 0.1.
    pub max_age: DurationText,
    /// Whether browsers may send cookies and certificates of their own with it; the gateway needs
    /// neither, a proxy before it may. Not together with `["*"]`. Since 0.1.
    pub credentials: bool,
}

/// Headers that tell browsers to be strict.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityHeaders {
    /// Whether answers have them: `X-Content-Type-Options`, `X-Frame-Options`, `Referrer-Policy`,
    /// `Content-Security-Policy` and `Cache-Control`, as strict as can be. Answers to posted MCP
    /// messages are left alone: no browser shows them. Since 0.1.
    pub enabled: bool,
    /// Further headers, or other values of these, with every answer, those to posted messages too. An
    /// empty value takes a header away. `Strict-Transport-Security` is sent over TLS alone and takes
    /// the place of `server.https.hsts`. Since 0.1.
    pub set: IndexMap<String, String>,
}

impl Default for Cors {
    fn default() -> Self {
        let methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS"];
        Self {
            origins: Vec::new(),
            methods: methods.map(str::to_owned).into(),
            headers: Vec::new(),
            expose: Vec::new(),
            max_age: DurationText::from("10m"),
            credentials: false,
        }
    }
}

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self { enabled: true, set: IndexMap::new() }
    }
}
