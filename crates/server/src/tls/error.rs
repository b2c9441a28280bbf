//! Why a certificate cannot be used. Each names the key of the configuration and the file.

use std::path::PathBuf;

use gantry_core::ErrorCode;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{key}` names `{}`, which cannot be read", file.display())]
    Unreadable {
        /// Which key of the configuration names it.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("`{key}` names `{}`, which {problem}", file.display())]
    Unusable {
        /// Which key of the configuration names it.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The certificate is for another key.
    #[error("`{key}` and the certificate in `{}` do not belong together", file.display())]
    Mismatch {
        /// Which key of the configuration names the private key.
        key: &'static str,
        /// The certificate's file.
        file: PathBuf,
    },
    /// Reading was cut off.
    #[error("the files were not read to their end")]
    Interrupted {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The TLS library refused its own settings.
    #[error("the TLS library refuses the settings")]
    Library {
        /// What it said.
        #[source]
        source: rustls::Error,
    },
}

impl TlsError {
    /// Returns the code of the cause.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unreadable { .. } | Self::Unusable { .. } => ErrorCode::TlsFileUnusable,
            Self::Mismatch { .. } => ErrorCode::TlsKeyMismatch,
            Self::Interrupted { .. } | Self::Library { .. } => ErrorCode::Internal,
        }
    }

    /// Returns the key of the configuration that names what cannot be used.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Unreadable { key, .. }
            | Self::Unusable { key, .. }
            | Self::Mismatch { key, .. } => key,
            Self::Interrupted { .. } | Self::Library { .. } => "server.https",
        }
    }
}
