//! `gantry doctor`.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Desk;
use crate::support::upstream::HttpUpstream;

#[tokio::test]
async fn a_gateway_that_works_is_told_so() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    let seen = desk.run(&["doctor", "--listen", "127.0.0.1:0"]).await;
    assert_snapshot!(seen.replace(env!("CARGO_PKG_VERSION"), "[VERSION]"), @r"
    exit code 0
    ----- stdout
          ABOUT          FOUND
    ok    configuration  `gantry.yaml` is good: 1 server
    note  access         nobody has to say who they are: every program on this machine can call every tool
    ok    secrets        no secret stands in the configuration itself
    ok    data folder    `[FOLDER]/gantry-data` can be used, and by its owner alone
    ok    disk           there is room for the data
    ok    clock          the clock agrees with that of the data folder
    ok    open files     enough files may be open at once
    ok    proxy          servers are called directly
    ok    gateway        version [VERSION] runs and answers at once
    ok    servers        `up` is ready, 36 tools

    Nothing is wrong.
    ");
}

#[tokio::test]
async fn what_does_not_work_is_told_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it has an address").to_string();
    let desk = Desk::with(&format!(
        "server: {{ listen: '{address}' }}\nauth: {{ tokens: [{{ name: ann, token: my-secret-token-12345 }}] }}\n\
         servers:\n  git:\n    command: no-such-program\n"
    ));
    let desk = desk.variable("HTTP_PROXY", "http://proxy.example.com:3128");
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(desk.file(), mode(0o644)).expect("a file of one's own");
    let data = desk.folder.path().join("gantry-data");
    std::fs::create_dir(&data).expect("a folder can be made");
    std::fs::set_permissions(&data, mode(0o755)).expect("a folder of one's own");
    std::fs::write(data.join("admin.token"), "x").expect("a file can be written");
    std::fs::set_permissions(data.join("admin.token"), mode(0o640)).expect("a file of one's own");
    let seen = desk.run(&["doctor"]).await;
    assert_snapshot!(seen.replace(&address, "[ADDRESS]"), @r"
    exit code 1
    ----- stdout
             ABOUT          FOUND
    warning  configuration  `servers.git.command` is not found on `PATH`: `no-such-program` (gantry.yaml:5:14); install it, or write its full path; a gateway that a service manager starts may have another `PATH`
    ok       access         1 token of clients
    warning  tokens         the token of `ann` looks made up, not drawn
    warning  secrets        others can read `gantry.yaml` (mode 0644), which holds a secret at `auth.tokens[0].token`
    BAD      data folder    others have rights on `[FOLDER]/gantry-data` (mode 0755)
    BAD      data folder    others have rights on `[FOLDER]/gantry-data/admin.token` (mode 0640)
    ok       disk           there is room for the data
    ok       clock          the clock agrees with that of the data folder
    ok       open files     enough files may be open at once
    warning  proxy          `HTTP_PROXY` is set, but only `http_proxy` is used for `http`
    BAD      address        cannot listen on `[ADDRESS]`: Address already in use (os error 98)
    note     gateway        no gateway runs on the data folder

    3 things do not work; 4 warnings.
    ----- stderr
    hint: `openssl rand -base64 32` draws one
    hint: `chmod 600 gantry.yaml`, or write `${VAR}` instead
    hint: `chmod 700 [FOLDER]/gantry-data`
    hint: this is E0111 — run `gantry explain E0111`
    hint: `chmod 600 [FOLDER]/gantry-data/admin.token`
    hint: this is E0111 — run `gantry explain E0111`
    hint: write `http_proxy`: the other one can be set by a request in CGI
    hint: another program has the port; `server.listen` names another, or `--listen`
    hint: this is E0104 — run `gantry explain E0104`
    ");
}

