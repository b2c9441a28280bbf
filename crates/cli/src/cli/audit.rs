//! Arguments of `gantry audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Tell whether a trail is what was written, and if not, where it is not
    ///
    /// Without FILE it checks what the configuration names, and the database. No gateway is asked. Ends
    /// with 1 if something was changed.
    Verify {
        /// A file, with those before it (`FILE.1`, `FILE.2`); several are read in this order
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,

        /// A head that was kept: the trail must hold that entry
        #[arg(long, value_name = "SEQ HASH")]
        anchor: Option<String>,

        #[command(flatten)]
        format: Format,
    },
    /// Look for entries, the youngest first
    ///
    /// Reads the file that `audit.file` names, with those before it; without one it asks the running
    /// gateway for what its database keeps.
    Search(AuditSearch),
}

#[derive(Debug, Args)]
pub(crate) struct AuditSearch {
    /// Only entries from this moment on: a day or a moment in UTC, or how long ago, such as 15m
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Only entries from before this moment
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,

    /// Only what this principal did
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,

    /// Only what is about this: a tool by its public name, a prompt, a URI, a server, a key
    #[arg(long, visible_alias = "about", value_name = "NAME")]
    pub(crate) tool: Option<String>,

    /// Only this event, such as tool.failed
    #[arg(long, value_name = "EVENT")]
    pub(crate) event: Option<String>,

    /// Only what ended so, such as refused
    #[arg(long, value_name = "WORD")]
    pub(crate) outcome: Option<String>,

    /// Only what belongs to this request
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<String>,

    /// The most entries that are shown
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,

    /// Look into this file, with those before it
    #[arg(long, value_name = "FILE", conflicts_with = "database")]
    pub(crate) file: Option<PathBuf>,

    /// Ask the running gateway for what its database keeps, even if there is a file
    #[arg(long)]
    pub(crate) database: bool,

    #[command(flatten)]
    pub(crate) format: Format,
}
