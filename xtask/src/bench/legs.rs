//! The ways to the upstream, each with the processes that it needs.

use std::fmt;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use super::client::{self, Caller, Era};
use super::{Cost, memory};
use crate::server_process::ServerProcess;
use crate::shell;
use crate::workspace::Workspace;

/// How long a server may take to give its first good answer.
const READY_LIMIT: Duration = Duration::from_secs(20);

/// The key that clients of the governed leg send; it opens nothing else.
const TOKEN: &str = "a-token-for-the-benchmark-alone";

/// One way to the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Leg {
    /// Nothing between.
    Direct,
    /// nginx's `proxy_pass`, which understands nothing of what it forwards.
    Nginx,
    /// The gateway, by its ordinary endpoint and a prefixed name.
    Gantry,
    /// The same with what governs calls: a key with scopes, a limit of its rate, and an audit trail in a file.
    Governed,
}

/// The gateway that is measured.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) program: PathBuf,
    /// Where it leaves its counts at its end, if it was built to count.
    pub(crate) counts: Option<PathBuf>,
}

/// A leg that takes calls.
#[derive(Debug)]
pub(super) struct RunningLeg {
    pub(super) leg: Leg,
    pub(super) address: SocketAddr,
    pub(super) era: Era,
    /// The legacy session that the load uses, where there is one.
    pub(super) session: Option<String>,
    /// The leg's own server, unless it has none.
    server: Option<ServerProcess>,
    ready_after: Duration,
    idle_bytes: u64,
}

/// The upstream, and where it is.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    _server: ServerProcess,
}

/// Starts the upstream.
pub(super) fn start_upstream(workspace: &Workspace, era: Era) -> anyhow::Result<Upstream> {
    let address = free_address()?;
    let mut command = shell::command(workspace, workspace.target("release/gantry-bench"));
    command.arg("--listen").arg(address.to_string()).stdout(Stdio::null());
    if era == Era::Legacy {
        command.arg("--legacy");
    }
    let mut server = ServerProcess::start(workspace, "the upstream", &mut command)?;
    server.wait_until(READY_LIMIT, || {
        client::call(address, "echo", Caller { era, session: None, token: None })
    })?;
    Ok(Upstream { address, _server: server })
}

/// Starts the leg's server, and waits until a call succeeds.
pub(super) fn start(
    workspace: &Workspace,
    (leg, gateway): (Leg, &Gateway),
    upstream: &Upstream,
    era: Era,
) -> anyhow::Result<RunningLeg> {
    let mut running = RunningLeg {
        leg,
        address: upstream.address,
        era,
        session: None,
        server: None,
        ready_after: Duration::ZERO,
        idle_bytes: 0,
    };
    if leg != Leg::Direct {
        running.address = free_address()?;
        let mut server = leg.start_server(workspace, gateway, running.address, upstream.address)?;
        let ready = server.wait_until(READY_LIMIT, || {
            let session = client::connect(running.address, era, leg.token())?;
            let caller = Caller { era, session: session.as_deref(), token: leg.token() };
            client::call(running.address, leg.tool(), caller)
        });
        let logs = || format!("see the logs in `{}`", folder(workspace).display());
        running.ready_after = ready.with_context(logs)?;
        running.server = Some(server);
    }
    running.session = client::connect(running.address, era, leg.token())?;
    running.idle_bytes = running.resident_bytes()?;
    Ok(running)
}

/// What nginx calls itself, such as `nginx/1.22.1`.
pub(super) fn nginx_version(workspace: &Workspace) -> anyhow::Result<String> {
    let output = nginx(workspace)?.arg("-v").output().context("failed to start nginx")?;
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Ok(text.rsplit(' ').next().unwrap_or_default().to_owned())
}

/// A free port of the loopback; free a moment ago, which is as good as it gets for servers that want a number.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())?)
}

/// Where configurations and logs of the run go.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target("bench")
}

fn nginx(workspace: &Workspace) -> anyhow::Result<Command> {
    let program = shell::find_program(workspace, "nginx")
        .context("nginx is not installed; run `cargo xtask setup`")?;
    Ok(shell::command(workspace, program))
}

// === impl Leg ===

impl Leg {
    /// All of them, in the order of the report.
    pub(super) const ALL: [Self; 4] = [Self::Direct, Self::Nginx, Self::Gantry, Self::Governed];

