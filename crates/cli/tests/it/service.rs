//! The gateway as a service: the units of `deploy/systemd` as systemd judges them, sockets that are
//! passed on, and what the service manager is told.

use std::{
    net::{SocketAddr, TcpListener},
    os::{fd::OwnedFd, linux::net::SocketAddrExt as _, unix::net::UnixDatagram},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{
    gantry::{Gantry, Setup},
    process::{self, Finished, Process},
    wait,
};

/// Nothing here takes longer unless it hangs.
const LIMIT: Duration = Duration::from_secs(30);
const PROGRAM: &str = env!("CARGO_BIN_EXE_gantry");

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/systemd")
}

fn unit(name: &str) -> String {
    std::fs::read_to_string(units().join(name)).expect("the unit is there")
}

/// The units, in a folder of their own, for the program under test instead of an installed one.
fn installed_units() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["gantry.service", "gantry.socket"] {
        let text = unit(name).replace("/usr/local/bin/gantry", PROGRAM);
        std::fs::write(folder.path().join(name), text).expect("the folder is writable");
    }
    folder
}

async fn analyze(folder: &TempDir, arguments: &[&str]) -> Finished {
    let mut command = process::command("systemd-analyze");
    command.current_dir(folder.path()).args(arguments);
    let finished = process::run(command, LIMIT).await;
    finished.unwrap_or_else(|reason| {
        panic!("{reason}\nhint: `cargo xtask setup` installs what the tests need")
    })
}

#[tokio::test]
async fn systemd_has_nothing_to_say_against_the_units() {
    let folder = installed_units();
    let verified = analyze(&folder, &["verify", "./gantry.service", "./gantry.socket"]).await;
    assert!(verified.status.success(), "{verified}");
    // It speaks of other units of the machine, too.
    assert!(!verified.stderr.contains("gantry"), "{verified}");
    // From 0 to 100; a service without any hardening has 96.
    let judged = ["security", "--offline=yes", "--threshold=20", "./gantry.service"];
    let judged = analyze(&folder, &judged).await;
    assert!(judged.status.success(), "{judged}");
}

#[tokio::test]
async fn the_commands_of_the_unit_are_understood() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let config = folder.path().join("gantry.yaml");
    std::fs::write(&config, "server: { listen: '127.0.0.1:0' }\n").expect("it is writable");
    let service = unit("gantry.service");
    let command = |key: &str| {
        let line =
            service.lines().find_map(|line| line.strip_prefix(key)).expect("the unit has it");
        let mut words = line.split(' ').map(|word| match word {
            "/usr/local/bin/gantry" => PathBuf::from(PROGRAM),
            "/etc/gantry/gantry.yaml" => config.clone(),
            "/var/lib/gantry/data" => folder.path().join("data"),
            word => PathBuf::from(word),
        });
        let mut command = process::command(words.next().expect("a command has a program"));
        command.args(words);
        command
    };
    let checked = process::run(command("ExecStartPre="), LIMIT).await.expect("it runs");
    assert!(checked.status.success(), "{checked}");
    let mut served = Process::start("the unit's command", command("ExecStart="));
    let up = served.find_line(LIMIT, |_, line| line.contains("is up.").then_some(())).await;
    up.unwrap_or_else(|reason| panic!("{reason}"));
    let ended = served.terminate(LIMIT).await.unwrap_or_else(|reason| panic!("{reason}"));
    assert!(ended.success(), "{ended}");
}

/// What a service manager hears.
struct Manager {
    socket: tokio::net::UnixDatagram,
}

impl Manager {
    fn new(socket: UnixDatagram) -> Self {
        socket.set_nonblocking(true).expect("a socket can be told so");
        let socket = tokio::net::UnixDatagram::from_std(socket).expect("the runtime takes it");
        Self { socket }
    }

    /// Waits for a message that has this line; others are passed over.
    async fn hears(&self, line: &str) -> String {
        let listening = async {
            loop {
                let mut message = [0; 1024];
                let length = self.socket.recv(&mut message).await.expect("it can be read");
                let message = String::from_utf8_lossy(&message[..length]).into_owned();
                if message.lines().any(|each| each == line) {
                    return message;
                }
            }
        };
        wait::soon(line, listening).await
    }
}

fn signal(gantry: &mut Gantry, signal: rustix::process::Signal) {
    let id = gantry.process().id().expect("it runs");
    let id = rustix::process::Pid::from_raw(id.cast_signed()).expect("it has an id");
    rustix::process::kill_process(id, signal).expect("it can be sent a signal");
}

#[tokio::test]
async fn the_service_manager_is_told_what_becomes_of_the_gateway() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("notify");
    let manager = Manager::new(UnixDatagram::bind(&path).expect("a socket can be made"));
    let mut gantry = Setup::new("")
        .variable("NOTIFY_SOCKET", &path)
        .variable("WATCHDOG_USEC", "200000")
        .start()
        .await;
    manager.hears("READY=1").await;
    let begun = Instant::now();
    for _ in 0..3 {
        manager.hears("WATCHDOG=1").await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(100), "twice in the time is enough");
    signal(&mut gantry, rustix::process::Signal::HUP);
    let reloading = manager.hears("RELOADING=1").await;
    let since = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(since.is_some_and(|since| since.parse::<u64>().is_ok_and(|since| since > 0)));
    manager.hears("STATUS=Serving").await;
    std::fs::write(gantry.config(), "serverz: {}\n").expect("it is writable");
    signal(&mut gantry, rustix::process::Signal::HUP);
    manager.hears("RELOADING=1").await;
    let refused = manager.hears("READY=1").await;
    assert!(refused.contains("refused"), "{refused}");
    signal(&mut gantry, rustix::process::Signal::TERM);
    manager.hears("STOPPING=1").await;
    let ended = gantry.process().wait(LIMIT).await.unwrap_or_else(|reason| panic!("{reason}"));
    assert!(ended.success(), "{}", gantry.log());
}

