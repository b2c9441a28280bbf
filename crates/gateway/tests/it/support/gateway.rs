//! A gateway behind a real listener, as the server crate puts one there.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::seal::KeyRing;
use gantry_core::session::{MemorySessions, SessionStore};
use gantry_core::store::NoStore;
use gantry_core::{Clock, Principal, SystemClock, Tasks};
use gantry_gateway::door::HttpRequest;
use gantry_gateway::metrics::Metrics;
use gantry_gateway::spec::{Connection, GatewaySpec, LegacySpec, UpstreamSpec};
use gantry_gateway::{Gateway, GatewayParts};
use gantry_transport::client::stdio::Launcher;
use gantry_transport::client::{Client, ClientConfig};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

/// A gateway that listens.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) address: SocketAddr,
    pub(crate) tasks: Tasks,
}

/// A server reached by HTTP.
pub(crate) fn server(name: &str, url: &str) -> UpstreamSpec {
    let connection = Connection::Http { url: url.to_owned(), headers: BTreeMap::new() };
    UpstreamSpec::new(name, connection)
}

pub(crate) fn spec(servers: Vec<UpstreamSpec>) -> GatewaySpec {
    GatewaySpec {
        servers,
        views: Vec::new(),
        max_name: 64,
        first_offer_wait: Duration::from_secs(10),
        list_ttl: Duration::from_mins(1),
        list_page: 2,
        own: Vec::new(),
        builtin: true,
        max_body: 64 * 1024,
        body_timeout: Duration::from_secs(30),
        keep_alive: Duration::from_secs(15),
        legacy: LegacySpec::default(),
        access: Arc::default(),
        hooks: Arc::default(),
        traffic: Arc::default(),
    }
}

/// Starts a gateway in front of these servers.
pub(crate) async fn start(servers: Vec<UpstreamSpec>) -> Running {
    with_keys(servers, KeyRing::random().unwrap()).await
}

/// The same with keys that another gateway has too.
pub(crate) async fn with_keys(servers: Vec<UpstreamSpec>, keys: KeyRing) -> Running {
    let sessions = Arc::new(MemorySessions::default());
    with_sessions(servers, keys, sessions, Arc::new(SystemClock)).await
}

/// The same with sessions that another gateway had, or will have, at a time of its own.
pub(crate) async fn with_sessions(
    servers: Vec<UpstreamSpec>,
    keys: KeyRing,
    sessions: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
) -> Running {
    let tasks = Tasks::new();
    let metrics = Arc::new(Metrics::new(&mut Registry::default()));
    let parts = GatewayParts {
        tracer: None,
        audit: gantry_core::Audit::off(),
        launcher: Launcher::new(Vec::new()),
        http: Client::new(ClientConfig::default()),
        store: Arc::new(NoStore),
        sessions,
        keys: Arc::new(keys),
        clock,
        metrics,
        tasks: tasks.clone(),
    };
    let spec = spec(servers);
    let gateway = Gateway::new(parts, spec.clone());
    gateway.apply(spec).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (serving, accepting) = (Arc::clone(&gateway), tasks.clone());
    tasks.spawn_until_stop("accept", async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let gateway = Arc::clone(&serving);
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let gateway = Arc::clone(&gateway);
                async move { Ok::<_, Infallible>(gateway.serve_http(arrived(request)).await) }
            });
            accepting.spawn("connection", async move {
                let http = hyper::server::conn::http1::Builder::new();
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Running { gateway, address, tasks }
}

/// The path names the view, a header the principal.
fn arrived(request: hyper::Request<hyper::body::Incoming>) -> HttpRequest {
    let (parts, body) = request.into_parts();
    let view = parts.uri.path().trim_start_matches("/mcp").trim_start_matches('/').into();
    let named = parts.headers.get("x-test-principal").and_then(|name| name.to_str().ok());
    let principal = Arc::new(named.map_or_else(Principal::anonymous, Principal::of_gantry));
    HttpRequest { view, principal, address: None, request_id: "test".into(), parts, body }
}
