//! What a principal may not use is not there for them, whatever they ask and however.

use serde_json::{Value, json};

use super::{ADA, CI, bearer, furnished, gateway, gateway_of, legacy, listed, modern, rules};
use crate::support::client::pipe::PipeClient;
use crate::support::client::{Client, Reply};
use crate::support::gantry::Gantry;
use crate::support::scripted::Scripted;

/// Clients of both eras.
async fn both(gantry: &Gantry, path: &str, token: &str) -> [Client; 2] {
    [modern(gantry, path, token), legacy(gantry, path, token).await]
}

#[tokio::test]
async fn lists_have_what_may_be_used_and_nothing_else() {
    let (gantry, _up, _secret) = gateway(&rules()).await;
    for client in both(&gantry, "/mcp", CI).await {
        let tools = client.tool_names().await;
        let own: Vec<_> = tools.iter().filter(|name| !name.starts_with("gantry__")).collect();
        assert_eq!(own, ["up__look", "up__write"], "{client:?}");
        let resources = listed(&client, "resources/list", "resources", "uri").await;
        assert_eq!(resources, ["open://a"]);
        let templates =
            listed(&client, "resources/templates/list", "resourceTemplates", "uriTemplate").await;
        assert_eq!(templates, [""; 0]);
        assert_eq!(listed(&client, "prompts/list", "prompts", "name").await, ["up__hello"]);
    }
    for (path, expected) in
        [("/mcp/up", vec!["look", "write"]), ("/mcp/some", vec!["up__look", "up__write"])]
    {
        for client in both(&gantry, path, CI).await {
            assert_eq!(client.tool_names().await, expected, "{path} {client:?}");
        }
    }
    for client in both(&gantry, "/mcp", ADA).await {
        let tools = client.tool_names().await;
        assert!(tools.contains(&"up__delete_all".to_owned()), "{tools:?}");
        assert!(tools.contains(&"secret__look".to_owned()), "{tools:?}");
    }
}

#[tokio::test]
async fn a_governed_list_is_for_its_reader_alone() {
    let (gantry, _up, _secret) = gateway(&rules()).await;
    let reply = modern(&gantry, "/mcp", CI).request("tools/list", json!({})).await;
    assert_eq!(reply.result()["cacheScope"], "private", "{reply:?}");
}

/// The whole answer, without what differs between any two requests.
fn told(reply: &Reply, name: &str) -> (u16, String) {
    let mut message = reply.message.clone();
    message["id"] = Value::Null;
    (reply.status, message.to_string().replace(name, "NAME"))
}

#[tokio::test]
async fn what_is_hidden_is_answered_like_what_does_not_exist() {
    let (gantry, up, _secret) = gateway(&rules()).await;
    for client in both(&gantry, "/mcp", CI).await {
        for (hidden, unknown) in
            [("up__delete_all", "up__nothing"), ("secret__look", "nobody__look")]
        {
            let (hidden_reply, unknown_reply) =
                (client.call(hidden, json!({})).await, client.call(unknown, json!({})).await);
            assert_eq!(told(&hidden_reply, hidden), told(&unknown_reply, unknown), "{client:?}");
            assert_eq!(hidden_reply.error()["data"]["code"], "E0302");
        }
        for (method, member, hidden, unknown) in [
            ("prompts/get", "name", "up__hidden", "up__nothing"),
            ("resources/read", "uri", "closed://a", "nobody://a"),
            // Not listed, but of a hidden kind: no template leads to the server.
            ("resources/read", "uri", "closed://b", "nobody://b"),
        ] {
            let ask = async |name: &str| {
                let reply = client.request(method, json!({ member: name })).await;
                told(&reply, name)
            };
            assert_eq!(ask(hidden).await, ask(unknown).await, "{method} {client:?}");
        }
        let complete = async |name: &str| {
            let params = json!({
                "ref": { "type": "ref/prompt", "name": name },
                "argument": { "name": "a", "value": "" },
            });
            told(&client.request("completion/complete", params).await, name)
        };
        assert_eq!(complete("up__hidden").await, complete("up__nothing").await);
    }
    let subscriber = legacy(&gantry, "/mcp", CI).await;
    let subscribe = async |uri: &str| {
        let reply = subscriber.request("resources/subscribe", json!({ "uri": uri })).await;
        told(&reply, uri)
    };
    assert_eq!(subscribe("closed://a").await, subscribe("nobody://a").await);
    // At the endpoint of one server, too, where every URI goes to it.
    for client in both(&gantry, "/mcp/up", CI).await {
        let reply = client.request("resources/read", json!({ "uri": "closed://a" })).await;
        assert_eq!(reply.error()["data"]["uri"], "closed://a", "{reply:?}");
    }
    for method in ["tools/call", "prompts/get", "resources/read", "resources/subscribe"] {
        assert_eq!(up.seen_of(method).len(), 0, "{method} reached the server");
    }
}

