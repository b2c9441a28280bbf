//! An upstream that is a child process and speaks JSON-RPC on its standard streams, one message a
//! line.
//!
//! A [`Pipe`] owns the child, and what is said with it is a [`Conversation`]. It knows neither eras
//! nor methods.
//!
//! Invariant: the task that reads never waits for anybody, so that one slow reader of one client
//! does not hold up what the others receive.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use gantry_core::Tasks;
use gantry_process::{ChildStdin, ChildStdout, LineError, LineReader, LineWriter, Process, Stderr};
use gantry_process::{StderrTail, WriteError};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::conversation::{Answer, AnswerTooLarge, Conversation, Heard, Inbound};

pub use gantry_process::{CommandSpec, Launcher, Limits, StartError};

/// Messages that may wait for a child to read its stdin.
const QUEUE: usize = 256;
/// Lines that are no messages which are logged before they are only counted.
const RUBBISH_LOGGED: u64 = 5;
/// Characters that are shown of such a line.
const RUBBISH_SHOWN: usize = 100;

/// A running child and the requests it has not answered.
#[derive(Debug)]
pub struct Pipe {
    conversation: Conversation,
    queue: mpsc::Sender<Bytes>,
    closing: CancellationToken,
    closed: CancellationToken,
    end: Mutex<Option<String>>,
    rubbish: AtomicU64,
    /// The beginning of the first line that was no message.
    first_rubbish: Mutex<Option<String>>,
    stderr: StderrTail,
    pid: u32,
}

/// The child is gone.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub struct PipeClosed {
    /// How it ended, and its last words.
    pub why: String,
}

impl Pipe {
    /// Starts a child. It ends when [`Pipe::close`] is called, or with the process at the latest.
    pub async fn start(
        name: &str,
        launcher: &Launcher,
        spec: &CommandSpec,
        limits: &Limits,
        tasks: &Tasks,
    ) -> Result<Arc<Self>, StartError> {
        let child = launcher.start(spec, limits).await?;
        let (queue, outgoing) = mpsc::channel(QUEUE);
        let pipe = Arc::new(Self {
            conversation: Conversation::new(name),
            queue,
            closing: tasks.stopping().child_token(),
            closed: CancellationToken::new(),
            end: Mutex::new(None),
            rubbish: AtomicU64::new(0),
            first_rubbish: Mutex::new(None),
            stderr: child.stderr.tail(),
            pid: child.pid(),
        });
        tasks.spawn("stdio-writer", Arc::clone(&pipe).write(child.stdin, outgoing));
        tasks.spawn("stdio-stderr", Arc::clone(&pipe).log(child.stderr));
        tasks.spawn("stdio-reader", Arc::clone(&pipe).run(child.stdout, child.process));
        Ok(pipe)
    }

    /// Says who receives what answers no request. What came before is lost.
    pub fn attach(&self, inbound: Arc<dyn Inbound>) {
        self.conversation.attach(inbound);
    }

    /// Announces a request: its answer will come out of the receiver, which fails when the child
    /// ends first. To be called before the request is sent.
    pub fn expect(&self, id: u64) -> oneshot::Receiver<Answer> {
        let receiver = self.conversation.expect(id);
        if self.closed.is_cancelled() {
            self.conversation.forget(id);
        }
        receiver
    }

    /// Gives up waiting for an answer.
    pub fn forget(&self, id: u64) {
        self.conversation.forget(id);
    }

    /// Puts a message into the writer's queue, waiting for room.
    ///
    /// Cancel safe: dropped before it returns, the message was not sent.
    pub async fn send(&self, message: Bytes) -> Result<(), PipeClosed> {
        tokio::select! {
            sent = self.queue.send(one_line(message)) => sent.map_err(|_| self.why()),
            () = self.closed.cancelled() => Err(self.why()),
        }
    }

    /// Puts a message into the writer's queue if there is room.
    pub fn offer(&self, message: Bytes) -> bool {
        self.queue.try_send(one_line(message)).is_ok()
    }

    /// Returns how many messages wait for the child to read them, and how many may.
    pub fn fill(&self) -> (usize, usize) {
        let most = self.queue.max_capacity();
        (most - self.queue.capacity(), most)
    }

    /// Ends the child, without waiting for it.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Ends the child when the guard is dropped, unless that is disarmed before.
    pub fn close_on_drop(&self) -> DropGuard {
        self.closing.clone().drop_guard()
    }

