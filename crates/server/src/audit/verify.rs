//! Checks trails that were kept, without a gateway: files with those before them, and the database.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use gantry_core::store::StoreError;
use gantry_policy::audit::Verifier;
use gantry_storage::{AuditReader, DataFolder};

pub use gantry_policy::audit::Head;
pub use gantry_policy::audit::verify::Break;

use super::FOLDER;
use super::files::{OpenFile, open_all, open_with_older};
use super::head::HeadFile;
use crate::config::Storage;

/// A line that is longer is none of ours.
const LONGEST_LINE: u64 = 4 << 20;
/// Lines of the database that are read at once.
const AT_ONCE: u32 = 1000;

/// What was found of one trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which trail: a file, or its name in the database.
    pub trail: String,
    /// The first place that is not as it was written.
    pub broken: Option<Place>,
    /// The place of the first entry that is there; what was before it has been removed.
    pub first: Option<u64>,
    /// The last seal, as far as it was read.
    pub last: Option<Head>,
    /// Whether there was a head to tell that nothing is missing at the end.
    pub has_anchor: bool,
    /// Bytes at the end that have no seal: they are being written, or whoever wrote them was broken off.
    pub torn: usize,
}

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file; `None` in the database.
    pub file: Option<PathBuf>,
    /// The line in it, from 1 on.
    pub line: usize,
    /// What is wrong.
    pub what: Break,
}

/// Why a trail cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file.
    #[error("cannot read `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns the heads that a data folder keeps for its file and for its database.
///
/// # Errors
///
/// One is there and cannot be read.
pub fn kept_heads(data: &Path) -> Result<(Option<Head>, Option<Head>), VerifyError> {
    let read = |place| {
        let file = HeadFile::of(&data.join(FOLDER), place);
        file.read().map_err(|source| VerifyError::File { path: file.path().to_owned(), source })
    };
    Ok((read(super::file::NAME)?, read(super::database::NAME)?))
}

/// Checks the trail of a file and of those that were begun before it.
///
/// # Errors
///
/// A file cannot be read.
pub fn file(path: &Path, anchors: &[Head]) -> Result<Report, VerifyError> {
    check_open(&open_with_older(path)?, anchors)
}

/// Checks one trail that lies in files, the oldest first.
///
/// # Errors
///
/// A file cannot be read.
pub fn files(paths: &[PathBuf], anchors: &[Head]) -> Result<Report, VerifyError> {
    check_open(&open_all(paths)?, anchors)
}

fn check_open(files: &[OpenFile], anchors: &[Head]) -> Result<Report, VerifyError> {
    let youngest = files.last().map(|open| open.path.as_path());
    let trail = youngest.map(|path| path.display().to_string()).unwrap_or_default();
    let mut check = Check::new(trail, anchors);
    for (at, OpenFile { path, file }) in files.iter().enumerate() {
        let failed = |source| VerifyError::File { path: path.clone(), source };
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let mut limited = io::Read::take(&mut reader, LONGEST_LINE);
            if limited.read_until(b'\n', &mut line).map_err(failed)? == 0 {
                break;
            }
            let whole = line.strip_suffix(b"\n");
            if whole.is_none() && at + 1 == files.len() && !is_sealed(&line) {
                check.open += line.len();
                break;
            }
            if !check.line(whole.unwrap_or(&line), Some(path), number) {
                return Ok(check.report);
            }
        }
    }
    Ok(check.finish(youngest))
}

/// Tells whether a line without an end is one all the same.
fn is_sealed(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|line| Head::of_line(line).is_some())
}

