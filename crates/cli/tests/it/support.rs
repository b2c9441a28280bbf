//! What end-to-end tests have in common: processes that end with their test, the gateway, upstreams
//! (on the official SDK, and scripted), a raw client, and the peers that `cargo xtask setup`
//! installs.

pub(crate) mod client;
pub(crate) mod gantry;
pub(crate) mod marks;
pub(crate) mod node;
pub(crate) mod page;
pub(crate) mod process;
pub(crate) mod provider;
pub(crate) mod relay;
pub(crate) mod scripted;
pub(crate) mod upstream;
pub(crate) mod wait;

/// Runs something beside a test, which ends it with its runtime at the latest.
#[expect(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
pub(crate) fn beside<F>(work: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(work)
}
