//! A PostgreSQL server of a test's own: made in a temporary folder, on a free port of the loopback
//! and on a socket in that folder, with TLS, and ended with the test.
//!
//! It wants its password, so that a test notices when one is lost. What it writes is not forced to
//! the disk: only the machine could lose it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

/// How long making or starting a server may take.
const START: Duration = Duration::from_mins(1);
/// How often it is looked whether it is up.
const LOOK: Duration = Duration::from_millis(20);
/// The role that owns everything.
pub const USER: &str = "gantry";
/// Its password, with what an address has to write otherwise.
pub const PASSWORD: &str = "p@ss/w0rd hunter2";
/// The same, as an address has it.
pub const PASSWORD_IN_URL: &str = "p%40ss%2Fw0rd%20hunter2";

/// A PostgreSQL server that ends when this is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl PostgresServer {
    /// Makes a server and starts it.
    ///
    /// # Panics
    ///
    /// If PostgreSQL is not installed, or does not start.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("gantry-pg-").tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has free ports");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        drop(listener);
        let mut server = Self { folder, port, child: None };
        server.make();
        server.resume();
        server
    }

    /// The folder of the unix socket, where the certificate is too.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The port on the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate, which is its own authority.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.crt")
    }

    /// The address of a database, with the password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database.
    ///
    /// # Panics
    ///
    /// If the server says no.
    pub fn create_database(&self, name: &str) {
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\""));
    }

    /// Carries out statements, and returns what they give, a row a line.
    ///
    /// # Panics
    ///
    /// If the server says no.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let mut psql = command("psql");
        let port = self.port.to_string();
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        psql.args(["--set", "ON_ERROR_STOP=1", "--host", "127.0.0.1", "--port", &port]);
        psql.args(["--username", USER, "--dbname", database, "--command", statements]);
        psql.env("PGPASSWORD", PASSWORD);
        run(psql).trim_end().to_owned()
    }

    /// Ends the server at once, as a crash would; what was committed stays.
    pub fn crash(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // PostgreSQL's "immediate shutdown", which takes its children along.
            let _ = kill_process(id, Signal::QUIT);
        }
        let _ = child.wait();
    }

    /// Starts it again after [`Self::crash`], on the same port.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn resume(&mut self) {
        let mut postgres = self.own_command("postgres");
        postgres.arg("-D").arg(self.data());
        let log = fs::File::options().append(true).create(true).open(self.log());
        postgres.stderr(log.expect("a file in one's own folder")).stdout(Stdio::null());
        self.child = Some(postgres.spawn().expect("PostgreSQL starts"));
        let deadline = Instant::now() + START;
        while !self.is_ready() {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "PostgreSQL is not up: {ended:?}\n{}",
                fs::read_to_string(self.log()).unwrap_or_default()
            );
            std::thread::sleep(LOOK);
        }
    }

    fn make(&self) {
        let folder = self.folder.path();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("one's own folder");
        let names = ["127.0.0.1", "localhost"].map(str::to_owned).to_vec();
        let made = rcgen::generate_simple_self_signed(names).expect("names make a certificate");
        let key = folder.join("server.key");
        let password = folder.join("password");
        fs::write(self.certificate(), made.cert.pem()).expect("one's own folder");
        fs::write(&key, made.signing_key.serialize_pem()).expect("one's own folder");
        fs::write(&password, PASSWORD).expect("one's own folder");
        fs::write(self.log(), "").expect("one's own folder");
        for secret in [&key, &password] {
            fs::set_permissions(secret, fs::Permissions::from_mode(0o600)).expect("one's own file");
        }
        if let Some((user, group)) = other_user() {
            let all = [folder, &key, &password, &self.log()].map(Path::to_owned);
            for path in all.iter().chain([&self.certificate()]) {
                chown(path, Some(user), Some(group)).expect("the superuser may give files away");
            }
        }
        let mut initdb = self.own_command("initdb");
        initdb.arg("--pgdata").arg(self.data()).arg("--pwfile").arg(&password);
        initdb.args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8"]);
        initdb.args(["--locale", "C.UTF-8", "--no-sync", "--no-instructions"]);
        run(initdb);
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nssl = on\n\
             ssl_cert_file = '{}'\nssl_key_file = '{}'\nfsync = off\nfull_page_writes = off\n\
             shared_buffers = 16MB\nmax_connections = 100\n",
            self.port,
            folder.display(),
            self.certificate().display(),
            key.display()
        );
        let path = self.data().join("postgresql.auto.conf");
        fs::write(path, settings).expect("the superuser or the owner may write");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The last line of the file says how far it is (PostgreSQL, `utils/pidfile.h`).
    fn is_ready(&self) -> bool {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        text.lines().nth(7).is_some_and(|status| status.trim() == "ready")
    }

    /// A program that refuses to be run by the superuser.
    fn own_command(&self, program: &str) -> Command {
        let mut command = command(program);
        command.current_dir(self.folder.path());
        if let Some((user, group)) = other_user() {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.crash();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own server is no child of the product")]
fn command(program: &str) -> Command {
    let mut command = Command::new(find(program));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null());
    command
}

/// Debian keeps the programs of each version in a folder of its own.
fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders =
        std::env::split_paths(&path).chain(versions.map(|version| version.path().join("bin")));
    folders
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .expect("PostgreSQL is installed\nhint: `cargo xtask setup` installs what the tests need")
}

fn run(mut command: Command) -> String {
    let output = command.output().expect("a program that is there can be run");
    let program = command.get_program().display();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {}\n{error}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Somebody to run it as, if this is the superuser.
fn other_user() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let fields: Vec<_> =
            users.lines().find(|line| line.starts_with(name))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    let found = find("postgres:").or_else(|| find("nobody:"));
    Some(found.expect("the machine has an unprivileged user"))
}
