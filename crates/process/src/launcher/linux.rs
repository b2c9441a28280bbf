//! The gateway's side of a start: pipes, the order, the shim, and its reports.
//!
//! The shim is started with the control socket as its stdin. The child's pipes and the order wait in that socket
//! before the shim exists, as passed descriptors: so nothing has to be made inheritable in this process, where another
//! thread could start something else at the same moment, and nothing has to run between fork and exec.

use std::{
    ffi::{OsStr, OsString},
    io::{self, IoSlice, Write as _},
    mem::MaybeUninit,
    os::fd::{AsFd as _, OwnedFd},
    path::PathBuf,
    process::Stdio,
};

use rustix::{
    fs::MemfdFlags,
    net::{
        AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
        SocketType, sendmsg, socketpair,
    },
    pipe::{PipeFlags, pipe_with},
};
use tokio::{
    io::AsyncReadExt as _,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, pipe},
    },
    process,
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use super::Launcher;
use crate::{
    Child, CommandSpec, Exit, Limits, LineReader, LineWriter, Process, SHIM_ARGUMENT, StartError,
    child::{Parts, State},
    environment, open_files, stderr,
    wire::{HEADER, Order, Report, Step},
};

/// More than the kernel takes; refused here, so that the order stays small.
const ARGUMENTS_MAX: usize = 16 * 1024 * 1024;

/// Our ends of the child's pipes.
struct Pipes {
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
}

pub(super) async fn start(
    launcher: &Launcher,
    spec: &CommandSpec,
    limits: &Limits,
) -> Result<Child, StartError> {
    let order = Order {
        grace: limits.stop_grace,
        open_files: open_files::of_children(),
        cwd: spec.cwd.clone(),
        program: spec.program.clone(),
        args: spec.args.clone(),
        env: environment::of_child(&launcher.environment, &spec.env),
    };
    check(&order)?;

    let (pipes, control, shim) = spawn(launcher, &order)?;
    let (mut reports, life) = control.into_split();
    let first = timeout(limits.start_timeout, next_report(&mut reports)).await;
    let first = first.map_err(|_| StartError::Timeout { limit: limits.start_timeout })?;
    let failed = |source| StartError::Shim { shim: launcher.shim.clone(), source };
    let pid = match first.map_err(failed)? {
        Report::Started { pid } => pid.unsigned_abs(),
        Report::Failed { step, errno, path } => return Err(explain(&order, step, errno, path)),
        report => return Err(failed(io::Error::other(format!("it reported {report:?} first")))),
    };

    let (drain, stderr) = stderr::drain(pipes.stderr, limits);
    let (state_sender, state) = watch::channel(State::default());
    let mut tasks = JoinSet::new();
    tasks.spawn(drain.run());
    tasks.spawn(supervise(pid, reports, shim, state_sender));
    let stdin = LineWriter::new(pipes.stdin);
    let parts =
        Parts { pid, life, stdin: stdin.closer(), stop_grace: limits.stop_grace, state, tasks };
    let stdout = LineReader::new(pipes.stdout, limits.max_line);
    Ok(Child { stdin, stdout, stderr, process: Process::new(parts) })
}

/// Refuses what could not be given to exec, or would be cut there.
fn check(order: &Order) -> Result<(), StartError> {
    let unusable = |what: String| Err(StartError::Unusable { what });
    if order.program.is_empty() {
        return unusable("the program's name is empty".to_owned());
    }
    let folder = order.cwd.iter().map(|folder| folder.as_os_str());
    let command =
        [order.program.as_os_str()].into_iter().chain(order.args.iter().map(OsString::as_os_str));
    if command.chain(folder).any(holds_nul) {
        return unusable("the program, an argument or the folder holds a NUL byte".to_owned());
    }
    for (name, value) in &order.env {
        let bytes = name.as_encoded_bytes();
        if bytes.is_empty() || bytes.contains(&b'=') || holds_nul(name) || holds_nul(value) {
            return unusable(format!(
                "the variable `{}` has an impossible name or value",
                name.display()
            ));
        }
    }
    let variables = order.env.iter().flat_map(|(name, value)| [name, value]);
    if order.args.iter().chain(variables).map(|text| text.len()).sum::<usize>() > ARGUMENTS_MAX {
        return unusable("the arguments and variables are longer than any system takes".to_owned());
    }
    Ok(())
}

fn holds_nul(text: &OsStr) -> bool {
    text.as_encoded_bytes().contains(&0)
}

