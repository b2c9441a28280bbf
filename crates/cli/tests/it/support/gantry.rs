//! The gateway under test: the real binary, with a configuration, a data folder and a home of its
//! own, on a port of its own.
//!
//! ```ignore
//! let gantry = Gantry::start("servers: { files: { command: mcp-files } }").await;
//! let endpoint = gantry.url("/mcp");
//! ```
//!
//! It is killed when it is dropped. Whoever wants to see how it ends calls [`Gantry::stop`].

use std::{
    ffi::OsString, net::SocketAddr, panic::Location, path::PathBuf, process::ExitStatus,
    time::Duration,
};

use tempfile::TempDir;

use super::process::{self, Finished, Process, Stream};

/// How long the gateway may take to say where it listens. It takes milliseconds; this is for a
/// machine that does ten other things.
const START: Duration = Duration::from_secs(30);

/// How long it may take to end when it is told to.
const STOP: Duration = Duration::from_secs(30);

/// How long a single command may take.
const COMMAND: Duration = Duration::from_mins(1);

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Gantry {
    process: Process,
    address: SocketAddr,
    setup: Setup,
}

/// A gateway that is yet to be started.
#[derive(Debug)]
pub(crate) struct Setup {
    place: Place,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

/// The folder which the gateway has to itself.
#[derive(Debug)]
struct Place {
    folder: TempDir,
}

impl Place {
    fn config(&self) -> PathBuf {
        self.folder.path().join("gantry.yaml")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, arguments: &[OsString]) -> tokio::process::Command {
        let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
        command.current_dir(self.folder.path()).env("HOME", self.folder.path());
        // First, because what follows `--` belongs to another command.
        command.arg("--config").arg(self.config()).arg("--data-dir").arg(self.data());
        command.args(arguments);
        command
    }
}

impl Setup {
    /// A gateway with the configuration `config`, which is YAML.
    pub(crate) fn new(config: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("gantry-").tempdir();
        let place = Place { folder: folder.expect("a temporary folder can be made") };
        std::fs::write(place.config(), config).expect("a file can be written in one's own folder");
        Self { place, arguments: Vec::new(), environment: Vec::new() }
    }

    /// One more argument of `gantry serve`. Unless it is `--listen`, a free port of the loopback is
    /// listened on.
    pub(crate) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// One more variable of its environment, which is empty otherwise but for `PATH` and `HOME`.
    pub(crate) fn variable(
        mut self,
        name: impl Into<OsString>,
        value: impl Into<OsString>,
    ) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts the gateway and waits until it says where it listens.
    ///
    /// # Panics
    ///
    /// If it does not, with the caller's line and everything that it said instead.
    #[track_caller]
    pub(crate) fn start(self) -> impl Future<Output = Gantry> {
        let caller = Location::caller();
        async move {
            match self.try_start().await {
                Ok(gantry) => gantry,
                Err(reason) => panic!("no gateway for the test at {caller}: {reason}"),
            }
        }
    }

    /// Like [`Self::start`], for a test of a gateway that must refuse to start.
    ///
    /// # Errors
    ///
    /// What it said instead of where it listens.
    pub(crate) async fn try_start(self) -> Result<Gantry, String> {
        let mut arguments = vec![OsString::from("serve")];
        if !self.arguments.iter().any(|argument| argument == "--listen") {
            arguments.extend(["--listen", "127.0.0.1:0"].map(OsString::from));
        }
        arguments.extend_from_slice(&self.arguments);
        let mut command = self.place.command(&arguments);
        command.envs(self.environment.clone());
        let mut process = Process::start("gantry serve", command);
        let address = process.find_line(START, listening_address).await?;
        Ok(Gantry { process, address, setup: self })
    }
}

/// The address in a line of the banner that names the endpoint: `... http://127.0.0.1:8080/mcp ...`.
fn listening_address(stream: Stream, line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://").filter(|_| stream == Stream::Out)?;
    let (address, _) = rest.split_once("/mcp")?;
    address.parse().ok()
}

impl Gantry {
    /// Starts a gateway with the configuration `config`, which is YAML; see [`Setup`] for more.
    #[track_caller]
    pub(crate) fn start(config: &str) -> impl Future<Output = Self> {
        Setup::new(config).start()
    }

    /// The URL of `path`, which begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The configuration file, in a folder of this gateway's own; a running gateway notices when it
    /// is changed.
    pub(crate) fn config(&self) -> PathBuf {
        self.setup.place.config()
    }

    /// Everything it printed so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Its process.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Runs another command of the binary on the same configuration, data and environment, such as
    /// `["tools", "list"]`, to its end.
    ///
    /// # Panics
    ///
    /// If it cannot be run or hangs. That it failed is for the caller to see.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> impl Future<Output = Finished> {
        let caller = Location::caller();
        let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
        let mut command = self.setup.place.command(&arguments);
        command.envs(self.setup.environment.clone());
        async move {
            let finished = process::run(command, COMMAND).await;
            finished
                .unwrap_or_else(|reason| panic!("no command for the test at {caller}: {reason}"))
        }
    }

    /// Starts another command of the binary on the same configuration and data.
    pub(crate) fn start_command(&self, arguments: &[&str]) -> Process {
        let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
        Process::start("gantry", self.setup.place.command(&arguments))
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.setup.place.data()
    }

    /// Ends the gateway and starts it again, on the same configuration and data and another port.
    ///
    /// # Panics
    ///
    /// If it does not end or does not start.
    #[track_caller]
    pub(crate) fn restart(self) -> impl Future<Output = Self> {
        self.restart_after(async |_| ())
    }

    /// The same, with something that is done while it does not run.
    ///
    /// # Panics
    ///
    /// If it does not end or does not start.
    #[track_caller]
    pub(crate) fn restart_after(
        mut self,
        between: impl AsyncFnOnce(&Self),
    ) -> impl Future<Output = Self> {
        let caller = Location::caller();
        async move {
            if let Err(reason) = self.process.terminate(STOP).await {
                panic!("a gateway goes on after the test at {caller}: {reason}");
            }
            between(&self).await;
            match self.setup.try_start().await {
                Ok(gantry) => gantry,
                Err(reason) => panic!("no gateway for the test at {caller}: {reason}"),
            }
        }
    }

    /// Kills the gateway and starts it again, in the same way.
    pub(crate) async fn killed_and_started(mut self) -> Self {
        self.process.kill().await;
        self.setup.start().await
    }

    /// Tells the gateway to end, as an operator would, and waits for that.
    ///
    /// # Panics
    ///
    /// If it does not end in time, with what it printed.
    #[track_caller]
    pub(crate) fn stop(mut self) -> impl Future<Output = (ExitStatus, String)> {
        let caller = Location::caller();
        async move {
            match self.process.terminate(STOP).await {
                Ok(status) => (status, self.log()),
                Err(reason) => panic!("a gateway goes on after the test at {caller}: {reason}"),
            }
        }
    }
}
