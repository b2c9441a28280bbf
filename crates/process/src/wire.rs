//! What the gateway and the shim say to each other: one order down, a few reports up.
//!
//! The order lies in a memory file that is handed over with the child's three pipes; the reports come over the control
//! socket. Both ends are the same executable, so there are no versions.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::PathBuf,
    time::Duration,
};

use crate::environment::DEFAULT_PATH;

/// What the shim is to start, and how it ends it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) grace: Duration,
    /// The soft limit of open files; `None` keeps the shim's.
    pub(crate) open_files: Option<u64>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
}

/// What the shim tells the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    /// The program runs.
    Started { pid: i32 },
    /// It does not; the shim ends.
    Failed { step: Step, errno: i32, path: Vec<u8> },
    /// The child ended by itself, with this code.
    Exited { code: i32 },
    /// The child was ended by this signal.
    Signalled { signal: i32 },
    /// The shim has ended everything it could and ends now; so many of its children would not go.
    Done { n_left: i32 },
}

/// Where a start failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Before the shim knew what to do.
    Setup,
    /// Entering the folder.
    Folder,
    /// Looking for the program.
    Find,
    /// It is there, but not to be executed.
    Permission,
    /// Starting it.
    Execute,
}

/// Kind, step, length of the path (16 bits), value (32 bits).
pub(crate) const HEADER: usize = 8;

// === impl Order ===

impl Order {
    /// Returns the folders in which the program is looked up: the child's own `PATH`.
    pub(crate) fn search_path(&self) -> &OsStr {
        let given = self.env.iter().find(|(name, _)| name == "PATH");
        given.map_or(OsStr::new(DEFAULT_PATH), |(_, path)| path)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let grace = u32::try_from(self.grace.as_millis()).unwrap_or(u32::MAX);
        let mut bytes = grace.to_ne_bytes().to_vec();
        // No process may open as many.
        bytes.extend_from_slice(&self.open_files.unwrap_or(u64::MAX).to_ne_bytes());
        let cwd = self.cwd.as_deref().map_or(OsStr::new(""), |folder| folder.as_os_str());
        put(&mut bytes, cwd);
        put(&mut bytes, &self.program);
        put_count(&mut bytes, self.args.len());
        self.args.iter().for_each(|argument| put(&mut bytes, argument));
        put_count(&mut bytes, self.env.len());
        for (name, value) in &self.env {
            put(&mut bytes, name);
            put(&mut bytes, value);
        }
        bytes
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> io::Result<Self> {
        let rest = &mut bytes;
        let grace = Duration::from_millis(take_count(rest)?.into());
        let (open_files, tail) = rest.split_first_chunk().ok_or_else(cut_short)?;
        *rest = tail;
        let open_files = Some(u64::from_ne_bytes(*open_files)).filter(|soft| *soft < u64::MAX);
        let cwd = Some(take(rest)?).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let program = take(rest)?;
        let args = (0..take_count(rest)?).map(|_| take(rest)).collect::<io::Result<_>>()?;
        let env = (0..take_count(rest)?)
            .map(|_| Ok((take(rest)?, take(rest)?)))
            .collect::<io::Result<_>>()?;
        Ok(Self { grace, open_files, cwd, program, args, env })
    }
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    // Invariant: the kernel takes no argument list of anything like 4 GiB, and `Launcher` refuses longer ones.
    bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_ne_bytes());
}

fn put(bytes: &mut Vec<u8>, text: &OsStr) {
    put_count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn take_count(bytes: &mut &[u8]) -> io::Result<u32> {
    let (count, rest) = bytes.split_first_chunk().ok_or_else(cut_short)?;
    *bytes = rest;
    Ok(u32::from_ne_bytes(*count))
}

fn take(bytes: &mut &[u8]) -> io::Result<OsString> {
    let length = take_count(bytes)? as usize;
    let (text, rest) = bytes.split_at_checked(length).ok_or_else(cut_short)?;
    *bytes = rest;
    Ok(OsString::from_vec(text.to_vec()))
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the order is cut short")
}

// === impl Report ===

impl Report {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (kind, step, value, path): (u8, u8, i32, &[u8]) = match self {
            Self::Started { pid } => (1, 0, *pid, &[]),
            Self::Failed { step, errno, path } => (2, *step as u8, *errno, path),
            Self::Exited { code } => (3, 0, *code, &[]),
            Self::Signalled { signal } => (4, 0, *signal, &[]),
            Self::Done { n_left } => (5, 0, *n_left, &[]),
        };
        let length = u16::try_from(path.len()).unwrap_or(0);
        let mut bytes = vec![kind, step];
        bytes.extend_from_slice(&length.to_ne_bytes());
        bytes.extend_from_slice(&value.to_ne_bytes());
        bytes.extend_from_slice(path.get(..length.into()).unwrap_or_default());
        bytes
    }

    /// Returns how many bytes follow `header`.
    pub(crate) fn path_length(header: [u8; HEADER]) -> usize {
        u16::from_ne_bytes([header[2], header[3]]).into()
    }

    pub(crate) fn decode(header: [u8; HEADER], path: Vec<u8>) -> io::Result<Self> {
        let [kind, step, _, _, value @ ..] = header;
        let value = i32::from_ne_bytes(value);
        Ok(match kind {
            1 => Self::Started { pid: value },
            2 => Self::Failed { step: Step::decode(step), errno: value, path },
            3 => Self::Exited { code: value },
            4 => Self::Signalled { signal: value },
            5 => Self::Done { n_left: value },
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the shim sent an unknown report",
                ));
            }
        })
    }
}

// === impl Step ===

impl Step {
    fn decode(byte: u8) -> Self {
        let steps = [Self::Folder, Self::Find, Self::Permission, Self::Execute];
        steps.into_iter().find(|step| *step as u8 == byte).unwrap_or(Self::Setup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_the_way_to_the_shim_and_no_cut_of_it_panics() {
        let order = Order {
            grace: Duration::from_millis(1_500),
            open_files: Some(1024),
            cwd: Some("/tmp".into()),
            program: "npx".into(),
            args: vec!["-y".into(), "".into(), OsString::from_vec(vec![0xff, b'\n'])],
            env: vec![("A".into(), "".into()), ("B".into(), "=\n".into())],
        };
        let bytes = order.encode();
        assert_eq!(Order::decode(&bytes).unwrap(), order);
        for length in 0..bytes.len() {
            assert!(Order::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn reports_survive_the_way_back() {
        let reports = [
            Report::Started { pid: 4_000_000 },
            Report::Failed { step: Step::Permission, errno: 13, path: b"/usr/bin/x".to_vec() },
            Report::Exited { code: 255 },
            Report::Signalled { signal: 9 },
            Report::Done { n_left: 0 },
        ];
        for report in reports {
            let bytes = report.encode();
            let (header, path) = bytes.split_first_chunk::<HEADER>().unwrap();
            assert_eq!(Report::path_length(*header), path.len());
            assert_eq!(Report::decode(*header, path.to_vec()).unwrap(), report);
        }
    }
}
