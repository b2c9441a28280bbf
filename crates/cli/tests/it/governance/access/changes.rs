//! Who is told of changes: those for whom something changed.

use serde_json::{Value, json};

use super::{ADA, CI, config, gateway, legacy, modern, rules};
use crate::support::scripted::Answer;
use crate::support::wait::eventually;

const LIST_CHANGED: &str = "notifications/tools/list_changed";

#[tokio::test]
async fn a_hidden_tool_changes_for_those_alone_who_see_it() {
    let (gantry, up, _secret) = gateway(&rules()).await;
    let filter = json!({ "toolsListChanged": true });
    let (ada, ci) = (modern(&gantry, "/mcp", ADA), modern(&gantry, "/mcp", CI));
    let (mut hears, mut hears_not) =
        (ada.listen(filter.clone()).await, ci.listen(filter.clone()).await);
    for listen in [&mut hears, &mut hears_not] {
        let first = listen.next_message().await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    }
    let session = legacy(&gantry, "/mcp", CI).await;
    let mut stream = session.get().await;
    up.change(|script| script.tool("delete_more", json!({}), |_| Answer::text("more")));
    up.push(LIST_CHANGED, json!({})).await;
    assert_eq!(hears.next_message().await["method"], LIST_CHANGED);
    // The next change is of something that both see: it is the first of which `ci` hears.
    up.change(|script| script.tool("look_more", json!({}), |_| Answer::text("more")));
    up.push(LIST_CHANGED, json!({})).await;
    assert_eq!(hears.next_message().await["method"], LIST_CHANGED);
    assert_eq!(hears_not.next_message().await["method"], LIST_CHANGED);
    assert!(ci.tool_names().await.contains(&"up__look_more".to_owned()));
    assert_eq!(stream.next_message().await["method"], LIST_CHANGED);
    let more = hears_not.messages_within(std::time::Duration::from_millis(600)).await;
    assert_eq!(more, [] as [Value; 0], "once for one change");
}

#[tokio::test]
async fn a_new_rule_is_told_and_takes_back_what_it_forbids() {
    let (gantry, up, secret) = gateway(&json!([])).await;
    let session = legacy(&gantry, "/mcp", CI).await;
    let reply = session.request("resources/subscribe", json!({ "uri": "closed://a" })).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    up.wait_for("resources/subscribe", 1).await;
    let mut stream = session.get().await;
    let listener = modern(&gantry, "/mcp", CI);
    let filter = json!({ "resourceSubscriptions": ["closed://a"] });
    let mut listen = listener.listen(filter).await;
    listen.next_message().await;
    let inside = legacy(&gantry, "/mcp/secret", CI).await;
    let text = config(&[("up", &up), ("secret", &secret)], &rules());
    std::fs::write(gantry.config(), text).expect("the configuration can be written");
    eventually("the rules are in force", async || {
        let names = session.tool_names().await;
        (!names.contains(&"up__delete_all".to_owned())).then_some(())
    })
    .await;
    assert_eq!(stream.next_message().await["method"], LIST_CHANGED);
    // Neither is told of the resource any more: the listen ends, the subscription is taken back.
    assert_eq!(listen.next_or_end().await, None);
    up.wait_for("resources/unsubscribe", 1).await;
    let ended = inside.request("tools/list", json!({})).await;
    assert_eq!(ended.status, 404, "a session at an endpoint that is hidden now: {ended:?}");
}
