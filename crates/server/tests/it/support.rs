//! A gateway of a test's own, and a client that sends what the test says to the byte.
//!
//! Children are not started here: their shim is the binary, which the tests of `gantry-cli` run.

pub(crate) mod certificates;
pub(crate) mod client;
pub(crate) mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gantry_server::config::{Env, Source};
use gantry_server::{Options, Running, StartError};
use serde_json::{Value, json};
use tempfile::TempDir;

use client::{Answer, Request};

/// Nothing here takes longer unless it hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A running gateway and its folder.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) running: Running,
    pub(crate) folder: TempDir,
}

impl Site {
    /// Starts a gateway on a free port of the loopback.
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::try_start(yaml).await.unwrap()
    }

    pub(crate) async fn try_start(yaml: &str) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("gantry.yaml"), yaml).unwrap();
        let running = Box::pin(Running::start(options(&folder))).await?;
        Ok(Self { running, folder })
    }

    /// Starts a gateway on an address.
    pub(crate) async fn start_on(yaml: &str, listen: &str) -> Self {
        Self::try_start_on(yaml, listen).await.unwrap()
    }

    pub(crate) async fn try_start_on(yaml: &str, listen: &str) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("gantry.yaml"), yaml).unwrap();
        let mut options = options(&folder);
        options.source.listen = Some(listen.to_owned());
        let running = Box::pin(Running::start(options)).await?;
        Ok(Self { running, folder })
    }

    /// Starts another gateway on the folder of one that has ended.
    pub(crate) async fn again(folder: TempDir) -> Self {
        let running = Box::pin(Running::start(options(&folder))).await.unwrap();
        Self { running, folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn options(&self) -> Options {
        options(&self.folder)
    }

    pub(crate) fn admin_token(&self) -> String {
        std::fs::read_to_string(self.data().join("admin.token")).unwrap().trim().to_owned()
    }

    /// Replaces the configuration file as a whole.
    pub(crate) fn write_config(&self, yaml: &str) {
        let beside = self.folder.path().join("new.yaml");
        std::fs::write(&beside, yaml).unwrap();
        std::fs::rename(beside, self.folder.path().join("gantry.yaml")).unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Request::get(path).send(self.address()).await
    }

    /// Makes a modern request to `/mcp`.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Answer {
        Request::modern("/mcp", method, params).send(self.address()).await
    }

    /// Lists the names of all tools.
    pub(crate) async fn tools(&self) -> Vec<String> {
        let answer = self.ask("tools/list", json!({})).await.json();
        let tools = answer["result"]["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits until `/ready` says something.
    pub(crate) async fn until(&self, what: impl Fn(&Value) -> bool) -> Value {
        let look = async {
            loop {
                let ready = self.get("/ready").await.json();
                if what(&ready) {
                    return ready;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, look).await.expect("/ready should come to say it")
    }
}

fn options(folder: &TempDir) -> Options {
    Options {
        source: Source {
            path: Some(folder.path().join("gantry.yaml")),
            may_be_absent: false,
            listen: Some("127.0.0.1:0".to_owned()),
            ..Source::default()
        },
        data: folder.path().join("data"),
        env: Env::default(),
        log_level: None,
    }
}

/// The state of one upstream in `/ready`.
pub(crate) fn state<'a>(ready: &'a Value, name: &str) -> &'a str {
    let upstreams = ready["upstreams"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = upstreams.iter().find(|upstream| upstream["name"] == name);
    found.and_then(|upstream| upstream["state"].as_str()).unwrap_or_default()
}
