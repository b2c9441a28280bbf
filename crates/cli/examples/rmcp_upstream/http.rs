//! Streamable HTTP at `/mcp`, served with hyper, for as long as the process lives.

use std::{convert::Infallible, error::Error, io::Write as _, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::LocalSessionManager,
};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::upstream::{Shared, Upstream};

type Service = StreamableHttpService<Upstream, LocalSessionManager>;

/// Listens on `address`, says `listening on ADDR:PORT` on stdout, and serves until stdin ends (if
/// asked to heed it) or the process is killed.
pub(crate) async fn serve(
    address: SocketAddr,
    shared: Arc<Shared>,
    exit_with_stdin: bool,
) -> Result<(), Box<dyn Error>> {
    let service = StreamableHttpService::new(
        move || Ok(Upstream::new(Arc::clone(&shared))),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let listener = TcpListener::bind(address).await?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?)?;

    let mut connections = JoinSet::new();
    let stdin_ended = end_of_stdin(exit_with_stdin);
    tokio::pin!(stdin_ended);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                connections.spawn(serve_connection(stream, service.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = &mut stdin_ended => return Ok(()),
        }
    }
}

/// A client that hangs up in the middle is nothing the server could do anything about.
async fn serve_connection(stream: TcpStream, service: Service) {
    let answer = service_fn(move |request| answer(service.clone(), request));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn answer(
    service: Service,
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    if request.uri().path() == "/mcp" {
        return Ok(service.handle(request).await);
    }
    let mut response = Response::new(Empty::new().boxed());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

/// Returns when stdin has ended, or never if it is not to be heeded.
async fn end_of_stdin(heed: bool) {
    if !heed {
        return std::future::pending().await;
    }
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 256];
    while matches!(stdin.read(&mut ignored).await, Ok(read) if read > 0) {}
}
