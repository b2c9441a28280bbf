//! What a reload replaces as a whole: the configuration, and what requests are held against.
//!
//! A request takes the present one once and keeps it to its end.

use std::net::SocketAddr;

use gantry_policy::{HostPolicy, TokenEntry, Tokens, may_listen};

use crate::config::Config;
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
}

impl Live {
    /// Prepares a configuration for a gateway that listens on `bound`; refuses one that would
    /// leave that address open to everybody.
    pub(crate) fn new(config: Config, bound: Option<SocketAddr>) -> Result<Self, StartError> {
        let entry = |token: &crate::config::Token| TokenEntry {
            name: token.name.clone(),
            secret: token.token.expose().to_owned(),
        };
        let tokens = Tokens::new(config.auth.tokens.iter().map(entry).collect())
            .map_err(|source| StartError::Token { source })?;
        let listen = bound.unwrap_or(config.server.listen);
        if bound.is_some() {
            may_listen(listen, !tokens.is_empty())
                .map_err(|source| StartError::Exposed { source })?;
        }
        let (hosts, origins) = (&config.server.allowed_hosts, &config.server.allowed_origins);
        let hosts = HostPolicy::new(listen, hosts, origins)
            .map_err(|source| StartError::Pattern { source })?;
        Ok(Self { config, tokens, hosts })
    }
}
