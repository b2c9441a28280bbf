//! A gate before an upstream: closed, nobody listens at its address, as if the upstream were being
//! restarted.

use std::net::SocketAddr;

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A forwarder of connections that can be taken away and put back at the same address.
#[derive(Debug)]
pub(super) struct Gate {
    address: SocketAddr,
    to: SocketAddr,
    open: Option<JoinSet<()>>,
}

impl Gate {
    /// An open gate before the server at `url`.
    pub(super) async fn before(url: &str) -> Self {
        let to = url.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
        let to = to.and_then(|(address, _)| address.parse().ok());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let to = to.expect("a test's upstream is at an address");
        Self { address, to, open: Some(forward(listener, to)) }
    }

    /// Its endpoint.
    pub(super) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Ends every connection and takes no more.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Takes connections again.
    pub(super) async fn open(&mut self) {
        // The old listener is closed by the runtime, a moment after its task was ended.
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.open = Some(forward(listener, self.to));
    }
}

fn forward(listener: TcpListener, to: SocketAddr) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut inward, _)) = listener.accept().await {
            connections.spawn(async move {
                if let Ok(mut outward) = TcpStream::connect(to).await {
                    let _ = tokio::io::copy_bidirectional(&mut inward, &mut outward).await;
                }
            });
        }
    });
    tasks
}
