//! Child processes of a test: what they print is kept and can be waited for, and they are killed
//! when the test lets go of them, however it ends.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinSet,
};

/// How many lines of output are kept; a process that prints more has its oldest ones forgotten.
const KEPT_LINES: usize = 20_000;

/// How long a process that has closed its output may take to end.
const CLOSED: Duration = Duration::from_secs(1);

/// How many of the last lines a failure shows.
const SHOWN_LINES: usize = 60;

/// A command with an environment of its own: nothing of the developer's machine reaches it but the
/// `PATH`, so that a test means the same everywhere.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// A process that runs beside its test, and is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    output: watch::Receiver<Output>,
    readers: JoinSet<()>,
}

/// The lines a process printed, oldest first, each marked with where it was printed.
#[derive(Debug, Default)]
struct Output {
    lines: VecDeque<(Stream, String)>,
}

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Error,
}

impl Process {
    /// Starts `command`, which failures call `name`.
    ///
    /// Its stdin is what the command says; if that is a pipe, it stays open as long as this lives.
    #[track_caller]
    pub(crate) fn start(name: &str, mut command: Command) -> Self {
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let (sender, output) = watch::channel(Output::default());
        let mut readers = JoinSet::new();
        let out = child.stdout.take().expect("stdout is piped above");
        let error = child.stderr.take().expect("stderr is piped above");
        readers.spawn(keep_lines(Stream::Out, out, sender.clone()));
        readers.spawn(keep_lines(Stream::Error, error, sender));
        Self { name: name.to_owned(), child, output, readers }
    }

    /// The process id, as long as the process has not been waited for.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Everything printed so far that is still kept, both streams in the order of arrival.
    pub(crate) fn log(&self) -> String {
        self.output.borrow().tail(usize::MAX)
    }

    /// Waits until `find` makes something of a line (printed before or after this call), and returns that.
    ///
    /// # Errors
    ///
    /// A description with the end of the output, if the process closes its output or `limit` passes
    /// before that.
    pub(crate) async fn find_line<T>(
        &mut self,
        limit: Duration,
        mut find: impl FnMut(Stream, &str) -> Option<T>,
    ) -> Result<T, String> {
        let mut output = self.output.clone();
        let mut found = None;
        let waiting = output.wait_for(|output| {
            found = output.lines.iter().find_map(|(stream, line)| find(*stream, line));
            found.is_some()
        });
        let waited = tokio::time::timeout(limit, waiting).await.map(|waited| waited.is_ok());
        let what_happened = match (waited, found) {
            (Ok(true), Some(found)) => return Ok(found),
            (Ok(_), _) => match self.wait(CLOSED).await {
                Ok(status) => format!("ended: {status}"),
                Err(_) => "closed its output".to_owned(),
            },
            (Err(_), _) => format!("did not say what was expected within {limit:?}"),
        };
        let printed = self.output.borrow().tail(SHOWN_LINES);
        Err(format!("{} {what_happened}; it printed\n{printed}", self.name))
    }

    /// Asks the process to end (SIGTERM) and waits for that, `limit` at most; then everything it
    /// printed can be read by [`Self::log`].
    ///
    /// # Errors
    ///
    /// A description with the end of the output, if the process does not end in time.
    pub(crate) async fn terminate(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        if let Some(id) = self.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
        {
            // That it has ended on its own in the meantime is seen below.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        self.wait(limit).await
    }

    /// Kills the process (SIGKILL) and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        let _ = self.child.kill().await;
    }

    /// Waits until the process has ended and its output has been read, `limit` at most.
    ///
    /// # Errors
    ///
    /// A description with the end of the output, if the process does not end in time.
    pub(crate) async fn wait(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        let end = async {
            let status = self.child.wait().await;
            while self.readers.join_next().await.is_some() {}
            status
        };
        match tokio::time::timeout(limit, end).await {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(error)) => Err(format!("{} cannot be waited for: {error}", self.name)),
            Err(_) => Err(format!(
                "{} did not end within {limit:?}; it printed\n{}",
                self.name,
                self.output.borrow().tail(SHOWN_LINES)
            )),
        }
    }
}

impl Output {
    fn tail(&self, lines: usize) -> String {
        let mut text = String::new();
        for (_, line) in self.lines.iter().skip(self.lines.len().saturating_sub(lines)) {
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

async fn keep_lines(stream: Stream, from: impl AsyncRead + Unpin, to: watch::Sender<Output>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(from.read_until(b'\n', &mut line).await, Ok(read) if read > 0) {
        let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        line.clear();
        to.send_modify(|output| {
            if output.lines.len() == KEPT_LINES {
                output.lines.pop_front();
            }
            output.lines.push_back((stream, text));
        });
    }
}

/// What a process that has ended left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `command` to its end.
///
/// # Errors
///
/// A description, if it cannot be started or takes longer than `limit`; it is killed then.
pub(crate) async fn run(mut command: Command, limit: Duration) -> Result<Finished, String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    match tokio::time::timeout(limit, command.output()).await {
        Ok(Ok(output)) => Ok(Finished {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }),
        Ok(Err(error)) => Err(format!("`{program}` does not run: {error}")),
        Err(_) => Err(format!("`{program}` was killed: it did not end within {limit:?}")),
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}\n--- stdout\n{}\n--- stderr\n{}",
            self.status, self.stdout, self.stderr
        )
    }
}
