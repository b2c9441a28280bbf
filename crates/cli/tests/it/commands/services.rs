//! `gantry services list|status|stop|health`, as far as they open nothing; what listens is tried in
//! `services::listeners`.

use insta::assert_snapshot;

use super::Desk;

#[tokio::test]
async fn services_are_listed_with_their_ports() {
    let desk = Desk::with("services: { instance: 2 }\n");
    assert_snapshot!(desk.run(&["services", "list"]).await, @"");
    let as_yaml = desk.run(&["services", "list", "--format", "yaml"]).await;
    let first: Vec<_> = as_yaml.lines().take(7).collect();
    assert_snapshot!(first.join("\n"), @"");
}

#[tokio::test]
async fn without_a_gateway_no_service_listens() {
    let desk = Desk::new();
    assert_snapshot!(desk.run(&["services", "stop"]).await, @"");
    let unknown = desk.run(&["services", "start", "no_such_service"]).await;
    assert!(
        unknown.starts_with("exit code 2") && unknown.contains("vector_similarity"),
        "{unknown}"
    );
}

#[tokio::test]
async fn services_that_do_not_listen_are_told_of() {
    let desk = Desk::new();
    let _gateway = desk.serve().await;
    assert_snapshot!(desk.run(&["services", "health"]).await, @"");
    assert_snapshot!(desk.run(&["services", "health", "vector_similarity"]).await, @"");
    let status = desk.run(&["services", "status"]).await;
    assert_eq!(status.matches("  stopped  ").count(), status.lines().count() - 3, "{status}");
}
