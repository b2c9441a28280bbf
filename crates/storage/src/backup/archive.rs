//! Packs and unpacks: a tape archive (POSIX.1, "ustar"), compressed (RFC 1952), encrypted or not.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tar::{Archive, Builder, EntryType};

use super::header::{FORMAT, Header, Manifest, Member};
use super::sealed::{self, SealedError};
use super::tables::{self, Part};
use super::{BackupError, MOST_FILE, Passphrase, damaged};
use crate::folder::to_hex;

const HEADER: &str = "backup.json";
const MANIFEST: &str = "manifest.json";
const TABLES: &str = "tables/";
const FILES: &str = "files/";
/// Largest member that is read, in bytes: several times the largest row.
const MOST_MEMBER: u64 = 64 * 1024 * 1024;
/// Most members: a terabyte of rows.
const MOST_MEMBERS: usize = 1_000_000;

/// Where compressed bytes go.
enum Sink {
    Plain(BufWriter<File>),
    Sealed(sealed::Writer<BufWriter<File>>),
}

/// Makes an archive.
pub(super) struct Packer {
    path: PathBuf,
    archive: Builder<GzEncoder<Sink>>,
    manifest: Manifest,
}

/// Reads an archive.
pub(super) struct Unpacker {
    path: PathBuf,
    archive: Archive<GzDecoder<BufReader<Box<dyn Read>>>>,
}

// === impl Sink ===

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(inner) => inner.write(bytes),
            Self::Sealed(inner) => inner.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(inner) => inner.flush(),
            Self::Sealed(inner) => inner.flush(),
        }
    }
}

// === impl Packer ===

impl Packer {
    pub(super) fn new(
        path: &Path,
        file: BufWriter<File>,
        passphrase: Option<&Passphrase>,
    ) -> Result<Self, BackupError> {
        let sink = match passphrase {
            None => Sink::Plain(file),
            Some(passphrase) => {
                let writer = sealed::Writer::new(file, passphrase, sealed::COST);
                Sink::Sealed(writer.map_err(|error| failure(path, error))?)
            }
        };
        let archive = Builder::new(GzEncoder::new(sink, Compression::default()));
        Ok(Self { path: path.to_owned(), archive, manifest: Manifest::default() })
    }

    pub(super) fn header(&mut self, header: &Header) -> Result<(), BackupError> {
        let text = self.json(header)?;
        self.member(HEADER, &text)
    }

    /// Adds rows; `number` counts the parts of the table.
    pub(super) fn rows(
        &mut self,
        table: &str,
        number: u32,
        lines: &[u8],
    ) -> Result<(), BackupError> {
        self.member(&format!("{TABLES}{table}/{number:06}.jsonl"), lines)
    }

    pub(super) fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        self.member(&format!("{FILES}{name}"), bytes)
    }

    /// Adds the manifest, and returns the file.
    pub(super) fn finish(mut self) -> Result<BufWriter<File>, BackupError> {
        let text = self.json(&self.manifest)?;
        self.member(MANIFEST, &text)?;
        let path = self.path;
        let sink = self.archive.into_inner().and_then(GzEncoder::finish);
        let file = sink.and_then(|sink| match sink {
            Sink::Plain(file) => Ok(file),
            Sink::Sealed(writer) => writer.finish(),
        });
        file.map_err(|source| BackupError::Unwritable { path, source })
    }

    fn member(&mut self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        let unwritable = |source| BackupError::Unwritable { path: self.path.clone(), source };
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_entry_type(EntryType::Regular);
        self.archive.append_data(&mut header, name, bytes).map_err(unwritable)?;
        self.manifest.members.push(member(name, bytes));
        Ok(())
    }

    fn json(&self, value: &impl Serialize) -> Result<Vec<u8>, BackupError> {
        serde_json::to_vec_pretty(value).map_err(|error| {
            let source = io::Error::other(error);
            BackupError::Unwritable { path: self.path.clone(), source }
        })
    }
}

fn member(name: &str, bytes: &[u8]) -> Member {
    let sha256 = to_hex(&Sha256::digest(bytes));
    Member { name: name.to_owned(), bytes: bytes.len() as u64, sha256 }
}

// === impl Unpacker ===

impl Unpacker {
    /// Begins to read, and tells whether it is encrypted.
    pub(super) fn new(
        path: &Path,
        mut file: BufReader<File>,
        passphrase: Option<&Passphrase>,
    ) -> Result<(Self, bool), BackupError> {
        let mut beginning = Vec::new();
        let read = file.by_ref().take(sealed::MAGIC.len() as u64).read_to_end(&mut beginning);
        read.map_err(|source| BackupError::Unreadable { path: path.to_owned(), source })?;
        let is_encrypted = beginning == sealed::MAGIC;
        let inner: Box<dyn Read> = if is_encrypted {
            let missing = || BackupError::PassphraseMissing { path: path.to_owned() };
            let passphrase = passphrase.ok_or_else(missing)?;
            let reader = sealed::Reader::new(file, passphrase);
            Box::new(reader.map_err(|error| failure(path, error))?)
        } else {
            Box::new(io::Cursor::new(beginning).chain(file))
        };
        let archive = Archive::new(GzDecoder::new(BufReader::new(inner)));
        Ok((Self { path: path.to_owned(), archive }, is_encrypted))
    }

