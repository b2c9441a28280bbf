//! What is asked in the form of Spring Boot: health and its groups, information, metrics by name,
//! the configuration.

use serde_json::{Value, json};

use crate::support::client::Request;
use crate::support::upstream::Upstream;
use crate::support::{Site, state};

const TOKEN: &str = "0123456789abcdef";

async fn with_upstream(more: &str) -> (Site, Upstream) {
    let upstream = Upstream::start().await;
    let dead = "http://127.0.0.1:9/mcp";
    let yaml = format!(
        "servers: {{ up: {{ url: {} }}, dead: {{ url: {dead} }} }}\n{more}",
        upstream.url()
    );
    let site = Site::start(&yaml).await;
    site.until(|ready| state(ready, "up") == "ready" && state(ready, "dead") == "unreachable")
        .await;
    (site, upstream)
}

async fn call(site: &Site) {
    let call = json!({ "name": "up__echo", "arguments": { "text": "hello" } });
    assert_eq!(site.ask("tools/call", call).await.status, 200);
}

#[tokio::test]
async fn health_has_groups_and_components() {
    let (site, _upstream) = with_upstream("").await;
    let whole = site.get("/actuator/health").await;
    assert_eq!(whole.status, 200);
    let whole = whole.json();
    assert_eq!(whole["status"], "UP");
    assert_eq!(whole["groups"], json!(["liveness", "readiness", "startup"]));
    assert_eq!(
        whole["components"]["db"],
        json!({ "status": "UP", "details": { "database": "SQLite" } })
    );
    let servers = &whole["components"]["mcp-servers"];
    assert_eq!(servers["status"], "UP", "a server that nobody requires decides nothing");
    assert_eq!(servers["components"]["up"]["status"], "UP");
    assert_eq!(servers["components"]["up"]["details"]["tools"], 4);
    assert_eq!(servers["components"]["dead"]["status"], "DOWN");
    for (part, component) in [
        ("liveness", "livenessState"),
        ("readiness", "readinessState"),
        ("startup", "startupState"),
    ] {
        let group = site.get(&format!("/actuator/health/{part}")).await;
        assert_eq!(group.status, 200, "{part}");
        assert_eq!(group.json()["status"], "UP", "{part}");
        assert_eq!(group.json()["components"][component], json!({ "status": "UP" }), "{part}");
    }
    for part in ["db", "mcp-servers", "ping", "livenessState", "mcp-servers/up"] {
        let answer = site.get(&format!("/actuator/health/{part}")).await;
        assert_eq!((answer.status, answer.json()["status"].clone()), (200, json!("UP")), "{part}");
    }
    let dead = site.get("/actuator/health/mcp-servers/dead").await;
    assert_eq!((dead.status, dead.json()["status"].clone()), (503, json!("DOWN")));
    assert!(dead.json()["details"]["detail"].is_string());
}

#[tokio::test]
async fn a_required_server_takes_the_gateway_out_of_service_and_does_not_restart_it() {
    let (site, _upstream) = with_upstream("ready: { require: [dead] }").await;
    for (path, status, word) in [
        ("/actuator/health", 503, "DOWN"),
        ("/actuator/health/readiness", 503, "DOWN"),
        ("/actuator/health/mcp-servers", 503, "DOWN"),
        ("/actuator/health/liveness", 200, "UP"),
        ("/actuator/health/db", 200, "UP"),
    ] {
        let answer = site.get(path).await;
        assert_eq!(
            (answer.status, answer.json()["status"].clone()),
            (status, json!(word)),
            "{path}"
        );
    }
    let servers = site.get("/actuator/health/mcp-servers").await.json();
    assert_eq!(servers["details"]["missing"], json!(["dead"]));
}