/// Starts the shim with all it needs; no await, nothing is left behind on an error.
fn spawn(
    launcher: &Launcher,
    order: &Order,
) -> Result<(Pipes, UnixStream, process::Child), StartError> {
    let (stdin_child, stdin) = make_pipe()?;
    let (stdout, stdout_child) = make_pipe()?;
    let (stderr, stderr_child) = make_pipe()?;
    let pipes = Pipes {
        stdin: pipe::Sender::from_owned_fd(stdin).map_err(resources("a pipe"))?,
        stdout: pipe::Receiver::from_owned_fd(stdout).map_err(resources("a pipe"))?,
        stderr: pipe::Receiver::from_owned_fd(stderr).map_err(resources("a pipe"))?,
    };
    let order_file = write_order(order).map_err(resources("a memory file"))?;
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map_err(|error| resources("a socket")(error.into()))?;
    pass(&ours, &[&order_file, &stdin_child, &stdout_child, &stderr_child])
        .map_err(resources("a socket"))?;
    let control = std::os::unix::net::UnixStream::from(ours);
    control.set_nonblocking(true).map_err(resources("a socket"))?;
    let control = UnixStream::from_std(control).map_err(resources("a socket"))?;

    // The environment is empty: what is meant for the child, like LD_PRELOAD, must not change the shim. The shim's
    // last words, if the loader fails or it panics, go where the child's would.
    let shim = process::Command::new(&launcher.shim)
        .arg0("gantry")
        .arg(SHIM_ARGUMENT)
        .arg(&order.program)
        .env_clear()
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::from(stderr_child))
        .kill_on_drop(false)
        .spawn()
        .map_err(|source| StartError::Shim { shim: launcher.shim.clone(), source })?;
    Ok((pipes, control, shim))
}

fn make_pipe() -> Result<(OwnedFd, OwnedFd), StartError> {
    pipe_with(PipeFlags::CLOEXEC).map_err(|error| resources("a pipe")(error.into()))
}

fn write_order(order: &Order) -> io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create("order", MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    file.write_all(&order.encode())?;
    Ok(file.into())
}

/// Puts `descriptors` into the socket, with one byte to carry them.
fn pass(socket: &OwnedFd, descriptors: &[&OwnedFd]) -> io::Result<()> {
    let descriptors: Vec<_> = descriptors.iter().map(|descriptor| descriptor.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    sendmsg(socket, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn resources(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |source| StartError::Resources { what, source }
}

async fn next_report(reports: &mut OwnedReadHalf) -> io::Result<Report> {
    let mut header = [0; HEADER];
    reports.read_exact(&mut header).await?;
    let mut path = vec![0; Report::path_length(header)];
    reports.read_exact(&mut path).await?;
    Report::decode(header, path)
}

/// Passes on the shim's reports until it has ended, and reaps it.
async fn supervise(
    pid: u32,
    mut reports: OwnedReadHalf,
    mut shim: process::Child,
    state: watch::Sender<State>,
) {
    loop {
        let exit = match next_report(&mut reports).await {
            Ok(Report::Exited { code }) => Exit::Code(code),
            Ok(Report::Signalled { signal }) => Exit::Signal(signal),
            Ok(Report::Done { n_left }) => {
                if n_left > 0 {
                    tracing::warn!(
                        function = "supervise",
                        pid,
                        n_left,
                        "Descendants of a child could not be ended."
                    );
                }
                continue;
            }
            Ok(Report::Started { .. } | Report::Failed { .. }) => continue,
            // The end of the stream: the shim has ended, or was killed.
            Err(_) => break,
        };
        state.send_modify(|state| state.exit = Some(exit));
    }
    if let Err(error) = shim.wait().await {
        tracing::warn!(function = "supervise", pid, %error, "The shim of a child could not be reaped.");
    }
    state.send_modify(|state| {
        state.exit.get_or_insert(Exit::Lost);
        state.all_ended = true;
    });
}

/// Says what a failed start means.
fn explain(order: &Order, step: Step, errno: i32, path: Vec<u8>) -> StartError {
    use std::os::unix::ffi::OsStringExt as _;

    let source = io::Error::from_raw_os_error(errno);
    let path = PathBuf::from(OsString::from_vec(path));
    let program = order.program.clone();
    match step {
        Step::Setup => StartError::Resources { what: "a shim", source },
        Step::Folder => {
            StartError::Folder { folder: order.cwd.clone().unwrap_or_default(), source }
        }
        Step::Find if order.program.as_encoded_bytes().contains(&b'/') => {
            StartError::NoSuchProgram { program, folder: order.cwd.clone() }
        }
        Step::Find => StartError::NotOnPath { program, searched: order.search_path().to_owned() },
        Step::Permission => StartError::NotExecutable { path, source },
        Step::Execute if source.kind() == io::ErrorKind::NotFound => {
            StartError::NoInterpreter { path }
        }
        Step::Execute => StartError::Execute { path, source },
    }
}