#[tokio::test]
async fn a_server_that_is_down_is_bad_and_a_broken_file_too() {
    let desk = Desk::with("servers:\n  git:\n    command: /nowhere/no-such-program\n");
    let gateway = {
        let mut command = desk.command(env!("CARGO_BIN_EXE_gantry"));
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let mut gateway = crate::support::process::Process::start("gantry serve", command);
        let down =
            gateway.find_line(super::COMMAND, |_, line| line.contains("unreachable").then_some(()));
        down.await.unwrap_or_else(|reason| panic!("{reason}"));
        gateway
    };
    let seen = desk.run(&["doctor", "--format", "json"]).await;
    let json = seen.strip_prefix("exit code 1\n----- stdout\n").expect("a report");
    let report: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let found = report["findings"].as_array().expect("findings");
    let server = found.iter().find(|finding| finding["about"] == "servers").expect("a server");
    assert_eq!((&server["verdict"], &server["code"]), (&"bad".into(), &"E0201".into()), "{server}");
    drop(gateway);
    let desk = Desk::with("servers: [\n");
    let seen = desk.run(&["doctor"]).await;
    assert!(seen.starts_with("exit code 1\n") && seen.contains("BAD   configuration"), "{seen}");
    assert!(seen.contains("hint: this is E0102"), "{seen}");
}

#[tokio::test]
async fn every_origin_with_credentials_is_refused_by_check_and_doctor() {
    let desk = Desk::with("server: { cors: { origins: ['*'], credentials: true } }\n");
    for command in ["check", "doctor"] {
        let seen = desk.run(&[command]).await;
        assert!(seen.starts_with("exit code 1\n"), "{seen}");
        assert!(
            seen.contains("`server.cors.credentials` cannot be true for every origin"),
            "{seen}"
        );
        assert!(seen.contains("name the origins"), "{seen}");
    }
}

#[tokio::test]
async fn the_programs_that_servers_need_are_asked_for_their_versions() {
    let desk = Desk::new();
    let folder = desk.folder.path().join("bin");
    std::fs::create_dir(&folder).expect("a folder can be made");
    for (name, script) in [("node", "echo v18.1.0"), ("npx", "echo 10.0.0"), ("uvx", "exit 3")] {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("it is ours");
    }
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let desk = desk.variable("PATH", path.leak());
    let servers = "servers:\n  a: { command: npx, args: [x] }\n  b: { command: uvx, args: [y] }\n";
    std::fs::write(desk.file(), servers).expect("a file can be written");
    let seen = desk.run(&["doctor", "--listen", "127.0.0.1:0"]).await;
    let programs: Vec<_> = seen.lines().filter(|line| line.contains("  programs  ")).collect();
    assert_snapshot!(programs.join("\n"), @r"
    warning  programs       `node` is v18.1.0; many servers need 20
    ok       programs       `npx` is 10.0.0
    warning  programs       `uvx --version` does not work: exited with code 3
    ");
}

#[tokio::test]
async fn a_server_whose_clock_is_another_is_told() {
    let (address, _standing) = slow_clock().await;
    let desk = Desk::with(&format!("servers: {{ old: {{ url: 'http://{address}/mcp' }} }}\n"));
    let seen = desk.run(&["doctor", "--listen", "127.0.0.1:0"]).await;
    let line = seen.lines().find(|line| line.contains("  clocks  ")).expect("it is told");
    assert!(line.starts_with("warning") && line.ends_with(" s ahead of that of `old`"), "{line}");
    let server = HttpUpstream::start("dual").await;
    let desk = Desk::with(&format!("servers: {{ new: {{ url: '{}' }} }}\n", server.url()));
    let seen = desk.run(&["doctor", "--listen", "127.0.0.1:0"]).await;
    let line = seen.lines().find(|line| line.contains("  clocks  ")).expect("it is told");
    assert!(line.starts_with("ok"), "{line}");
}

/// A server whose clock stands; it says the time and nothing else.
async fn slow_clock() -> (SocketAddr, JoinSet<()>) {
    const ANSWER: &[u8] = b"HTTP/1.1 405 Method Not Allowed\r\n\
        Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port can be had");
    let address = listener.local_addr().expect("it has an address");
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let _ = connection.read(&mut asked).await;
            let _ = connection.write_all(ANSWER).await;
        }
    });
    (address, serving)
}

#[tokio::test]
async fn every_listener_wants_a_free_port() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let taken = taken.local_addr().map(|address| (address, taken)).expect("it has an address");
    let config = format!("server: {{ management: {{ listen: '{}' }} }}\n", taken.0);
    let desk = Desk::with(&config);
    let seen = desk.run(&["doctor", "--listen", "127.0.0.1:0"]).await;
    assert!(seen.starts_with("exit code 1\n"), "{seen}");
    assert!(seen.contains("ok    address        `127.0.0.1:0` is free"), "{seen}");
    let hint = "hint: another program has the port; `server.management.listen` names another";
    assert!(seen.contains("BAD   address ") && seen.contains(hint), "{seen}");
}