#[tokio::test]
async fn it_has_started_once_every_server_was_heard_or_given_up() {
    // Accepts connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", silent.local_addr().unwrap());
    let yaml = |wait: &str| {
        format!("servers: {{ slow: {{ url: '{url}' }} }}\nstartup: {{ first_offer_wait: {wait} }}")
    };
    let patient = Site::start(&yaml("60s")).await;
    let answer = patient.get("/actuator/health/startup").await;
    assert_eq!((answer.status, answer.json()["status"].clone()), (503, json!("OUT_OF_SERVICE")));
    assert_eq!(patient.get("/actuator/health").await.status, 200, "only that probe asks");
    let hasty = Site::start(&yaml("0s")).await;
    assert_eq!(hasty.get("/actuator/health/startup").await.status, 200);
}

#[tokio::test]
async fn strangers_see_states_alone_and_no_figures() {
    let (site, _upstream) =
        with_upstream(&format!("auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}")).await;
    let far = |path: &str| Request::get(path).header("x-forwarded-for", "203.0.113.7");
    let open = [
        (
            "/actuator/health",
            json!({ "status": "UP", "groups": ["liveness", "readiness", "startup"] }),
        ),
        ("/actuator/health/readiness", json!({ "status": "UP" })),
        ("/actuator/health/liveness", json!({ "status": "UP" })),
        ("/actuator/health/mcp-servers", json!({ "status": "UP" })),
        ("/actuator/health/db", json!({ "status": "UP" })),
    ];
    for (path, expected) in open {
        let answer = far(path).send(site.address()).await;
        assert_eq!((answer.status, answer.json()), (200, expected), "{path}");
    }
    for path in ["/actuator", "/actuator/info"] {
        assert_eq!(far(path).send(site.address()).await.status, 200, "{path}");
    }
    // Which servers there are cannot be tried out either.
    for server in ["up", "nobody"] {
        let path = format!("/actuator/health/mcp-servers/{server}");
        assert_eq!(far(&path).send(site.address()).await.status, 404, "{path}");
    }
    for path in [
        "/actuator/metrics",
        "/actuator/metrics/x",
        "/actuator/prometheus",
        "/actuator/configprops",
        "/actuator/x",
    ] {
        assert_eq!(far(path).send(site.address()).await.status, 401, "{path}");
        let known = far(path).bearer(TOKEN).send(site.address()).await.status;
        assert_ne!(known, 401, "{path}");
    }
    let known = far("/actuator/health").bearer(TOKEN).send(site.address()).await.json();
    assert!(known["components"]["mcp-servers"]["components"]["dead"].is_object());
}

