//! Tests of [`super`]: how resources are called, and where it is told.

use http::Request;

use super::*;
use crate::config::{Config, Env, Source};

fn oauth(more: &str) -> OAuth {
    let text = format!("auth: {{oauth: {{issuer: 'https://id.example.com'{more}}}}}");
    let config = Config::parse(&text, &Source::default(), &Env::default()).unwrap();
    config.auth.oauth.unwrap()
}

fn parts(uri: &str, host: &str) -> Parts {
    let request = Request::builder().uri(uri).header(HOST, host).body(()).unwrap();
    request.into_parts().0
}

#[track_caller]
fn check(more: &str, host: &str, view: &str, names: &[&str], url: &str) {
    let (oauth, parts) = (oauth(more), parts("/mcp", host));
    let found = Resource::of(&oauth, false, &parts, Route::Mcp { view }).unwrap();
    assert_eq!(found.names, names);
    assert_eq!(found.invitation.metadata.as_deref(), Some(url));
}

#[test]
fn a_resource_is_called_after_the_host_that_the_client_uses() {
    let url = "http://gate:8080/.well-known/oauth-protected-resource/mcp";
    check("", "gate:8080", "", &["http://gate:8080/mcp"], url);
    let names = ["http://gate:8080/mcp", "http://gate:8080/mcp/git"];
    check("", "gate:8080", "git", &names, &format!("{url}/git"));
    // What is no plain name is not repeated.
    check("", "gate:8080", "a\"b", &["http://gate:8080/mcp"], url);
    let tls = Resource::of(&oauth(""), true, &parts("/mcp", "gate"), Route::Messages).unwrap();
    assert_eq!(tls.names, ["https://gate/mcp"]);
    let http2 = parts("https://gate:8443/mcp", "gate");
    let line = Resource::of(&oauth(""), true, &http2, Route::Messages).unwrap();
    assert_eq!(line.names, ["https://gate:8443/mcp"]);
}

#[test]
fn the_configured_name_wins() {
    let more = ", resource: 'https://mcp.example.com/tools/mcp/', required_scopes: [read, x]";
    let url = "https://mcp.example.com/.well-known/oauth-protected-resource/tools/mcp/git";
    let names = ["https://mcp.example.com/tools/mcp", "https://mcp.example.com/tools/mcp/git"];
    check(more, "inside:8080", "git", &names, url);
    let (oauth, parts) = (oauth(more), parts("/", "inside"));
    let found = Resource::of(&oauth, false, &parts, Route::Api).unwrap();
    assert_eq!(found.invitation.scope.as_deref(), Some("mcp:read x"));
}

#[test]
fn metadata_are_told_of_what_there_is() {
    let told = |more: &str, method: Method, path: &str| {
        let mut parts = parts("/", "gate");
        parts.method = method;
        metadata(&oauth(more), false, &parts, path).map(|response| response.status().as_u16())
    };
    for path in ["", "/", "/mcp", "/mcp/", "/mcp/git"] {
        assert_eq!(told("", Method::GET, path), Some(200), "{path}");
    }
    for path in ["/mcpx", "/mcp/git/x", "/api", "/git", "/mcp//"] {
        assert_eq!(told("", Method::GET, path), None, "{path}");
    }
    assert_eq!(told("", Method::POST, "/mcp"), Some(405));
    let below = ", resource: 'https://mcp.example.com/tools/mcp'";
    assert_eq!(told(below, Method::GET, "/tools/mcp/git"), Some(200));
    assert_eq!(told(", resource: 'https://mcp.example.com'", Method::GET, "/mcp/git"), Some(200));
}