/// Checks every trail of the database that the configuration names; the anchor is of the gateway
/// whose data folder it is.
///
/// # Errors
///
/// The database cannot be read.
pub async fn database(
    storage: &Storage,
    data: &Path,
    anchor: Option<Head>,
) -> Result<Vec<Report>, VerifyError> {
    let mut reader = match storage {
        Storage::Sqlite => AuditReader::open(&DataFolder::database_of(data)).await?,
        Storage::Postgres(config) => AuditReader::connect(config).await?,
    };
    let own = std::fs::read_to_string(data.join(FOLDER).join(super::TRAIL)).unwrap_or_default();
    let mut trails = reader.trails().await?;
    if !own.trim().is_empty() && anchor.is_some() && !trails.iter().any(|trail| trail == own.trim())
    {
        // All of it is gone, which the head tells.
        trails.push(own.trim().to_owned());
    }
    let mut reports = Vec::new();
    for trail in trails {
        let anchor = anchor.clone().filter(|_| trail == own.trim());
        let mut check = Check::new(trail.clone(), anchor.as_slice());
        let mut seq = 0;
        let mut is_whole = true;
        'trail: loop {
            let lines = reader.lines_after(&trail, seq, AT_ONCE).await?;
            if lines.is_empty() {
                break;
            }
            for line in lines {
                check.count += 1;
                if !check.line(line.as_bytes(), None, check.count) {
                    is_whole = false;
                    break 'trail;
                }
            }
            seq = check.verifier.seq().unwrap_or(seq);
        }
        reports.push(if is_whole { check.finish(None) } else { check.report });
    }
    Ok(reports)
}

struct Check {
    verifier: Verifier,
    report: Report,
    count: usize,
    /// Bytes behind the last seal.
    open: usize,
}

impl Check {
    fn new(trail: String, anchors: &[Head]) -> Self {
        let verifier = anchors.iter().cloned().fold(Verifier::default(), Verifier::anchor);
        let report = Report {
            trail,
            broken: None,
            first: None,
            last: None,
            has_anchor: !anchors.is_empty(),
            torn: 0,
        };
        Self { verifier, report, count: 0, open: 0 }
    }

    /// Takes a line; `false` if the trail is broken there.
    fn line(&mut self, line: &[u8], file: Option<&Path>, number: usize) -> bool {
        if let Err(what) = self.verifier.line(line) {
            let file = file.map(Path::to_owned);
            self.report.broken = Some(Place { file, line: number, what });
            return false;
        }
        self.report.first = self.report.first.or(self.verifier.seq());
        match std::str::from_utf8(line).ok().and_then(Head::of_line) {
            Some(head) => (self.report.last, self.open) = (Some(head), 0),
            // With its end.
            None => self.open += line.len() + 1,
        }
        self.count = number;
        true
    }

    /// Ends where there is no further line. In a file the last entries may be without a seal, as they are while
    /// they are written; a database has them whole, or somebody took the rest away.
    fn finish(mut self, file: Option<&Path>) -> Report {
        let unsealed = self.verifier.unsealed().zip(self.verifier.seq());
        let broken = match (self.verifier.finish(), unsealed) {
            (Err(what), _) => Some(what),
            (Ok(_), Some((first, last))) if file.is_none() => Some(Break::Unsealed { first, last }),
            (Ok(_), _) => None,
        };
        self.report.torn = if file.is_some() { self.open } else { 0 };
        let (file, line) = (file.map(Path::to_owned), self.count + 1);
        self.report.broken = broken.map(|what| Place { file, line, what });
        self.report
    }
}

#[cfg(test)]
mod tests {
    use gantry_policy::audit::Chain;

    use super::*;

    #[test]
    fn entries_without_a_seal_are_told_apart_in_a_file_and_not_in_a_database() {
        let (mut chain, mut lines) = (Chain::default(), String::new());
        chain.seal(&[r#"{"id":"a-1"}"#], &mut lines);
        chain.seal(&[r#"{"id":"a-2"}"#, r#"{"id":"a-3"}"#, r#"{"id":"a-4"}"#], &mut lines);
        let read = |n: usize, file: Option<&Path>| {
            let mut check = Check::new("trail".to_owned(), &[]);
            for (at, line) in lines.lines().take(n).enumerate() {
                assert!(check.line(line.as_bytes(), file, at + 1));
            }
            let report = check.finish(file);
            (report.torn, report.broken.map(|place| place.what))
        };
        let bytes: usize = lines.lines().skip(1).take(2).map(|line| line.len() + 1).sum();
        for (n, torn, missing) in
            [(1, 0, None), (3, bytes, Some(Break::Unsealed { first: 2, last: 3 })), (4, 0, None)]
        {
            assert_eq!(read(n, Some(Path::new("trail.log"))), (torn, None));
            assert_eq!(read(n, None), (0, missing));
        }
    }
}