#[tokio::test]
async fn information_says_what_runs_and_links_say_where() {
    let site = Site::start("").await;
    let info = site.get("/actuator/info").await.json();
    assert_eq!(info["app"]["name"], "gantry");
    assert_eq!(info["build"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(info["mcp"]["revisions"].as_array().unwrap().len(), 5);
    for path in ["/actuator", "/actuator/"] {
        let links = site.get(path).await.json()["_links"].clone();
        for (name, link) in links.as_object().unwrap() {
            if link["templated"] == false {
                let href = link["href"].as_str().unwrap();
                assert_eq!(site.get(href).await.status, 200, "{name}: {href}");
            }
        }
        assert_eq!(links["health"]["href"], "/actuator/health");
    }
}

#[tokio::test]
async fn figures_can_be_asked_for_by_name_and_chosen_by_tag() {
    let (site, _upstream) = with_upstream("").await;
    call(&site).await;
    let names = site.get("/actuator/metrics").await.json()["names"].clone();
    for name in names.as_array().unwrap() {
        let name = name.as_str().unwrap();
        let one = site.get(&format!("/actuator/metrics/{name}")).await.json();
        assert_eq!(one["name"], name);
        assert!(one["description"].is_string() && one["availableTags"].is_array(), "{one}");
        assert!(one["measurements"][0]["value"].is_number(), "{one}");
    }
    for name in ["jvm.memory.used", "hikaricp.connections.active", "http.server.requests"] {
        assert!(names.as_array().unwrap().contains(&json!(name)), "{name} is not in {names}");
    }
    let most = site.get("/actuator/metrics/hikaricp.connections.max").await.json();
    assert_eq!(most["measurements"], json!([{ "statistic": "VALUE", "value": 2.0 }]));
    let path = "/actuator/metrics/http.server.requests?tag=uri:/mcp&tag=status:200&other=1";
    let requests = site.get(path).await.json();
    assert_eq!(requests["measurements"][0], json!({ "statistic": "COUNT", "value": 1.0 }));
    assert_eq!(requests["measurements"][1]["statistic"], "TOTAL_TIME");
    let tags: Vec<&str> = requests["availableTags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["tag"].as_str().unwrap())
        .collect();
    assert_eq!(tags, ["method", "outcome"]);
    let tool =
        site.get("/actuator/metrics/mcp.tool.executions?tag=tool:up__echo&tag=status:success");
    assert_eq!(tool.await.json()["measurements"][0]["value"], 1.0);
}

#[tokio::test]
async fn what_has_no_value_is_not_found_and_a_wrong_query_is_refused() {
    let site = Site::start("").await;
    for (path, status, code) in [
        ("/actuator/metrics/jvm.gc.pause", 404, "E0341"),
        ("/actuator/metrics/mcp.tool.executions", 404, "E0341"),
        ("/actuator/metrics/http.server.requests?tag=status:999", 404, "E0341"),
        ("/actuator/metrics/http.server.requests?tag=status", 400, "E0340"),
        ("/actuator/metrics/http.server.requests?tag=:200", 400, "E0340"),
        ("/actuator/health/redis", 404, "E0341"),
        ("/actuator/health/db/x", 404, "E0341"),
        ("/actuator/health/mcp-servers/nobody", 404, "E0341"),
        ("/actuator/shutdown", 404, "E0301"),
        ("/actuator/configprops/nothing", 404, "E0301"),
    ] {
        let answer = site.get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
    let many = "&tag=status:200".repeat(20);
    let many = site.get(&format!("/actuator/metrics/http.server.requests?x{many}")).await;
    assert_eq!((many.status, many.code().as_str()), (400, "E0340"));
    for path in [
        "/actuator",
        "/actuator/health",
        "/actuator/health/db",
        "/actuator/info",
        "/actuator/metrics",
        "/actuator/metrics/x",
        "/actuator/prometheus",
        "/actuator/configprops",
    ] {
        let posted = Request::post(path, "{}").send(site.address()).await;
        assert_eq!((posted.status, posted.code().as_str()), (405, "E0305"), "{path}");
        assert_eq!(posted.header("allow"), Some("GET,HEAD"), "{path}");
    }
}

#[tokio::test]
async fn the_configuration_is_shown_without_its_secrets() {
    let yaml = format!(
        "auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}\n\
         servers: {{ docs: {{ url: 'http://127.0.0.1:9/mcp?key=hunter2', headers: {{ X-Key: hunter2 }} }} }}"
    );
    let site = Site::start(&yaml).await;
    let answer = site.get("/actuator/configprops").await;
    assert!(!answer.body.contains("hunter2") && !answer.body.contains(TOKEN), "{}", answer.body);
    let beans = answer.json()["contexts"]["gantry"]["beans"].clone();
    assert_eq!(beans["auth"]["properties"]["tokens"][0]["name"], "ann");
    assert_eq!(beans["server"]["properties"]["limits"]["drain"], "0s");
    assert_eq!(beans["gantry"]["properties"]["builtin"], true);
    let one = site.get("/actuator/configprops/auth").await.json();
    let only: Value = json!({ "contexts": { "gantry": { "beans": { "auth": beans["auth"] } } } });
    assert_eq!(one, only);
}

#[tokio::test]
async fn figures_are_not_there_where_they_are_switched_off() {
    let site = Site::start("metrics: { enabled: false }").await;
    for path in [
        "/metrics",
        "/actuator/prometheus",
        "/actuator/metrics",
        "/actuator/metrics/jvm.memory.used",
    ] {
        assert_eq!(site.get(path).await.status, 404, "{path}");
    }
    assert_eq!(site.get("/actuator/health").await.status, 200);
}
