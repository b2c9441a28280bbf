//! `gantry serve` and `gantry stdio`, where they cannot begin.

use insta::assert_snapshot;

use super::Desk;

#[tokio::test]
async fn a_gateway_that_cannot_begin_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it has an address");
    let (address, port) = (address.to_string(), format!(":{}", address.port()));
    let desk = Desk::with("servers: {}\n");
    let bound = desk.run(&["serve", "--listen", &address]).await;
    let bound = bound.replace(&address, "[ADDRESS]").replace(&port, ":[PORT]");
    let (_, refusal) = bound.split_once("error: ").expect("it is refused");
    assert_snapshot!(refusal, @r"
    cannot start the gateway
      caused by: failed to bind `[ADDRESS]`, set by `server.listen`
      caused by: Address already in use (os error 98)

    hint: another process holds the port; `ss -ltnp 'sport = :[PORT]'` shows which
    hint: port 0 takes a free one, as in `--listen 127.0.0.1:0`
    hint: this is E0104 — run `gantry explain E0104`
    ");
    let gateway = desk.serve().await;
    let pid = gateway.id().expect("it runs").to_string();
    let second = desk.run(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_snapshot!(second.replace(&pid, "[PID]"), @r"
    exit code 1
    ----- stderr
    error: cannot start the gateway
      caused by: cannot use the data folder
      caused by: the data folder `[FOLDER]/gantry-data` is in use by process [PID]: stop it, or choose another folder

    hint: `--data-dir` chooses another folder
    hint: this is E0110 — run `gantry explain E0110`
    ");
    drop(gateway);
    let desk = Desk::with("server: { listen: '0.0.0.0:0' }\n");
    assert_snapshot!(desk.run(&[]).await, @r"
    exit code 1
    ----- stderr
    error: cannot use the configuration `gantry.yaml`
      caused by: `server.listen` is `0.0.0.0:0`, beyond the loopback, but `auth` names nobody (gantry.yaml:1:19); make a key with `gantry keys create` and set `auth.required: true`, or add a token to `auth.tokens`, or listen on `127.0.0.1`

    hint: this is E0109 — run `gantry explain E0109`
    ");
    assert_snapshot!(desk.run(&["stdio"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot use the configuration `gantry.yaml`
      caused by: `server.listen` is `0.0.0.0:0`, beyond the loopback, but `auth` names nobody (gantry.yaml:1:19); make a key with `gantry keys create` and set `auth.required: true`, or add a token to `auth.tokens`, or listen on `127.0.0.1`

    hint: this is E0109 — run `gantry explain E0109`
    ");
}
