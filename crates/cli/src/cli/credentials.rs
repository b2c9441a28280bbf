//! Arguments of `gantry keys` and `gantry token`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it
    Create(CreateKey),
    /// List the keys
    List {
        #[command(flatten)]
        format: Format,
    },
    /// Make a key in the place of another, which goes on for a while
    ///
    /// The new one has the same name and grants.
    Rotate {
        /// The public part of the key, with which it begins, such as `gk_abcdefghij`
        id: String,

        /// How long the old key goes on [default: 24h]
        #[arg(long, value_name = "DURATION")]
        overlap: Option<String>,

        /// How long the new key opens [default: as long as the old one was made for]
        #[arg(long, value_name = "DURATION")]
        expires: Option<String>,

        #[command(flatten)]
        format: Format,
    },
    /// Take a key back, which opens nothing from then on
    Revoke {
        /// The public part of the key
        id: String,
    },
    /// Forget a key that was revoked or has expired
    Forget {
        /// The public part of the key
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    /// The principal that a bearer of the key is; several keys may name one
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) grants: Granting,

    /// How long it opens, such as 90d [default: until it is revoked]
    #[arg(long, value_name = "DURATION")]
    pub(crate) expires: Option<String>,

    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct MakeToken {
    /// The principal that a bearer of the token is
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: String,

    #[command(flatten)]
    pub(crate) grants: Granting,

    /// How long it holds, such as 8h [default: `auth.jwt.expires_in`, else 24h]
    #[arg(long, value_name = "DURATION")]
    pub(crate) expires: Option<String>,

    /// The file that holds the secret, `-` for standard input [default: `auth.jwt.secret`]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) format: Format,
}

// No doc comment: it would become the help of whoever flattens it.
#[derive(Debug, Args)]
pub(crate) struct Granting {
    /// A scope that limits it, such as mcp:read; may be repeated [default: not limited]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,

    /// A role that rules may name; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,

    /// The tier whose limits apply
    #[arg(long)]
    pub(crate) tier: Option<String>,
}
