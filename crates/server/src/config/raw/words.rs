//! Values that are written as one word: durations, sizes, names, patterns, choices.
//!
//! The texts are checked by the validated form; here they only tell an editor what to expect.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident { $($attribute:tt)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
            #[serde(transparent)]
            #[schemars($($attribute)*)]
            pub struct $name(pub String);

            impl From<&str> for $name {
                fn from(text: &str) -> Self {
                    Self(text.to_owned())
                }
            }
        )*
    };
}

texts! {
    /// A whole number and one of the units `ms`, `s`, `m`, `h`, `d`: `15s`.
    DurationText { extend("pattern" = r"^[0-9]+ ?(ms|s|m|h|d)$|\$\{") }

    /// A whole number and one of the units `B`, `KB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`: `10MiB`.
    SizeText { extend("pattern" = r"^[0-9]+ ?([KMG]i?)?B$|\$\{") }

    /// A number from 0 to 1: `0.1`.
    RatioText { extend("pattern" = r"^(0|1|0?\.[0-9]+|1\.0*)$|\$\{") }

    /// The name of a server, view or principal.
    NameText { extend("minLength" = 1) }

    /// A name in which `*` stands for any characters: `git__*`.
    PatternText { extend("minLength" = 1) }
}

/// How important a message of the log is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What stopped something from working.
    Error,
    /// And what is likely to.
    Warn,
    /// And what an operator wants to know of a healthy gateway.
    Info,
    /// And what helps to find out why something happened.
    Debug,
    /// And what the libraries underneath have to say.
    Trace,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
    /// The pattern that Spring Boot services are mostly set up with, for what reads theirs.
    Spring,
}
