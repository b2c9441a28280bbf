//! A legacy verdict is believed for a day, and only for the program that it was found for: case 25
//! over a restart of the gateway.

use serde_json::{Value, json};

use super::{LEGACY, with_echo, works};
use crate::{
    eras::{in_front_of, ready},
    support::{
        gantry::Gantry,
        node, process,
        scripted::{Scripted, stdio::StdioScript},
    },
};

/// Makes everything that is remembered of eras older by some hours, while no gateway runs.
async fn age_verdicts(gantry: &Gantry, hours: u64) {
    let mut python = process::command(node::python());
    python.arg("-c").arg(
        "import sqlite3, sys\n\
         db = sqlite3.connect(sys.argv[1])\n\
         n = db.execute('UPDATE verdicts SET found_at = found_at - ?', (int(sys.argv[2]),))\n\
         db.commit()\n\
         sys.exit(n.rowcount < 1)",
    );
    python.arg(gantry.data().join("gantry.db")).arg((hours * 3600).to_string());
    let done = process::run(python, std::time::Duration::from_secs(30)).await;
    let done = done.unwrap_or_else(|reason| panic!("the database cannot be changed: {reason}"));
    assert!(done.status.success(), "{done:?}");
}

/// The era of the upstream after a restart of the gateway, some hours later.
async fn era_after(gantry: Gantry, hours: u64) -> (Gantry, Value) {
    let gantry = gantry.restart_after(async |gantry| age_verdicts(gantry, hours).await).await;
    let era = ready(&gantry).await["era"].clone();
    (gantry, era)
}

/// *->L: an HTTP upstream becomes dual, and answers `initialize` as before.
#[tokio::test]
async fn case_25_an_upstream_that_became_dual_is_found_out_a_day_later() {
    let upstream = with_echo(Scripted::legacy(LEGACY)).start().await;
    let gantry = in_front_of(upstream.server()).await;
    assert_eq!(ready(&gantry).await["era"], "legacy");
    upstream.turn_into(with_echo(Scripted::dual()));
    upstream.forget();
    let (gantry, era) = era_after(gantry, 20).await;
    assert_eq!(era, "legacy", "it is believed for a day");
    assert_eq!(upstream.seen_of("server/discover").len(), 0);
    let (gantry, era) = era_after(gantry, 7).await;
    assert_eq!(era, "dual");
    works(&gantry, "up").await;
}

/// A child behind a program of its own, so that its script is no part of the command.
fn wrapped(script: &StdioScript) -> Value {
    let mut server = script.server();
    let words =
        [&server["command"], &server["args"][0]].map(|word| word.as_str().expect("a word is text"));
    let line = format!("exec '{}' '{}'", words[0], words[1]);
    server["args"] = json!(["-c", line]);
    server["command"] = "sh".into();
    server
}

fn echo_on_stdio(revision: &str) -> StdioScript {
    let text = json!({ "content": [{ "type": "text", "text": "echoed" }] });
    StdioScript::new(revision).tool("echo", json!({}), json!([{ "result": text }]))
}

/// *->L stdio: the same of a child whose program looks as it did.
#[tokio::test]
async fn case_25_a_child_that_became_dual_is_found_out_a_day_later() {
    let script = echo_on_stdio(LEGACY);
    let gantry = in_front_of(wrapped(&script)).await;
    assert_eq!(ready(&gantry).await["era"], "legacy");
    script.turn_into(&echo_on_stdio("dual"));
    let (gantry, era) = era_after(gantry, 20).await;
    assert_eq!(era, "legacy", "it is believed for a day");
    let (gantry, era) = era_after(gantry, 7).await;
    assert_eq!(era, "dual");
    works(&gantry, "up").await;
}

/// *->L stdio: the script that the program runs is another one at the next start.
#[tokio::test]
async fn case_25_a_child_with_another_script_is_asked_again_at_once() {
    let script = echo_on_stdio(LEGACY);
    let gantry = in_front_of(script.server()).await;
    assert_eq!(ready(&gantry).await["era"], "legacy");
    script.turn_into(&echo_on_stdio("dual"));
    let gantry = gantry.restart().await;
    assert_eq!(ready(&gantry).await["era"], "dual");
    works(&gantry, "up").await;
}
