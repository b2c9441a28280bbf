//! `gantry services list|status|stop|health`, as far as they open nothing; what listens is tried in
//! `services::listeners`.

use insta::assert_snapshot;

use super::Desk;

#[tokio::test]
async fn services_are_listed_with_their_ports() {
    let desk = Desk::with("services: { instance: 2 }\n");
    let listed = desk.run(&["services", "list"]).await;
    let column = |line: &str| line.chars().take(42).collect::<String>().trim_end().to_owned();
    let columns: Vec<_> = listed.lines().map(column).collect();
    assert_snapshot!(columns.join("\n"), @"
    exit code 0
    ----- stdout
    NAME                   PORT  TOOLS  EXTRA
    data_standardization   8301  12     14
    vector_similarity      8302  5      0
    vector_ranking         8303  5      3
    transport_layer        8304  2      1
    reasoning_agent        8305  9      6
    session_management     8306  3      0
    resource_streaming     8307  2      1
    confidence_calculator  8308  6      2
    semantic_similarity    8309  7      0
    ");
    let as_yaml = desk.run(&["services", "list", "--format", "yaml"]).await;
    let first: Vec<_> = as_yaml.lines().skip(7).take(5).collect();
    assert_snapshot!(first.join("\n"), @r#"
    - name: vector_similarity
      port: 8302
      tools: 5
      extra_tools: 0
      description: "Compares vectors of numbers by six metrics, one by one or in batches."
    "#);
}

#[tokio::test]
async fn without_a_gateway_no_service_listens() {
    let desk = Desk::new();
    assert_snapshot!(desk.run(&["services", "stop"]).await, @"
    exit code 1
    ----- stderr
    error: cannot stop services
      caused by: no gateway runs on the data folder `[FOLDER]/gantry-data`

    hint: `gantry serve` starts one
    hint: this is E0603 — run `gantry explain E0603`
    ");
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
    assert_snapshot!(desk.run(&["services", "health"]).await, @"
    exit code 1
    ----- stderr
    error: no service has a listener of its own

    hint: `gantry services start` opens them
    hint: this is E0702 — run `gantry explain E0702`
    ");
    assert_snapshot!(desk.run(&["services", "health", "vector_similarity"]).await, @"
    exit code 1
    ----- stdout
    NAME               STATUS   PORT  REASON
    vector_similarity  stopped  8102
    ");
    let status = desk.run(&["services", "status"]).await;
    // Beside the exit code, the name of the stream and the headings.
    assert_eq!(status.matches("  stopped  ").count(), status.lines().count() - 3, "{status}");
}
