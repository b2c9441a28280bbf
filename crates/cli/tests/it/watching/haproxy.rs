//! HAProxy: with the configuration of `deploy`, and with the health checks of other systems'
//! guides to the letter.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use tempfile::TempDir;

use super::{
    balancing::{
        behind_a_proxy, call_until, client, progress_comes_before_the_result, progressing,
    },
    get, programs, upstream,
};
use crate::support::{
    process::{self, Process},
    wait::{LIMIT, eventually, soon},
};

struct Haproxy {
    process: Process,
    stats: SocketAddr,
    _folder: TempDir,
}

impl Haproxy {
    fn start(config: &str, stats: SocketAddr) -> Self {
        let folder = programs::folder();
        let file = programs::write(&folder, "haproxy.cfg", config);
        let mut command = process::command(programs::find("haproxy"));
        command.arg("-db").arg("-f").arg(file);
        Self { process: Process::start("haproxy", command), stats, _folder: folder }
    }

    /// Its table of everything; nothing while it is not up.
    async fn table(&self) -> String {
        if tokio::net::TcpStream::connect(self.stats).await.is_err() {
            return String::new();
        }
        get(&format!("http://{}/stats;csv", self.stats)).await.1
    }

    /// The state of each server, by backend and name.
    async fn states(&self) -> HashMap<String, String> {
        let table = self.table().await;
        let mut lines = table.lines();
        let head: Vec<_> = lines.next().unwrap_or_default().split(',').collect();
        let status = head.iter().position(|name| *name == "status").unwrap_or_default();
        let server = |line: &str| {
            let fields: Vec<_> = line.split(',').collect();
            let name = format!("{}/{}", fields.first()?, fields.get(1)?);
            Some((name, (*fields.get(status)?).to_owned()))
        };
        lines.filter_map(server).collect()
    }

    /// Waits until a server has one of these states.
    async fn until(&self, server: &str, states: &[&str]) {
        let looking = async {
            loop {
                let all = self.states().await;
                if all.get(server).is_some_and(|state| states.contains(&state.as_str())) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(LIMIT, looking).await.is_err() {
            let (all, log) = (self.states().await, self.process.log());
            panic!("{server} did not become {states:?}: {all:?}\n{log}");
        }
    }
}

fn host(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

#[tokio::test]
async fn the_shipped_configuration_is_accepted_as_it_is() {
    let (certificate, key) = programs::certificate();
    let folder = programs::folder();
    let pem = programs::write(&folder, "gantry.pem", &format!("{certificate}{key}"));
    // Only the certificate is not where it would be.
    let words = [("/etc/haproxy/gantry.pem", pem.to_str().unwrap())];
    let config = programs::adapted("haproxy/haproxy.cfg", &words);
    let file = programs::write(&folder, "haproxy.cfg", &config);
    let checked = programs::check("haproxy", &["-c", "-f", file.to_str().unwrap()]).await;
    assert!(checked.status.success(), "{checked}");
    assert!(!checked.to_string().contains("[WARNING]"), "{checked}");
}

#[tokio::test]
async fn no_call_is_lost_when_a_gateway_is_told_to_end() {
    let (upstream, let_go) = progressing().await;
    let first = behind_a_proxy(&upstream, "3s").await;
    let second = behind_a_proxy(&upstream, "0s").await;
    let (front, stats) = (programs::free_address(), programs::free_address());
    let redirect = "    http-request redirect scheme https code 308 unless { ssl_fc }\n";
    let config = programs::adapted(
        "haproxy/haproxy.cfg",
        &[
            ("bind :80", &format!("bind {front}")),
            ("    bind :443 ssl crt /etc/haproxy/gantry.pem\n", ""),
            (redirect, ""),
            ("127.0.0.1:8404", &stats.to_string()),
            ("10.0.1.10:8080", &host(&first.url(""))),
            ("10.0.1.11:8080", &host(&second.url(""))),
            // So that a test need not wait as long as an operator may.
            ("inter 5s", "inter 100ms"),
        ],
    );
    let proxy = Haproxy::start(&config, stats);
    proxy.until("gantry/gantry1", &["UP"]).await;
    proxy.until("gantry/gantry2", &["UP"]).await;
    let url = format!("http://{front}");
    progress_comes_before_the_result(&client(&url), &let_go).await;

    let (stop, stopped) = tokio::sync::oneshot::channel();
    let mut running = tokio::task::JoinSet::new();
    running.spawn(call_until(client(&url), stopped));
    let ready = first.url("/ready");
    let ending = first.stop();
    let watching = async {
        proxy.until("gantry/gantry1", &["DOWN"]).await;
        // It has left before the door closed.
        get(&ready).await.0
    };
    let ((status, log), answered) = tokio::join!(ending, watching);
    assert_eq!(answered, 503);
    assert!(status.success(), "{status}: {log}");
    stop.send(()).expect("the calls go on");
    let calls = soon("the last call", running.join_next()).await.expect("they were started");
    let calls = calls.expect("every call goes well");
    assert!(calls > 100, "only {calls} calls were made");
    let reply = client(&url).call("up__good", serde_json::json!({})).await;
    assert_eq!(reply.text(), "fine");
}

/// The lines of two guides by which a balancer learns whether a server is well: the EAT Framework's
/// and the Global MCP Client's.
#[tokio::test]
async fn the_checks_of_other_guides_see_a_gateway_come_and_go() {
    let upstream = upstream().await;
    let gantry = behind_a_proxy(&upstream, "3s").await;
    let stats = programs::free_address();
    let address = host(&gantry.url(""));
    let config = format!(
        "defaults\n    mode http\n    timeout connect 5000ms\n    timeout client 50000ms\n    \
         timeout server 50000ms\n\
         backend mcp_backend\n    balance roundrobin\n    option httpchk GET /health\n    \
         server mcp1 {address} check inter 100ms\n\
         backend globalmcp_backend\n    balance roundrobin\n    \
         option httpchk GET /actuator/health/readiness\n    http-check expect status 200\n    \
         server globalmcp1 {address} check inter 100ms rise 2 fall 3\n\
         listen stats\n    bind {stats}\n    stats enable\n    stats uri /stats\n"
    );
    let proxy = Haproxy::start(&config, stats);
    let servers = ["mcp_backend/mcp1", "globalmcp_backend/globalmcp1"];
    // Such a server is up until the first check says otherwise; after two it is known.
    eventually("both servers to have passed a check", async || {
        let table = proxy.table().await;
        let passed = table.lines().filter(|line| line.contains("L7OK")).count();
        (passed == servers.len()).then_some(())
    })
    .await;
    for server in servers {
        proxy.until(server, &["UP"]).await;
    }
    let live = gantry.url("/actuator/health/liveness");
    let ending = gantry.stop();
    let watching = async {
        for server in servers {
            proxy.until(server, &["DOWN"]).await;
        }
        get(&live).await.0
    };
    let ((status, log), answered) = tokio::join!(ending, watching);
    assert!(status.success(), "{status}: {log}");
    assert_eq!(answered, 200, "it was seen to leave while it still served");
}