    /// Resolves when the child is gone.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Tells whether the child is gone.
    pub fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Returns how the child ended, with its last words.
    pub fn why(&self) -> PipeClosed {
        let end = self.end.lock().clone();
        PipeClosed { why: end.unwrap_or_else(|| "the child process is ending".to_owned()) }
    }

    /// Tells what the child printed instead of messages, if it did.
    pub fn complaint(&self) -> Option<String> {
        let first = self.first_rubbish.lock().clone()?;
        let count = self.rubbish();
        let lines = if count == 1 { "a line that is" } else { "lines that are" };
        Some(format!("it printed {count} {lines} no message to stdout, first `{first}`"))
    }

    /// Returns how many lines were no messages.
    pub fn rubbish(&self) -> u64 {
        self.rubbish.load(Ordering::Relaxed)
    }

    /// Returns the last lines of stderr.
    pub fn last_words(&self) -> Vec<String> {
        self.stderr.lines()
    }

    /// Returns the child's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    async fn write(
        self: Arc<Self>,
        mut stdin: LineWriter<ChildStdin>,
        mut outgoing: mpsc::Receiver<Bytes>,
    ) {
        loop {
            let message = tokio::select! {
                () = self.closing.cancelled() => break,
                () = self.closed.cancelled() => break,
                message = outgoing.recv() => message,
            };
            let Some(message) = message else { break };
            match stdin.send(message).await {
                Ok(()) | Err(WriteError::LineFeed { .. }) => {}
                Err(_) => break,
            }
        }
    }

    async fn log(self: Arc<Self>, mut stderr: Stderr) {
        while let Some(line) = stderr.next().await {
            gantry_core::log::debug!(upstream = %self.name(), line = line.text, "The upstream wrote to stderr.");
        }
    }

    async fn run(self: Arc<Self>, mut stdout: LineReader<ChildStdout>, mut process: Process) {
        let watch = process.watch();
        loop {
            let line = tokio::select! {
                () = self.closing.cancelled() => break,
                line = stdout.next() => line,
            };
            match line {
                Ok(Some(line)) => self.read(&line),
                Ok(None) => break,
                Err(LineError::TooLong { limit, length, head, tail }) => {
                    let text = format!("a line of {length} bytes is above the limit of {limit}");
                    self.count_rubbish(&text, &head);
                    self.conversation.overflow(
                        AnswerTooLarge::Line { limit, length },
                        &head,
                        &tail,
                    );
                }
                Err(error) => {
                    gantry_core::log::warn!(upstream = %self.name(), %error, "Reading from a child failed.");
                    break;
                }
            }
        }
        // Its stdout is closed, or nobody wants it any more: it is of no use.
        let exit = process.stop().await;
        let _ = process.end().await;
        let exit = watch.now().unwrap_or(exit);
        let mut why = format!("the child process ended: {exit}");
        if let Some(last) = self.stderr.lines().iter().rev().find(|line| !line.trim().is_empty()) {
            why.push_str("; its last words: ");
            why.push_str(last);
        } else if let Some(complaint) = self.complaint() {
            why.push_str("; ");
            why.push_str(&complaint);
        }
        *self.end.lock() = Some(why);
        self.closed.cancel();
        self.conversation.end();
    }

    fn read(&self, line: &Bytes) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        for heard in self.conversation.hear(line) {
            match heard {
                Heard::Done => {}
                Heard::Reply(reply) => {
                    self.offer(reply);
                }
                Heard::Rubbish(error) => self.count_rubbish(&error, line),
            }
        }
    }

    fn name(&self) -> &str {
        self.conversation.name()
    }

    fn count_rubbish(&self, error: &str, line: &[u8]) {
        let count = self.rubbish.fetch_add(1, Ordering::Relaxed);
        if count == 0 {
            let text = String::from_utf8_lossy(line);
            let shown = text.chars().filter(|c| !c.is_control()).take(RUBBISH_SHOWN).collect();
            *self.first_rubbish.lock() = Some(shown);
        }
        if count < RUBBISH_LOGGED {
            gantry_core::log::warn!(upstream = %self.name(), error, "The upstream printed what is no message.");
        }
    }
}

/// Makes a message fit one line: outside of strings a line feed is white space, and inside it is
/// not valid JSON, so every one may become a space.
fn one_line(message: Bytes) -> Bytes {
    if memchr::memchr2(b'\n', b'\r', &message).is_none() {
        return message;
    }
    let replaced: Vec<u8> = message
        .iter()
        .map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte })
        .collect();
    Bytes::from(replaced)
}
