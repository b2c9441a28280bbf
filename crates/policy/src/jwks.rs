//! The public keys of an issuer, as it publishes them (RFC 7517), and the secret that stands in for
//! them where tokens are signed by whoever shares it.
//!
//! Every key says itself with which algorithm it verifies; what a token says of that is only compared.
//! So a token cannot have a public key taken for a secret, or ask for no signature at all. Kinds of
//! keys that are not known are left out, because issuers publish such for others.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use ring::{error::Unspecified, hmac};
use serde::Deserialize;

/// More keys than an issuer has at once; the rest is left out.
pub const MOST_KEYS: usize = 64;
/// A shared secret has at least as many bytes as its digest (RFC 7518, section 3.2).
pub const SHORTEST_SECRET: usize = 32;
/// Fewer bits than anybody should trust.
const SMALLEST_MODULUS: usize = 2048 / 8;
/// More would cost a request too much.
const LARGEST_MODULUS: usize = 8192 / 8;
/// Parts of texts that stand where a secret should be put.
const PLACEHOLDERS: [&str; 12] = [
    "changeme",
    "change-me",
    "change_me",
    "change-this",
    "change_this",
    "changethis",
    "your-",
    "your_",
    "yoursecret",
    "placeholder",
    "example",
    "replace",
];

/// How a signature is made (RFC 7518, section 3.1; RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256, under a shared secret.
    Hs256,
    /// RSA with padding of PKCS #1.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512.
    Rs512,
    /// RSA with padding of PSS.
    Ps256,
    /// The same with SHA-384.
    Ps384,
    /// The same with SHA-512.
    Ps512,
    /// ECDSA on P-256.
    Es256,
    /// ECDSA on P-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// The keys that tokens of one issuer are signed with.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
}

/// One key.
#[derive(Clone)]
pub struct VerifyingKey {
    /// The name by which a token says that it is signed with this one.
    pub id: Option<Box<str>>,
    /// With what it verifies, and nothing else.
    pub algorithm: Algorithm,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Secret(hmac::Key),
    Rsa { parameters: &'static RsaParameters, modulus: Vec<u8>, exponent: Vec<u8> },
    Other(UnparsedPublicKey<Vec<u8>>),
}

/// Why a key set is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BadKeySet {
    /// It is none.
    #[error("it is no JSON Web Key Set")]
    Malformed(#[source] serde_json::Error),
    /// Nothing in it is of use.
    #[error("none of its {found} keys verifies a signature that is known here")]
    NoKeys {
        /// How many there are.
        found: usize,
    },
}

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// It can be tried out.
    #[error("has {found} bytes, and at least {SHORTEST_SECRET} are needed")]
    Short {
        /// How many it has.
        found: usize,
    },
    /// It was left as it stood in an example.
    #[error("is a text that stands in examples for a secret")]
    Placeholder,
    /// It has so few different characters that it can be tried out.
    #[error("repeats itself, so that it can be guessed")]
    Repeated,
}

/// A key as it is written.
#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct WrittenSet {
    keys: Vec<serde_json::Value>,
}

// === impl Algorithm ===

impl Algorithm {
    /// Returns the name in the head of a token.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Returns what a kind of key verifies with; without a word for it, what is usual for the kind.
    fn of_key(kind: &str, curve: Option<&str>, named: Option<&str>) -> Option<Self> {
        let known: &[Self] = match (kind, curve) {
            ("RSA", _) => {
                &[Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256, Self::Ps384, Self::Ps512]
            }
            ("EC", Some("P-256")) => &[Self::Es256],
            ("EC", Some("P-384")) => &[Self::Es384],
            ("OKP", Some("Ed25519")) => &[Self::EdDsa],
            _ => return None,
        };
        match named {
            // RFC 9864 calls it after its curve.
            Some("Ed25519") => known.iter().find(|one| **one == Self::EdDsa).copied(),
            Some(named) => known.iter().find(|one| one.name() == named).copied(),
            None => known.first().copied(),
        }
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            Self::Hs256 | Self::Es256 | Self::Es384 | Self::EdDsa => return None,
        })
    }
}

// === impl KeySet ===

impl KeySet {
    /// Reads what an issuer publishes.
    ///
    /// # Errors
    /// [`BadKeySet`].
    pub fn parse(json: &[u8]) -> Result<Self, BadKeySet> {
        let set: WrittenSet = serde_json::from_slice(json).map_err(BadKeySet::Malformed)?;
        let found = set.keys.len();
        let keys: Vec<_> =
            set.keys.into_iter().filter_map(VerifyingKey::read).take(MOST_KEYS).collect();
        if keys.is_empty() { Err(BadKeySet::NoKeys { found }) } else { Ok(Self { keys }) }
    }