    /// Hands each part over, each checked in itself. Whether nothing is missing is known at the end
    /// alone.
    pub(super) async fn each(
        mut self,
        mut take: impl AsyncFnMut(Part) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        let path = self.path.clone();
        let mut found = Manifest::default();
        let mut header = None;
        let entries = self.archive.entries().map_err(|error| reading(&path, error))?;
        for entry in entries {
            let mut entry = entry.map_err(|error| reading(&path, error))?;
            let name = entry.path().map_err(|error| reading(&path, error))?;
            let name = name.to_str().ok_or_else(|| damaged(&path, "a name is no text"))?.to_owned();
            if entry.size() > MOST_MEMBER || found.members.len() >= MOST_MEMBERS {
                return Err(damaged(&path, format!("`{name}` is too large")));
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(|error| reading(&path, error))?;
            if name == MANIFEST {
                let expected: Manifest = serde_json::from_slice(&bytes)
                    .map_err(|_| damaged(&path, "its manifest is none"))?;
                if expected != found {
                    return Err(damaged(&path, "it does not hold what its manifest says"));
                }
                return self.end();
            }
            found.members.push(member(&name, &bytes));
            let part = part(&path, &mut header, &name, bytes)?;
            take(part).await?;
        }
        Err(damaged(&path, "its end is missing"))
    }

    /// Reads on to the end, where the sums of the compression and the encryption are.
    fn end(self) -> Result<(), BackupError> {
        let mut rest = self.archive.into_inner();
        let read = io::copy(&mut rest, &mut io::sink());
        let read = read.and_then(|_| io::copy(rest.get_mut(), &mut io::sink()));
        match read {
            Ok(0) => Ok(()),
            Ok(_) => Err(damaged(&self.path, "something follows its end")),
            Err(error) => Err(reading(&self.path, error)),
        }
    }
}

/// Makes a part of a member.
fn part(
    path: &Path,
    header: &mut Option<Header>,
    name: &str,
    bytes: Vec<u8>,
) -> Result<Part, BackupError> {
    let Some(known) = header else {
        if name != HEADER {
            return Err(damaged(path, format!("it does not begin with `{HEADER}`")));
        }
        let read = read_header(path, &bytes)?;
        return Ok(Part::Header(header.insert(read).clone()));
    };
    if let Some(file) = name.strip_prefix(FILES) {
        if bytes.len() as u64 > MOST_FILE || !is_plain(file) {
            return Err(damaged(path, format!("`{name}` cannot be restored")));
        }
        return Ok(Part::File { name: file.to_owned(), bytes });
    }
    let table = name.strip_prefix(TABLES).and_then(|rest| rest.split_once('/'));
    let table = table.and_then(|(table, _)| known.table(table));
    let table = table.ok_or_else(|| damaged(path, format!("`{name}` belongs to nothing")))?;
    let rows = tables::read(table, &bytes);
    let rows = rows.ok_or_else(|| damaged(path, format!("`{name}` holds no rows")))?;
    Ok(Part::Rows { table: table.name.clone(), rows })
}

fn read_header(path: &Path, bytes: &[u8]) -> Result<Header, BackupError> {
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|_| damaged(path, format!("`{HEADER}` is none")))?;
    let format = value["format"].as_u64();
    let format = format.ok_or_else(|| damaged(path, format!("`{HEADER}` names no format")))?;
    if format > u64::from(FORMAT) {
        let release = value["release"].as_str().unwrap_or("of a later version").to_owned();
        return Err(BackupError::Newer { path: path.to_owned(), release });
    }
    serde_json::from_value(value).map_err(|_| damaged(path, format!("`{HEADER}` is none")))
}

/// A name that leads nowhere but down.
fn is_plain(name: &str) -> bool {
    use std::path::Component;
    let components = Path::new(name).components();
    !name.is_empty() && components.into_iter().all(|part| matches!(part, Component::Normal(_)))
}

/// What came from the system is told from what is wrong with the file.
fn reading(path: &Path, error: io::Error) -> BackupError {
    match error.raw_os_error() {
        Some(_) => BackupError::Unreadable { path: path.to_owned(), source: error },
        None => damaged(path, error.to_string()),
    }
}

fn failure(path: &Path, error: SealedError) -> BackupError {
    match error {
        SealedError::Head => {
            damaged(path, "it ends, or makes no sense, where the encryption begins")
        }
        SealedError::Wrong => BackupError::PassphraseWrong { path: path.to_owned() },
        SealedError::Failed(what) => BackupError::Encryption { what },
        SealedError::Io(error) => reading(path, error),
    }
}
