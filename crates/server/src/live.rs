//! What a reload replaces as a whole: the configuration, and what requests are held against.
//!
//! A request takes the present one once and keeps it to its end.

use gantry_policy::{HostPolicy, TokenEntry, Tokens, may_listen};
use http::HeaderValue;

use crate::config::Config;
use crate::http_stack;
use crate::listeners::Bound;
use crate::start_error::StartError;

/// One configuration in force.
#[derive(Debug)]
pub(crate) struct Live {
    /// As it was read.
    pub(crate) config: Config,
    /// Who may use the MCP endpoints.
    pub(crate) tokens: Tokens,
    /// Which names are ours, and which pages may call.
    pub(crate) hosts: HostPolicy,
    /// The port with TLS to which the plain main listener sends everybody.
    pub(crate) redirect_to: Option<u16>,
    /// What browsers are told over TLS.
    pub(crate) hsts: Option<HeaderValue>,
}

impl Live {
    /// Prepares a configuration for a gateway that listens on `bound`; refuses one that would
    /// leave one of those addresses open to everybody.
    pub(crate) fn new(config: Config, bound: Option<&Bound>) -> Result<Self, StartError> {
        let entry = |token: &crate::config::Token| TokenEntry {
            name: token.name.clone(),
            secret: token.token.expose().to_owned(),
        };
        let tokens = Tokens::new(config.auth.tokens.iter().map(entry).collect())
            .map_err(|source| StartError::Token { source })?;
        let planned = Bound::planned(&config);
        if let Some(bound) = bound {
            let exposed = |source| StartError::Exposed { source };
            for address in bound.commanding() {
                may_listen(address, !tokens.is_empty()).map_err(exposed)?;
            }
            let may_show = config.metrics.anonymous || !tokens.is_empty();
            bound
                .metrics
                .map_or(Ok(()), |address| may_listen(address, may_show).map_err(exposed))?;
        }
        let bound = bound.unwrap_or(&planned);
        let (hosts, origins) = (&config.server.allowed_hosts, &config.server.allowed_origins);
        let hosts = HostPolicy::new(bound.main, hosts, origins)
            .map_err(|source| StartError::Pattern { source })?;
        let hosts = bound.beside_main().fold(hosts, HostPolicy::and_on);
        let https = config.server.https.as_ref();
        let redirect_to =
            https.filter(|https| https.redirect).and(bound.https).map(|address| address.port());
        let hsts = https.map(|https| http_stack::hsts(https.hsts));
        Ok(Self { config, tokens, hosts, redirect_to, hsts })
    }
}