    /// Makes the set of one shared secret.
    ///
    /// # Errors
    /// [`BadSecret`].
    pub fn of_secret(secret: &str) -> Result<Self, BadSecret> {
        check_secret(secret)?;
        Ok(Self { keys: vec![VerifyingKey::of_secret(secret.as_bytes())] })
    }

    /// Returns the keys with which a token may be signed that names this one; without a name, all.
    pub fn candidates(&self, id: Option<&str>) -> impl Iterator<Item = &VerifyingKey> {
        let is_secret = |key: &VerifyingKey| matches!(key.material, Material::Secret(_));
        // A secret has no name, whatever the token calls it.
        self.keys
            .iter()
            .filter(move |key| id.is_none() || is_secret(key) || key.id.as_deref() == id)
    }

    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Tells whether there is none, which cannot be.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

// === impl VerifyingKey ===

impl VerifyingKey {
    /// Tells whether `signature` is one over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified: Result<(), Unspecified> = match &self.material {
            // In constant time.
            Material::Secret(key) => hmac::verify(key, message, signature),
            Material::Rsa { parameters, modulus, exponent } => {
                RsaPublicKeyComponents { n: modulus, e: exponent }
                    .verify(parameters, message, signature)
            }
            Material::Other(key) => key.verify(message, signature),
        };
        verified.is_ok()
    }

    fn of_secret(secret: &[u8]) -> Self {
        let material = Material::Secret(hmac::Key::new(hmac::HMAC_SHA256, secret));
        Self { id: None, algorithm: Algorithm::Hs256, material }
    }

    /// Reads a key; `None` for one that is for something else. Secrets are not published, so that one
    /// in a set is left out like a kind that is not known.
    fn read(value: serde_json::Value) -> Option<Self> {
        let written: Written = serde_json::from_value(value).ok()?;
        let is_for_signatures = written.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && written.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !is_for_signatures {
            return None;
        }
        let curve = written.crv.as_deref();
        let algorithm = Algorithm::of_key(&written.kty, curve, written.alg.as_deref())?;
        let material = written.material(algorithm)?;
        Some(Self { id: written.kid.map(String::into_boxed_str), algorithm, material })
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerifyingKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

// === impl Written ===

impl Written {
    fn material(&self, algorithm: Algorithm) -> Option<Material> {
        if let Some(parameters) = algorithm.rsa() {
            // The numbers are written without leading zeros, but some writers add one.
            let number = |text: &Option<String>| {
                let bytes = decoded(text.as_deref()?)?;
                let first = bytes.iter().position(|byte| *byte != 0)?;
                Some(bytes.get(first..)?.to_vec())
            };
            let (modulus, exponent) = (number(&self.n)?, number(&self.e)?);
            let is_sound = (SMALLEST_MODULUS..=LARGEST_MODULUS).contains(&modulus.len());
            return is_sound.then_some(Material::Rsa { parameters, modulus, exponent });
        }
        let x = decoded(self.x.as_deref()?)?;
        let point = |length: usize| {
            let y = decoded(self.y.as_deref()?)?;
            // SEC 1, section 2.3.3: a point that is not compressed.
            (x.len() == length && y.len() == length).then(|| [&[4], &x[..], &y[..]].concat())
        };
        let key = match algorithm {
            Algorithm::Es256 => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point(32)?)
            }
            Algorithm::Es384 => {
                UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point(48)?)
            }
            Algorithm::EdDsa if x.len() == 32 => UnparsedPublicKey::new(&signature::ED25519, x),
            _ => return None,
        };
        Some(Material::Other(key))
    }
}

/// Holds a shared secret against what could be guessed.
///
/// # Errors
/// [`BadSecret`], which never shows it.
pub fn check_secret(secret: &str) -> Result<(), BadSecret> {
    let small = secret.to_ascii_lowercase();
    if PLACEHOLDERS.iter().any(|known| small.contains(known)) {
        return Err(BadSecret::Placeholder);
    }
    if secret.len() < SHORTEST_SECRET {
        return Err(BadSecret::Short { found: secret.len() });
    }
    let mut seen = [false; 256];
    secret.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    if seen.iter().filter(|is_there| **is_there).count() < 8 {
        return Err(BadSecret::Repeated);
    }
    Ok(())
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests;
