//! Files that hold one secret: made whole with mode 0600, refused when others can read them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use gantry_core::seal::SealError;

/// No secret of ours is longer; a larger file is something else.
const MOST_BYTES: u64 = 4096;

/// Why a secret cannot be read or made. Never holds the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret in `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write a new secret to `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than the owner have access.
    #[error(
        "others can read the secret in `{path}` (mode {mode:04o}): remove the file, and a new \
         secret is made; or, if nobody else has seen it, run `chmod 600` on it"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is not what was written there.
    #[error("`{path}` must hold {expected}: restore it, or remove it and a new one is made")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What stands there otherwise.
        expected: &'static str,
    },
    /// No secret could be made.
    #[error("cannot make a secret for `{path}`")]
    NoRandomness {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: SealError,
    },
}

/// Reads a secret, or makes it and keeps it.
pub(super) fn read_or_create(
    path: &Path,
    fresh: impl FnOnce() -> Result<String, SealError>,
) -> Result<String, SecretError> {
    if let Some(secret) = read(path)? {
        return Ok(secret);
    }
    let secret =
        fresh().map_err(|source| SecretError::NoRandomness { path: path.to_owned(), source })?;
    write(path, &secret).map_err(|source| SecretError::Write { path: path.to_owned(), source })?;
    Ok(secret)
}

/// Reads a secret; `None` if there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>, SecretError> {
    let failed = |source| SecretError::Read { path: path.to_owned(), source };
    let damaged = || SecretError::Damaged { path: path.to_owned(), expected: "one line of text" };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(damaged());
    }
    if let Some(mode) = permissions::beyond_owner(&metadata, 0o077) {
        return Err(SecretError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    match file.take(MOST_BYTES + 1).read_to_string(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(damaged()),
        Err(error) => return Err(failed(error)),
    }
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || text.len() as u64 > MOST_BYTES || secret.contains('\n') {
        return Err(damaged());
    }
    Ok(Some(secret.to_owned()))
}

fn write(path: &Path, secret: &str) -> io::Result<()> {
    replace_private(path, format!("{secret}\n").as_bytes())
}

/// Writes a file for its owner alone, beside and then in its place, so that a crash leaves the whole
/// file or what was there.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    remove_if_there(&beside)?;
    let mut file = private_options().write(true).create_new(true).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_folder_of(path)
}

/// Removes a file that need not be there.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes sure that a file's name outlives a crash of the machine.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => permissions::sync_folder(Path::new(".")),
        Some(folder) => permissions::sync_folder(folder),
        None => Ok(()),
    }
}

/// Returns options that make a file for its owner alone.
pub(crate) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    permissions::owner_only(&mut options);
    options
}

/// Takes every right of others away from a file.
pub(crate) fn make_private(file: &File) -> io::Result<()> {
    permissions::make_private(file)
}

pub(super) fn create_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    permissions::create_folder(path)
}

/// Returns the mode of a folder that others may write to.
pub(super) fn writable_by_others(folder: &Path) -> Option<u32> {
    permissions::beyond_owner(&fs::metadata(folder).ok()?, 0o022)
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    rest.is_empty().then(|| bytes.collect()).flatten()
}

/// What only Unix knows.
#[cfg(unix)]
mod permissions {
    use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
    };
    use std::path::Path;

    pub(super) fn owner_only(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    pub(super) fn make_private(file: &File) -> io::Result<()> {
        if beyond_owner(&file.metadata()?, 0o077).is_some() {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        Ok(())
    }

    pub(super) fn create_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    pub(super) fn beyond_owner(metadata: &Metadata, bits: u32) -> Option<u32> {
        let mode = metadata.mode() & 0o7777;
        (mode & bits != 0).then_some(mode)
    }

    pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// Elsewhere the folder's inherited access list decides.
#[cfg(not(unix))]
mod permissions {
    use std::fs::{File, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    pub(super) fn owner_only(_: &mut OpenOptions) {}

    pub(super) fn make_private(_: &File) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn create_folder(path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    pub(super) fn beyond_owner(_: &Metadata, _: u32) -> Option<u32> {
        None
    }

    pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }
}