#[tokio::test]
async fn a_listen_does_not_honour_a_hidden_resource() {
    let script = furnished(Scripted::legacy("2025-11-25"));
    let (gantry, _up, _secret) = gateway_of(script, &rules()).await;
    let client = modern(&gantry, "/mcp", CI);
    let filter = json!({ "resourceSubscriptions": ["closed://a", "open://a"] });
    let mut listen = client.listen(filter).await;
    let acknowledged = listen.next_message().await;
    let honoured = &acknowledged["params"]["notifications"]["resourceSubscriptions"];
    assert_eq!(*honoured, json!(["open://a"]), "{acknowledged}");
}

#[tokio::test]
async fn the_endpoint_of_a_hidden_server_or_view_is_none() {
    let (gantry, _up, _secret) = gateway(&rules()).await;
    for path in ["/mcp/secret", "/mcp/inside"] {
        let unknown = modern(&gantry, "/mcp/nobody", CI).request("tools/list", json!({})).await;
        let hidden = modern(&gantry, path, CI).request("tools/list", json!({})).await;
        let name = path.trim_start_matches("/mcp/");
        assert_eq!(told(&hidden, name), told(&unknown, "nobody"));
        assert_eq!(hidden.status, 404);
        let there = modern(&gantry, path, ADA).request("tools/list", json!({})).await;
        assert_eq!(there.status, 200);
        let client = Client::new(&gantry.url(path), "2025-11-25", json!({}));
        let refused = client.with_header("authorization", &bearer(CI)).initialize().await;
        assert_eq!(refused.status, 404, "{refused:?}");
        let old = Client::new(&gantry.url(&path.replace("/mcp", "/sse")), "2024-11-05", json!({}));
        let old = old.with_header("authorization", &bearer(CI));
        let refused = old.bare("GET", &[("accept", "text/event-stream")]).await;
        assert_eq!(refused.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_built_in_tools_tell_of_nothing_hidden() {
    let (gantry, _up, _secret) = gateway(&rules()).await;
    let client = modern(&gantry, "/mcp", CI);
    let told = async |tool: &str, arguments: Value| {
        client.call(&format!("gantry__{tool}"), arguments).await.text().to_owned()
    };
    let servers = told("list_servers", json!({})).await;
    assert!(servers.contains("\"up\"") && !servers.contains("secret"), "{servers}");
    let described = told("describe_server", json!({ "server": "up" })).await;
    assert!(described.contains("up__look"), "{described}");
    for hidden in ["delete_all", "closed://", "hidden"] {
        assert!(!described.contains(hidden), "{described}");
    }
    let secret = told("describe_server", json!({ "server": "secret" })).await;
    let nobody = told("describe_server", json!({ "server": "nobody" })).await;
    assert_eq!(secret.replace("secret", "NAME"), nobody.replace("nobody", "NAME"));
    let explain = async |name: &str| {
        told("explain_tool", json!({ "name": name })).await.replace(name, "NAME")
    };
    assert_eq!(explain("up__delete_all").await, explain("up__nothing").await);
    assert_eq!(explain("delete_all").await, explain("nothing").await);
    assert_eq!(explain("secret__look").await, explain("nobody__look").await);
}

#[tokio::test]
async fn the_http_api_tells_of_nothing_hidden() {
    let (gantry, up, _secret) = gateway(&rules()).await;
    let get = async |path: &str, token: &str| {
        let client = Client::new(&gantry.url(path), "2025-11-25", json!({}));
        let client = client.with_header("authorization", &bearer(token));
        let reply = client.bare("GET", &[("accept", "application/json")]).await.finish().await;
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        (reply.status, body)
    };
    let post = async |path: &str, body: &str| {
        let client = Client::new(&gantry.url(path), "2025-11-25", json!({}));
        let client = client.with_header("authorization", &bearer(CI));
        let reply = client.post(body.to_owned(), &[]).await;
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        (reply.status, body)
    };
    let ids = |list: &Value| {
        let servers = list["servers"].as_array().cloned().unwrap_or_default();
        servers
            .iter()
            .map(|server| server["id"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&get("/api/servers", CI).await.1), ["up"]);
    assert_eq!(ids(&get("/api/servers", ADA).await.1), ["up", "secret"]);
    let admin = std::fs::read_to_string(gantry.data().join("admin.token")).expect("it is there");
    assert_eq!(ids(&get("/api/servers", admin.trim()).await.1), ["up", "secret"]);
    assert_eq!(get("/api/servers", CI).await.1["servers"][0]["tools"], 2);
    let tools = get("/api/tools", CI).await.1.to_string();
    assert!(!tools.contains("delete_all") && !tools.contains("secret"), "{tools}");
    let same = |hidden: (u16, Value), unknown: (u16, Value), names: (&str, &str)| {
        let text = |(status, body): (u16, Value), name: &str| {
            let error = &body["error"];
            let told =
                format!("{status} {} {} {}", error["code"], error["message"], error["details"]);
            told.replace(name, "NAME")
        };
        assert_eq!(text(hidden, names.0), text(unknown, names.1));
    };
    for (hidden, unknown, names) in [
        ("/api/tools/up__delete_all", "/api/tools/up__nothing", ("up__delete_all", "up__nothing")),
        ("/api/servers/secret", "/api/servers/nobody", ("secret", "nobody")),
        ("/api/servers/secret/tools", "/api/servers/nobody/tools", ("secret", "nobody")),
        ("/api/servers/secret/info", "/api/servers/nobody/info", ("secret", "nobody")),
        ("/api/servers/secret/health", "/api/servers/nobody/health", ("secret", "nobody")),
    ] {
        let (hidden, unknown) = (get(hidden, CI).await, get(unknown, CI).await);
        assert_eq!(hidden.0, 404);
        same(hidden, unknown, names);
    }
    for (hidden, unknown, names) in [
        ("/api/tools/up__delete_all", "/api/tools/up__nothing", ("up__delete_all", "up__nothing")),
        (
            "/api/servers/up/tools/delete_all",
            "/api/servers/up/tools/nothing",
            ("delete_all", "nothing"),
        ),
        ("/api/servers/secret/tools/look", "/api/servers/nobody/tools/look", ("secret", "nobody")),
    ] {
        same(post(hidden, "{}").await, post(unknown, "{}").await, names);
    }
    let denied = post("/api/tools/up__write", r#"{"path":"/etc/passwd"}"#).await;
    assert_eq!((denied.0, &denied.1["error"]["details"]["code"]), (403, &json!("E0415")));
    assert_eq!(up.seen_of("tools/call").len(), 0);
    assert_eq!(post("/api/tools/up__write", r#"{"path":"/tmp/a"}"#).await.0, 200);
}

#[tokio::test]
async fn a_rule_on_arguments_decides_at_the_call() {
    let (gantry, up, _secret) = gateway(&rules()).await;
    for client in both(&gantry, "/mcp", CI).await {
        up.forget();
        let denied = client.call("up__write", json!({ "path": "/etc/passwd" })).await;
        assert_eq!(denied.error()["data"]["code"], "E0415", "{denied:?}");
        let message = denied.error()["message"].as_str().unwrap_or_default();
        assert!(message.contains("`tmp-only`"), "{message}");
        // What cannot be told is refused, too.
        let untold = client.call("up__write", json!({})).await;
        assert_eq!(untold.error()["data"]["code"], "E0415", "{untold:?}");
        // Another reader might take the other value.
        let name = if client.is_modern() { "ambiguous" } else { "twice" };
        let mut message = client.message("tools/call", json!({ "name": "up__write" }));
        message["params"]["arguments"] = json!({ "path": "/tmp/a", "deep": name });
        let raw = message.to_string();
        let raw = raw.replace(&format!("\"deep\":\"{name}\""), r#""deep":{"a":1,"a":2}"#);
        let headers = client.headers_of(&message);
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let twice = client.post(raw, &headers).await;
        assert_eq!(twice.error()["data"]["code"], "E0416", "{twice:?}");
        assert_eq!(up.seen_of("tools/call").len(), 0);
        let allowed = client.call("up__write", json!({ "path": "/tmp/a", "n": 1.50 })).await;
        assert_eq!(allowed.text(), r#"{"path":"/tmp/a","n":1.5}"#);
        // Of others nothing is asked.
    }
    let ada = modern(&gantry, "/mcp", ADA);
    assert!(!ada.call("up__write", json!({ "path": "/etc/passwd" })).await.is_error());
}

#[tokio::test]
async fn by_default_nothing_may_be_allowed_at_all() {
    let up = super::server().start().await;
    let config = json!({
        "servers": { "up": up.server() },
        "access": { "default": "deny", "rules": [
            { "name": "pipes", "effect": "allow", "principals": ["local"], "tools": ["up__look"] },
        ] },
    });
    let gantry = Gantry::start(&config.to_string()).await;
    let anonymous = Client::modern(&gantry.url("/mcp"), json!({}));
    assert_eq!(anonymous.tool_names().await, [""; 0]);
    let mut pipe = PipeClient::attach(&gantry);
    let list = pipe.modern("tools/list", json!({})).await;
    let names: Vec<_> = list["result"]["tools"].as_array().into_iter().flatten().collect();
    assert_eq!(names.len(), 1, "{list}");
    assert_eq!(names[0]["name"], "up__look");
    let call = |name: &str| json!({ "name": name, "arguments": {} });
    let hidden = pipe.modern("tools/call", call("up__write")).await;
    let unknown = pipe.modern("tools/call", call("up__nobody")).await;
    let plain = |answer: &Value, name: &str| answer["error"].to_string().replace(name, "NAME");
    assert_eq!(plain(&hidden, "up__write"), plain(&unknown, "up__nobody"));
    let seen = pipe.modern("tools/call", call("up__look")).await;
    assert_eq!(seen["result"]["content"][0]["text"], "seen", "{seen}");
    let mut pipe = PipeClient::attach(&gantry);
    pipe.handshake("2025-11-25", json!({})).await;
    let list = pipe.legacy("tools/list", json!({})).await;
    assert_eq!(list["result"]["tools"].as_array().map(Vec::len), Some(1), "{list}");
}
