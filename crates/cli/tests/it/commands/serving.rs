//! `gantry serve` and `gantry stdio`, where they cannot begin.

use insta::assert_snapshot;

use super::Desk;

#[tokio::test]
async fn a_gateway_that_cannot_begin_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it has an address").to_string();
    let desk = Desk::with("servers: {}\n");
    let bound = desk.run(&["serve", "--listen", &address]).await;
    let bound = bound.replace(&address, "[ADDRESS]");
    let (_, refusal) = bound.split_once("error: ").expect("it is refused");
    assert_snapshot!(refusal, @"");
    let gateway = desk.serve().await;
    let pid = gateway.id().expect("it runs").to_string();
    let second = desk.run(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_snapshot!(second.replace(&pid, "[PID]"), @"");
    drop(gateway);
    let desk = Desk::with("server: { listen: '0.0.0.0:0' }\n");
    assert_snapshot!(desk.run(&[]).await, @"");
    assert_snapshot!(desk.run(&["stdio"]).await, @"");
}
