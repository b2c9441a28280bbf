//! Reads a certificate and its private key, from PEM files or a PKCS#12 file, and tells whether
//! they belong together and for how long they are good.

use std::io::Read as _;
use std::path::Path;

use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy, PrivateKeyChain};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::error::TlsError;
use crate::config::Identity;

/// No certificate is longer, nor a chain of them.
const MOST_BYTES: u64 = 1 << 20;

const CERTIFICATE: &str = "server.https.certificate";
const KEY: &str = "server.https.key";
const KEYSTORE: &str = "server.https.keystore";
const KEYSTORE_PASSWORD: &str = "server.https.keystore_password";
const KEYSTORE_ALIAS: &str = "server.https.keystore_alias";

/// A certificate with its key, ready for use.
pub(crate) struct Loaded {
    pub(crate) certified: CertifiedKey,
    /// Unknown when the certificate is of a kind that only the client understands.
    pub(crate) validity: Option<Validity>,
}

/// When a certificate is good, in seconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

// === impl Validity ===

impl Validity {
    /// Says what is wrong with the certificate at a moment.
    pub(crate) fn problem_at(self, unix_seconds: u64) -> Option<&'static str> {
        let now = i64::try_from(unix_seconds).unwrap_or(i64::MAX);
        if now > self.to {
            Some("has expired")
        } else if now < self.from {
            Some("is not valid yet")
        } else {
            None
        }
    }
}

/// Reads what `identity` names.
pub(crate) fn load(identity: &Identity, provider: &CryptoProvider) -> Result<Loaded, TlsError> {
    let (chain, key, key_key, file) = match identity {
        Identity::Pem { certificate, key } => {
            (pem_chain(certificate)?, pem_key(key)?, KEY, certificate)
        }
        Identity::Keystore { file, password, alias } => {
            let (chain, key) = keystore(file, password.expose(), alias.as_deref())?;
            (chain, key, KEYSTORE, file)
        }
    };
    let validity = chain.first().and_then(validity);
    let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::Mismatch { key: key_key, file: file.clone() }
        }
        error => {
            let problem = format!("the TLS library refuses: {error}");
            TlsError::Unusable { key: key_key, file: file.clone(), problem }
        }
    })?;
    Ok(Loaded { certified, validity })
}

fn read(key: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|source| TlsError::Unreadable { key, file: file.to_owned(), source })?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(unusable(key, file, format!("is larger than {MOST_BYTES} bytes")));
    }
    Ok(bytes)
}

fn pem_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(CERTIFICATE, file)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(CERTIFICATE, file, format!("is not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(unusable(CERTIFICATE, file, "has no certificate in PEM form".to_owned()));
    }
    Ok(chain)
}

fn pem_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(KEY, file)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        // The library's words are left out: they may repeat what the file says.
        let encrypted = bytes.windows(9).any(|word| word == b"ENCRYPTED");
        let problem = if encrypted {
            "has an encrypted key; write it without a password, or use a keystore"
        } else {
            "has no private key in PEM form (PKCS#8, PKCS#1 or SEC1)"
        };
        unusable(KEY, file, problem.to_owned())
    })
}

/// Reads a PKCS#12 file (RFC 7292), in the old encryption or the new one.
fn keystore(
    file: &Path,
    password: &str,
    alias: Option<&str>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let bytes = read(KEYSTORE, file)?;
    let store =
        KeyStore::from_pkcs12(&bytes, password, Pkcs12ImportPolicy::Strict).map_err(|error| {
            match error {
                p12_keystore::error::Error::MacError(_) => {
                    let problem = "the password does not open".to_owned();
                    unusable(KEYSTORE_PASSWORD, file, problem)
                }
                error => {
                    unusable(KEYSTORE, file, format!("is no PKCS#12 file to be read: {error}"))
                }
            }
        })?;
    let entry = entry(&store, file, alias)?;
    let certificates = entry.certs().iter();
    let chain = certificates.map(|each| CertificateDer::from(each.as_der().to_vec())).collect();
    let key = PrivatePkcs8KeyDer::from(entry.key().as_der().to_vec());
    Ok((chain, key.into()))
}

/// Finds the entry that is meant. Names are compared as Java does, which writes them in lower case.
fn entry<'a>(
    store: &'a KeyStore,
    file: &Path,
    alias: Option<&str>,
) -> Result<&'a PrivateKeyChain, TlsError> {
    let entries: Vec<_> = store
        .entries()
        .filter_map(|(name, entry)| match entry {
            KeyStoreEntry::PrivateKeyChain(chain) => Some((name.as_str(), chain)),
            _ => None,
        })
        .collect();
    let names = || {
        let names: Vec<_> = entries.iter().map(|(name, _)| format!("`{name}`")).collect();
        names.join(", ")
    };
    match (alias, entries.as_slice()) {
        (_, []) => {
            let problem = "has no private key with a certificate".to_owned();
            Err(unusable(KEYSTORE, file, problem))
        }
        (Some(alias), _) => {
            let found = entries.iter().find(|(name, _)| name.eq_ignore_ascii_case(alias));
            found.map(|(_, chain)| *chain).ok_or_else(|| {
                let problem = format!("has no such entry, but {}", names());
                unusable(KEYSTORE_ALIAS, file, problem)
            })
        }
        (None, [(_, chain)]) => Ok(chain),
        (None, _) => {
            let problem = format!(
                "has several private keys; `{KEYSTORE_ALIAS}` must name one of {}",
                names()
            );
            Err(unusable(KEYSTORE, file, problem))
        }
    }
}

fn validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let validity = parsed.validity();
    Some(Validity { from: validity.not_before.timestamp(), to: validity.not_after.timestamp() })
}

fn unusable(key: &'static str, file: &Path, problem: String) -> TlsError {
    TlsError::Unusable { key, file: file.to_owned(), problem }
}