#[tokio::test]
async fn the_manager_may_listen_on_an_abstract_address() {
    let name = format!("gantry-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("it fits");
    let manager = Manager::new(UnixDatagram::bind_addr(&address).expect("a socket can be made"));
    let gantry = Setup::new("").variable("NOTIFY_SOCKET", format!("@{name}")).start().await;
    manager.hears("READY=1").await;
    drop(gantry);
}

#[tokio::test]
async fn a_manager_that_is_not_there_changes_nothing() {
    let gantry = Setup::new("").variable("NOTIFY_SOCKET", "/nowhere/notify").start().await;
    assert!(gantry.log().contains("cannot be told"), "{}", gantry.log());
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{log}");
}

/// Starts the gateway as a service manager would that has opened a socket for it.
fn activated(folder: &Path, listener: OwnedFd, environment: &[(&str, &str)]) -> Process {
    let script = r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@""#;
    let mut command = process::command("sh");
    command.current_dir(folder).args(["-c", script, PROGRAM, "--config", "gantry.yaml", "serve"]);
    command.stdin(Stdio::from(listener)).envs(environment.iter().copied());
    Process::start("an activated gantry", command)
}

fn place(config: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("gantry.yaml"), config).expect("the folder is writable");
    folder
}

/// Asks for `/health`, and waits for the answer however long the gateway takes to come.
async fn health(address: SocketAddr) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the port is open");
    let request = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.expect("it can be written");
    let mut answer = String::new();
    wait::soon("an answer", stream.read_to_string(&mut answer)).await.expect("it can be read");
    answer
}

#[tokio::test]
async fn a_port_that_was_opened_before_outlives_restarts() {
    let folder = place("");
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    let passed_on = || OwnedFd::from(listener.try_clone().expect("it can be shared"));
    for name in ["http", "gantry.socket"] {
        // Before there is a gateway: whoever comes early waits.
        let early = health(address);
        let start = async { activated(folder.path(), passed_on(), &[("LISTEN_FDNAMES", name)]) };
        let (early, mut gantry) = tokio::join!(early, start);
        assert!(early.starts_with("HTTP/1.1 200"), "{early}");
        let shown = format!("http://{address}/mcp");
        let up = gantry.find_line(LIMIT, |_, line| line.contains(&shown).then_some(())).await;
        up.unwrap_or_else(|reason| panic!("{reason}"));
        let ended = gantry.terminate(LIMIT).await.unwrap_or_else(|reason| panic!("{reason}"));
        assert!(ended.success(), "{}", gantry.log());
    }
}

#[tokio::test]
async fn sockets_that_are_of_no_use_are_told() {
    let folder = place("");
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let no_listener = UnixDatagram::unbound().expect("a socket can be made");
    for (passed_on, name, words) in [
        (OwnedFd::from(listener.try_clone().expect("it can be shared")), "https", "server.https"),
        (OwnedFd::from(listener), "socket", "descriptor 3"),
        (OwnedFd::from(no_listener), "http", "descriptor 3"),
        (std::fs::File::open("/dev/null").expect("it is there").into(), "http", "descriptor 3"),
    ] {
        let mut gantry = activated(folder.path(), passed_on, &[("LISTEN_FDNAMES", name)]);
        let ended = gantry.wait(LIMIT).await.unwrap_or_else(|reason| panic!("{reason}"));
        let log = gantry.log();
        assert!(!ended.success() && log.contains("E0119") && log.contains(words), "{log}");
    }
}

#[tokio::test]
async fn systemd_passes_on_a_port_and_a_path() {
    let folder = place(
        "auth: { tokens: [{ name: ann, token: 0123456789abcdef }] }\nserver: { management: {} }\n",
    );
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let management = free.expect("there is a free port").to_string();
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let main = free.expect("there is a free port").to_string();
    let path = folder.path().join("http.sock");
    let mut command = process::command("systemd-socket-activate");
    command.current_dir(folder.path()).arg("--listen").arg(&management).arg("--listen").arg(&path);
    command.args(["--fdname=management:socket", PROGRAM, "--config", "gantry.yaml", "serve"]);
    command.args(["--listen", &main]);
    let gantry = Process::start("systemd-socket-activate", command);
    // It starts the gateway for the first who comes.
    let by_port = wait::eventually("the port is open", async || {
        tokio::net::TcpStream::connect(&management).await.ok()
    });
    drop(by_port.await);
    let ask = async |arguments: &[&str]| {
        let mut command = process::command("curl");
        command.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]);
        command.args(arguments);
        process::run(command, LIMIT).await.expect("curl runs").stdout
    };
    let at = |address: &str, route: &str| format!("http://{address}{route}");
    assert_eq!(ask(&[&at(&management, "/health")]).await, "200", "{}", gantry.log());
    assert_eq!(ask(&[&at(&management, "/mcp")]).await, "404");
    assert_eq!(ask(&["--data", "{}", &at(&main, "/mcp")]).await, "401");
    let socket = path.to_str().expect("it is text");
    let by_socket = ["--unix-socket", socket, "--data", "{}", "http://localhost/mcp"];
    assert_ne!(ask(&by_socket).await, "401", "the socket's user needs no token");
}
