//! The TLS side of a connection: which certificate authorities are trusted, and the handshake.
//!
//! The system's store is read at the first `https` connection and not before: it takes
//! milliseconds that a gateway with plain upstreams never spends.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use crate::error::Error;
use crate::stream::Stream;

/// Makes TLS connections; one for each client, so that sessions are resumed across targets.
pub(crate) struct Tls {
    ca_file: Option<PathBuf>,
    connector: OnceCell<TlsConnector>,
}

impl Tls {
    pub(crate) fn new(ca_file: Option<PathBuf>) -> Self {
        Self { ca_file, connector: OnceCell::new() }
    }

    /// Loads the certificate authorities, unless that was done. A failure is not remembered.
    pub(crate) async fn connector(&self) -> Result<&TlsConnector, Error> {
        self.connector.get_or_try_init(|| load_aside(self.ca_file.clone())).await
    }

    pub(crate) async fn handshake(&self, stream: TcpStream, host: &str) -> Result<Stream, Error> {
        let failed = |source| Error::Tls { host: host.to_owned(), source };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| failed(std::io::Error::other(error)))?;
        let connector = self.connector().await?;
        let stream = connector.connect(name, stream).await.map_err(failed)?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

/// Reads files, so not on a thread of the runtime.
async fn load_aside(ca_file: Option<PathBuf>) -> Result<TlsConnector, Error> {
    let path = ca_file.clone();
    tokio::task::spawn_blocking(move || load(ca_file.as_deref()))
        .await
        .map_err(|error| Error::TrustStore { path, problem: error.to_string() })?
}

fn load(ca_file: Option<&Path>) -> Result<TlsConnector, Error> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(function = "load", %error, "Some of the system's certificate authorities are unreadable.");
    }
    // Stores in the wild hold certificates that rustls cannot read; those are left out.
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = ca_file {
        add_file(&mut roots, path)?;
    }
    if roots.is_empty() {
        let problem = "the system has none, install `ca-certificates` or configure a CA file";
        return Err(Error::TrustStore { path: None, problem: problem.to_owned() });
    }
    // The provider is named, so that nothing depends on one installed for the whole process.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::TrustStore { path: None, problem: error.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let refuse = |problem: String| Error::TrustStore { path: Some(path.to_owned()), problem };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refuse("it holds no certificate in PEM form".to_owned()));
    }
    for certificate in certificates {
        roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
    }
    Ok(())
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").field("ca_file", &self.ca_file).finish_non_exhaustive()
    }
}
