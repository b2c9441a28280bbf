//! An upstream on stdio whose mind is in the test: the child (`examples/relay_stdio.rs`) hands its
//! pipes to a socket, so that every byte is the test's to see and to say.
//!
//! ```ignore
//! let relay = Relay::start(async |line, child| child.say(&answer_to(&line)).await).await;
//! let gantry = Gantry::start(&config(&[("up", relay.server())])).await;
//! ```

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::Mutex,
    task::JoinSet,
};

/// Where children find their mind; it is lost when this is dropped, and they end.
#[derive(Debug)]
pub(crate) struct Relay {
    port: u16,
    _server: JoinSet<()>,
}

/// One child. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    /// Which one it is, from 0 on.
    pub(crate) number: usize,
    output: Arc<Mutex<OwnedWriteHalf>>,
}

impl Relay {
    /// Hears each line of each child in a task of its own.
    pub(crate) async fn start<H, F>(hear: H) -> Self
    where
        H: Fn(String, Child) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has free ports");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let started = AtomicUsize::new(0);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut children = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let number = started.fetch_add(1, Ordering::Relaxed);
                children.spawn(serve(socket, number, hear.clone()));
            }
        });
        Self { port, _server: server }
    }

    /// The program and its argument.
    #[track_caller]
    pub(crate) fn command(&self) -> (PathBuf, String) {
        let folder = Path::new(env!("CARGO_BIN_EXE_gantry")).parent();
        let program = folder.expect("a program is in a folder").join("examples/relay_stdio");
        assert!(
            program.is_file(),
            "`{}` has not been built\nhint: `cargo build -p gantry-cli --examples` builds it",
            program.display()
        );
        (program, format!("127.0.0.1:{}", self.port))
    }

    /// Its entry under `servers` in a configuration.
    #[track_caller]
    pub(crate) fn server(&self) -> Value {
        let (program, address) = self.command();
        json!({ "command": program, "args": [address], "probe_timeout": "5s", "timeout": "10s" })
    }
}

impl Child {
    /// Says a line; `false` when the child is gone.
    pub(crate) async fn say(&self, line: &str) -> bool {
        let line = format!("{line}\n");
        self.output.lock().await.write_all(line.as_bytes()).await.is_ok()
    }
}

async fn serve<H, F>(socket: TcpStream, number: usize, hear: H)
where
    H: Fn(String, Child) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (input, output) = socket.into_split();
    let child = Child { number, output: Arc::new(Mutex::new(output)) };
    let mut lines = BufReader::new(input).lines();
    let mut open = JoinSet::new();
    while let Ok(Some(line)) = lines.next_line().await {
        open.spawn(hear(line, child.clone()));
        while open.try_join_next().is_some() {}
    }
}
