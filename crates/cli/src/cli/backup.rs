//! Arguments of `gantry backup` and `gantry restore`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Backup {
    #[command(subcommand)]
    pub(crate) command: Option<BackupCommand>,

    /// The file to write, which must not exist, or a folder for it
    #[arg(required = true)]
    pub(crate) file: Option<PathBuf>,

    /// Save the gateway's own keys as well: whoever has them and the passphrase is the gateway
    #[arg(long, conflicts_with = "unencrypted")]
    pub(crate) with_keys: bool,

    /// Write it in the clear: tokens of servers can be read in it
    #[arg(long, conflicts_with = "passphrase_file")]
    pub(crate) unencrypted: bool,

    /// The file that holds the passphrase, `-` for standard input [default: the variable
    /// `GANTRY_BACKUP_PASSPHRASE`, else the terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Keep this many backups in the folder, and remove the oldest beyond that
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) keep: Option<u16>,

    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Read a backup to its end, and tell what it holds
    Verify {
        /// The backup
        file: PathBuf,

        /// The file that holds the passphrase, `-` for standard input [default: the variable
        /// `GANTRY_BACKUP_PASSPHRASE`, else the terminal]
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup
    pub(crate) file: PathBuf,

    /// The file that holds the passphrase, `-` for standard input [default: the variable
    /// `GANTRY_BACKUP_PASSPHRASE`, else the terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Replace the database and the keys that are there; never the configuration
    #[arg(long)]
    pub(crate) force: bool,
}
