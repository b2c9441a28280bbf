//! The listeners beside the main one, as they are written: `server.https` and `server.management`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DurationText;

/// A listener that speaks TLS, beside the plain one. It serves every route, by HTTP/1.1 and HTTP/2.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Https {
    /// The address and port to listen on. Beyond the loopback `auth.tokens` is needed. Since 0.1.
    pub listen: String,
    /// The file with the certificate and those of its issuers, in PEM form, the server's own first.
    /// A renewed one is taken up without a restart. Since 0.1.
    pub certificate: Option<String>,
    /// The file with the certificate's private key, in PEM form. Since 0.1.
    pub key: Option<String>,
    /// Instead of `certificate` and `key`: a PKCS#12 file with both. Since 0.1.
    pub keystore: Option<String>,
    /// The password of the keystore; `${VAR}` or `${file:PATH}` keeps it out of this file.
    /// Since 0.1.
    pub keystore_password: Option<String>,
    /// The name of the entry of the keystore, where it has more than one private key. Since 0.1.
    pub keystore_alias: Option<String>,
    /// The oldest version of TLS that is spoken. Since 0.1.
    pub min_version: TlsVersion,
    /// Answer every request that comes to `server.listen` with the address of this listener instead
    /// of serving it. Since 0.1.
    pub redirect: bool,
    /// For how long browsers shall use nothing but TLS for this host, by the header
    /// `Strict-Transport-Security`; `0s` makes them forget it. Since 0.1.
    pub hsts: DurationText,
}

/// A listener for whoever runs the gateway: every route but `/mcp` and what is below it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Management {
    /// The address and port to listen on. Beyond the loopback `auth.tokens` is needed. Since 0.1.
    pub listen: String,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TlsVersion {
    /// TLS 1.2 and 1.3.
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3 alone.
    #[serde(rename = "1.3")]
    V1_3,
}

impl Default for Https {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8443".to_owned(),
            certificate: None,
            key: None,
            keystore: None,
            keystore_password: None,
            keystore_alias: None,
            min_version: TlsVersion::V1_2,
            redirect: false,
            hsts: DurationText::from("365d"),
        }
    }
}

impl Default for Management {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8081".to_owned() }
    }
}
