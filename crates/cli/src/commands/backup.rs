//! `gantry backup`, `gantry backup verify`, `gantry restore`: everything that is kept, in one file.

use std::path::{Path, PathBuf};

use gantry_server::backup::{self, BackupError, Passphrase, Site, Summary, Unrecorded, Wish};

use super::passphrase::{self, Use};
use crate::cli::{Backup, BackupCommand, Restore};
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

pub(crate) fn run(place: &Place, arguments: &Backup) -> Result<(), Failure> {
    match (&arguments.command, &arguments.file) {
        (Some(BackupCommand::Verify { file, passphrase_file }), _) => {
            verify(file, passphrase_file.as_deref())
        }
        (None, Some(file)) => make(place, file, arguments),
        // The command line wants one of them.
        (None, None) => Err(Failure::usage("name the file or the folder to write to")),
    }
}

fn make(place: &Place, target: &Path, arguments: &Backup) -> Result<(), Failure> {
    let config = place.config()?;
    let is_folder = target.is_dir();
    if arguments.keep.is_some() && !is_folder {
        return Err(Failure::usage("`--keep` wants a folder, in which backups are named by time"));
    }
    let path = if is_folder { target.join(backup::fresh_name()) } else { target.to_owned() };
    let passphrase = if arguments.unencrypted {
        None
    } else {
        Some(passphrase::read(arguments.passphrase_file.as_deref(), Use::Making)?)
    };
    let wish = Wish {
        path: &path,
        passphrase: passphrase.as_ref(),
        with_keys: arguments.with_keys,
        may_replace: arguments.force,
    };
    let site = Site { config: &config, data: &place.data_folder };
    let made = site.back_up(&wish).map_err(|error| failure("cannot make the backup", &error))?;
    output::line(&format!("Wrote `{}`: {}.", path.display(), contents(&made.summary)))?;
    for file in &made.left_out {
        output::hint(&format!("`{}` lies elsewhere and is not in it", file.display()));
    }
    tell_unrecorded(made.unrecorded.as_ref());
    match arguments.keep {
        Some(keep) => prune(target, usize::from(keep)),
        None => Ok(()),
    }
}

fn prune(folder: &Path, keep: usize) -> Result<(), Failure> {
    let gone = backup::prune(folder, keep).map_err(|error| {
        Failure::new("the backup is made, but an older one cannot be removed").because(&error)
    })?;
    for path in gone {
        output::line(&format!("Removed `{}`.", path.display()))?;
    }
    Ok(())
}

fn verify(file: &Path, passphrase_file: Option<&Path>) -> Result<(), Failure> {
    let verified = with_passphrase(passphrase_file, |passphrase| backup::verify(file, passphrase))?;
    let (_, summary) = verified.map_err(|error| failure("the backup cannot be used", &error))?;
    output::line(&format!(
        "`{}` is whole: {}, made {} from {} by Gantry {}.",
        file.display(),
        contents(&summary),
        backup::made_at(&summary),
        summary.header.back_end,
        summary.header.release
    ))
}

pub(crate) fn restore(place: &Place, arguments: &Restore) -> Result<(), Failure> {
    let passphrase_file = arguments.passphrase_file.as_deref();
    let (passphrase, before) = configuration(place, arguments, passphrase_file)?;
    let config = place.config()?;
    let site = Site { config: &config, data: &place.data_folder };
    let restored = site.restore(&arguments.file, passphrase.as_ref(), arguments.force);
    let backup::PutBack { restored, unrecorded } =
        restored.map_err(|error| failure("cannot restore the backup", &error))?;
    let file = arguments.file.display();
    output::line(&format!("Restored `{file}`: {}.", contents(&restored.summary)))?;
    for path in before.iter().chain(&restored.written) {
        output::line(&format!("Wrote `{}`.", path.display()))?;
    }
    tell_unrecorded(unrecorded.as_ref());
    for path in restored.kept.iter().filter(|path| !before.contains(path)) {
        output::hint(&format!("`{}` is there and was left as it is", path.display()));
    }
    if !restored.summary.files.iter().any(|name| name.starts_with("data/")) {
        output::hint(
            "the keys of the gateway are not in it: sessions and cursors from before are not known",
        );
    }
    Ok(())
}

/// Says why the audit trail does not have an entry that it should have.
fn tell_unrecorded(unrecorded: Option<&Unrecorded>) {
    if let Some(error) = unrecorded {
        let cause = std::error::Error::source(error);
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        output::hint(&format!("the audit trail has no entry of this: {error}{cause}"));
    }
}

/// Puts the configuration in place where there is none, because it says where the database is;
/// returns the passphrase, too, for nobody wants to be asked twice.
fn configuration(
    place: &Place,
    arguments: &Restore,
    passphrase_file: Option<&Path>,
) -> Result<(Option<Passphrase>, Vec<PathBuf>), Failure> {
    let file = place.file();
    let folder = std::path::absolute(file).ok();
    let folder = folder.as_deref().and_then(Path::parent).unwrap_or_else(|| Path::new(""));
    with_passphrase(passphrase_file, |passphrase| {
        if file.exists() {
            backup::verify(&arguments.file, passphrase).map(|_| Vec::new())
        } else {
            backup::restore_configuration(&arguments.file, passphrase, folder)
        }
    })?
    .map_err(|error| failure("cannot restore the backup", &error))
}

/// What was done with a backup, and with which passphrase.
type Outcome<T> = Result<(Option<Passphrase>, T), BackupError>;

/// Asks for a passphrase only if one is needed.
fn with_passphrase<T>(
    file: Option<&Path>,
    work: impl Fn(Option<&Passphrase>) -> Result<T, BackupError>,
) -> Result<Outcome<T>, Failure> {
    match work(None) {
        Err(BackupError::PassphraseMissing { .. }) => {
            let passphrase = passphrase::read(file, Use::Opening)?;
            let outcome = work(Some(&passphrase));
            Ok(outcome.map(|value| (Some(passphrase), value)))
        }
        outcome => Ok(outcome.map(|value| (None, value))),
    }
}

fn contents(summary: &Summary) -> String {
    let count = |number: u64, word: &str| {
        if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
    };
    let rows = count(summary.rows, "row");
    let files = count(summary.files.len() as u64, "file");
    let kind = if summary.is_encrypted { "encrypted" } else { "not encrypted" };
    format!("{rows} and {files}, {kind}")
}

fn failure(message: &str, error: &BackupError) -> Failure {
    let failure = Failure::new(message).because(error).with_code(backup::code(error));
    match error {
        BackupError::Open { .. } => {
            failure.with_hint("`--data-dir` and `--config` name the gateway that is meant")
        }
        _ => failure,
    }
}

/// Where a passphrase may come from, for a message.
pub(super) fn sources() -> String {
    format!(
        "`--passphrase-file FILE` (`-` for standard input) or the variable `{}` gives it",
        gantry_server::BACKUP_PASSPHRASE
    )
}