    /// The tool's name on this leg.
    pub(super) fn tool(self) -> &'static str {
        match self {
            Self::Direct | Self::Nginx => "echo",
            Self::Gantry | Self::Governed => "echo__echo",
        }
    }

    /// The token that clients of this leg send.
    pub(super) fn token(self) -> Option<&'static str> {
        (self == Self::Governed).then_some(TOKEN)
    }

    fn start_server(
        self,
        workspace: &Workspace,
        gateway: &Gateway,
        own: SocketAddr,
        upstream: SocketAddr,
    ) -> anyhow::Result<ServerProcess> {
        match self {
            Self::Direct => bail!("the direct leg has no server"),
            Self::Nginx => start_nginx(workspace, own, upstream),
            Self::Gantry | Self::Governed => {
                start_gantry(workspace, (self, gateway), own, upstream)
            }
        }
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Gantry => "gantry",
            Self::Governed => "governed",
        })
    }
}

/// nginx with the configuration of `bench/load/nginx.conf`.
fn start_nginx(
    workspace: &Workspace,
    own: SocketAddr,
    upstream: SocketAddr,
) -> anyhow::Result<ServerProcess> {
    let folder = folder(workspace).join("nginx");
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create `{}`", folder.display()))?;
    let template = fs::read_to_string(workspace.path("bench/load/nginx.conf"))
        .context("failed to read `nginx.conf`")?;
    let filled =
        template.replace("@LISTEN@", &own.to_string()).replace("@UPSTREAM@", &upstream.to_string());
    let config = folder.join("nginx.conf");
    fs::write(&config, filled)
        .with_context(|| format!("failed to write `{}`", config.display()))?;
    let mut command = nginx(workspace)?;
    command.arg("-p").arg(&folder).arg("-c").arg(&config).args(["-e", "error.log"]);
    log_to(&mut command, &folder.join("output.log"))?;
    ServerProcess::start(workspace, "nginx", &mut command)
}

/// The gateway as it comes, default logs, which go to a file, and metrics on; or governed.
fn start_gantry(
    workspace: &Workspace,
    (leg, gateway): (Leg, &Gateway),
    own: SocketAddr,
    upstream: SocketAddr,
) -> anyhow::Result<ServerProcess> {
    let folder = folder(workspace).join(leg.to_string());
    if folder.exists() {
        // Each start is a first one: what an earlier start has learned must not help this one.
        fs::remove_dir_all(&folder)
            .with_context(|| format!("failed to empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create `{}`", folder.display()))?;
    let config = folder.join("gantry.yaml");
    let mut text = format!("servers:\n  echo:\n    url: http://{upstream}/mcp\n");
    if let Some(token) = leg.token() {
        text.extend([
            "auth: { api_keys: [{ name: bench, scopes: [mcp:read, mcp:write], key: ",
            token,
            " }] }\n",
            "limits: { per_principal: { requests: 10000000, per: 1s } }\n",
            "audit: { file: audit.log, rotation: { max_size: 1GiB, max_files: 2 } }\n",
        ]);
    }
    fs::write(&config, text).with_context(|| format!("failed to write `{}`", config.display()))?;
    let mut command = shell::command(workspace, &gateway.program);
    command.arg("serve").arg("--config").arg(&config).arg("--listen").arg(own.to_string());
    for variable in ["GANTRY_CONFIG", "GANTRY_DATA_DIR", "GANTRY_LISTEN"] {
        command.env_remove(variable);
    }
    if let Some(counts) = &gateway.counts {
        command.env("LLVM_PROFILE_FILE", counts.join("%m-%p.profraw"));
    }
    log_to(&mut command, &folder.join("gantry.log"))?;
    ServerProcess::start(workspace, "the gateway", &mut command)
}

/// Sends both outputs of the command to one file.
fn log_to(command: &mut Command, path: &Path) -> anyhow::Result<()> {
    let file =
        File::create(path).with_context(|| format!("failed to create `{}`", path.display()))?;
    command.stdout(file.try_clone()?).stderr(file);
    Ok(())
}

// === impl RunningLeg ===

impl RunningLeg {
    /// What the leg's own server cost, now that the load is over; `None` for the leg without one.
    pub(super) fn cost(&self) -> Option<anyhow::Result<Cost>> {
        self.server.as_ref()?;
        Some(self.resident_bytes().map(|loaded_bytes| Cost {
            leg: self.leg,
            ready_after: self.ready_after,
            idle_bytes: self.idle_bytes,
            loaded_bytes,
        }))
    }

    /// As whom calls are made on this leg.
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller { era: self.era, session: self.session.as_deref(), token: self.leg.token() }
    }

    /// The ids of the leg's own processes.
    pub(super) fn processes(&self) -> anyhow::Result<Vec<u32>> {
        let server = self
            .server
            .as_ref()
            .with_context(|| format!("the leg `{}` has no server", self.leg))?;
        memory::family(server.id())
    }

    fn resident_bytes(&self) -> anyhow::Result<u64> {
        self.server.as_ref().map_or(Ok(0), |server| memory::resident_bytes(server.id()))
    }
}
