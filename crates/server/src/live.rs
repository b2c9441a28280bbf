//! What a reload replaces as a whole: the configuration, and what requests are held against.
//!
//! A request takes the present one once and keeps it to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use gantry_core::{Grants, Principal};
use gantry_policy::{AddressPolicy, HostPolicy, KeyEntry, KeyTable, may_listen};
use http::HeaderValue;

use crate::config::{Auth, Config, Server};
use crate::http_stack::{self, Compression, Cors, SecurityHeaders};
use crate::identity::Issuers;
use crate::listeners::Bound;
use crate::start_error::StartError;

/// One configuration in force.
#[derive(Debug)]
pub(crate) struct Live {
    /// As it was read.
    pub(crate) config: Config,
    /// The tokens and keys of clients that the configuration names.
    pub(crate) keys: KeyTable,
    /// Those whose signed tokens are taken.
    pub(crate) issuers: Issuers,
    /// Whoever calls while nobody has to say who they are.
    pub(crate) anonymous: Arc<Principal>,
    /// Which names are ours, and which pages may call.
    pub(crate) hosts: HostPolicy,
    /// Which proxies are believed, and from where anybody may come.
    pub(crate) addresses: AddressPolicy,
    /// What pages of other origins may do.
    pub(crate) cors: Cors,
    /// Headers that tell browsers to be strict.
    pub(crate) security_headers: SecurityHeaders,
    /// How answers are made smaller, if they are.
    pub(crate) compression: Option<Compression>,
    /// The port with TLS to which the plain main listener sends everybody.
    pub(crate) redirect_to: Option<u16>,
    /// What browsers are told over TLS.
    pub(crate) hsts: Option<HeaderValue>,
}

impl Live {
    /// Prepares a configuration for a gateway that listens on `bound`; refuses one that would
    /// leave one of those addresses open to everybody.
    pub(crate) fn new(config: Config, bound: Option<&Bound>) -> Result<Self, StartError> {
        let keys = keys(&config.auth)?;
        let issuers = Issuers::of(&config.auth)?;
        let must_authenticate = config.auth.is_required();
        let planned = Bound::planned(&config);
        if let Some(bound) = bound {
            let exposed = |source| StartError::Exposed { source };
            for address in bound.commanding() {
                may_listen(address, must_authenticate).map_err(exposed)?;
            }
            let may_show = config.metrics.anonymous || must_authenticate;
            bound
                .metrics
                .map_or(Ok(()), |address| may_listen(address, may_show).map_err(exposed))?;
        }
        let bound = bound.unwrap_or(&planned);
        let cors = &config.server.cors;
        let (hosts, pages) = (&config.server.allowed_hosts, &config.server.allowed_origins);
        let hosts = HostPolicy::new(bound.main, hosts, &[&pages[..], &cors.origins].concat())
            .map_err(|source| StartError::Pattern { source })?;
        let hosts = if cors.is_any { hosts.and_of_any_page() } else { hosts };
        let hosts = bound.beside_main().fold(hosts, HostPolicy::and_on);
        let https = config.server.https.as_ref();
        let redirect_to =
            https.filter(|https| https.redirect).and(bound.https).map(|address| address.port());
        let hsts = match config.server.security_headers.hsts() {
            Some(said) => said.clone(),
            None => https.map(|https| http_stack::hsts(https.hsts)),
        };
        let anonymous = Arc::new(Principal::anonymous());
        Ok(Self {
            keys,
            issuers,
            anonymous,
            hosts,
            addresses: addresses(&config.server),
            cors: Cors::new(&config.server.cors),
            security_headers: SecurityHeaders::new(&config.server.security_headers),
            compression: Compression::new(&config.server, &config.auth.api_key_header),
            redirect_to,
            hsts,
            config,
        })
    }

    /// Prepares the same for a gateway whose services listen on `addresses` besides; refuses it if one
    /// of those would be open to everybody.
    pub(crate) fn also_on(mut self, addresses: &[SocketAddr]) -> Result<Self, StartError> {
        let must_authenticate = self.config.auth.is_required();
        for address in addresses {
            may_listen(*address, must_authenticate)
                .map_err(|source| StartError::Exposed { source })?;
        }
        self.hosts = addresses.iter().copied().fold(self.hosts, HostPolicy::and_on);
        Ok(self)
    }

    /// Returns the same configuration for other addresses of services.
    pub(crate) fn heard_on(
        &self,
        bound: &Bound,
        services: &[SocketAddr],
    ) -> Result<Self, StartError> {
        let mut live = Self::new(self.config.clone(), Some(bound))?.also_on(services)?;
        live.issuers.adopt(&self.issuers);
        Ok(live)
    }
}

/// Takes the lists of addresses of a configuration.
fn addresses(server: &Server) -> AddressPolicy {
    AddressPolicy {
        trusted_proxies: server.trusted_proxies.iter().collect(),
        allowed: (!server.allow.is_empty()).then(|| server.allow.iter().collect()),
        denied: server.deny.iter().collect(),
    }
}

/// Takes the tokens and keys of a configuration.
fn keys(auth: &Auth) -> Result<KeyTable, StartError> {
    let tokens = auth.tokens.iter().enumerate().map(|(at, token)| KeyEntry {
        name: token.name.clone(),
        secret: token.token.expose().to_owned(),
        grants: Grants {
            credential: Some(format!("auth.tokens[{at}]").into_boxed_str()),
            ..Grants::default()
        },
        expires_at: None,
    });
    let keys = auth.api_keys.iter().map(|key| KeyEntry {
        name: key.name.clone(),
        secret: key.key.expose().to_owned(),
        grants: key.grants.clone(),
        expires_at: key.expires_at,
    });
    KeyTable::of_config(tokens.chain(keys).collect()).map_err(|source| StartError::Token { source })
}
