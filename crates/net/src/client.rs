//! The client: what all targets share.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use http::HeaderValue;
use parking_lot::Mutex;

use crate::address::AddressGuard;
use crate::config::ClientConfig;
use crate::error::{Error, UrlError};
use crate::origin::{Key, Origin, Route};
use crate::target::{self, Target};
use crate::tls::Tls;

/// Makes targets that share configuration, trust and idle connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ClientConfig,
    pub(crate) tls: Tls,
    /// Not on the request path: taken when a target is made and when idle connections are swept.
    origins: Mutex<HashMap<Key, Weak<Origin>>>,
}

impl Client {
    /// Makes a client. Nothing is opened or read yet.
    pub fn new(config: ClientConfig) -> Self {
        let tls = Tls::new(config.ca_file.clone());
        Self { shared: Arc::new(Shared { config, tls, origins: Mutex::default() }) }
    }

    /// Resolves a URL of the configuration.
    pub fn target(&self, url: &str) -> Result<Target, UrlError> {
        self.guarded_target(url, AddressGuard::Any)
    }

    /// Resolves a URL whose addresses the guard must permit.
    pub fn guarded_target(&self, url: &str, guard: AddressGuard) -> Result<Target, UrlError> {
        let parts = target::parse(url)?;
        let key = Key { https: parts.https, host: parts.host, port: parts.port, guard };
        let origin = self.origin(key, parts.host_header);
        Target::new(origin, &parts.authority, &parts.path_and_query)
    }

    /// Reads the certificate authorities now instead of at the first `https` connection, so that
    /// a mistake in the configuration is found at once.
    pub async fn check_trust(&self) -> Result<(), Error> {
        self.shared.tls.connector().await.map(|_| ())
    }

    /// Closes connections that have been idle for too long. To be called every few seconds: idle
    /// connections have no task that could notice their age.
    pub fn sweep(&self) {
        let origins: Vec<Arc<Origin>> = {
            let mut known = self.shared.origins.lock();
            known.retain(|_, origin| origin.strong_count() > 0);
            known.values().filter_map(Weak::upgrade).collect()
        };
        for origin in origins {
            origin.sweep();
        }
    }

    fn origin(&self, key: Key, host_header: HeaderValue) -> Arc<Origin> {
        let mut known = self.shared.origins.lock();
        if let Some(origin) = known.get(&key).and_then(Weak::upgrade) {
            return origin;
        }
        known.retain(|_, origin| origin.strong_count() > 0);
        let route = self.route(&key);
        let shared = Arc::clone(&self.shared);
        let origin = Arc::new(Origin::new(key.clone(), route, host_header, shared));
        known.insert(key, Arc::downgrade(&origin));
        origin
    }

    fn route(&self, key: &Key) -> Route {
        let config = self.shared.config.proxy.as_ref();
        match config.and_then(|config| config.select(key.https, &key.host, key.port)) {
            None => Route::Direct,
            // Under the guard always a tunnel: only there the address can be pinned.
            Some(proxy) if key.https || key.guard != AddressGuard::Any => {
                Route::Tunnel(Arc::clone(proxy))
            }
            Some(proxy) => Route::Forward(Arc::clone(proxy)),
        }
    }
}
