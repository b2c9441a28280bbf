//! Gantry's vocabulary: who calls, what is asked, what is offered, and the ports by which the
//! parts of the system meet without knowing each other.
//!
//! No IO happens here; of tokio only `sync`, `time` and `rt` are used.
//! Start with [`provider::Provider`]: everything that has tools is one.
#![warn(missing_docs)]

pub mod audit;
pub mod clock;
pub mod compute;
pub mod context;
pub mod correlation;
pub mod error_code;
pub mod keys;
pub mod log;
pub mod offer;
pub mod principal;
pub mod provider;
pub mod seal;
pub mod session;
pub mod store;
pub mod task;
pub mod trace;

use std::future::Future;
use std::pin::Pin;

pub use audit::Audit;
pub use clock::{Clock, SystemClock};
pub use compute::{Compute, NotComputed};
pub use context::{CallContext, Caller, ClientLink, NoClient};
pub use error_code::ErrorCode;
pub use offer::{Offer, OfferCell};
pub use principal::{Grants, Principal};
pub use provider::{Announced, Delivery, Outcome, Provider, ProviderError, RawResult, Request};
pub use task::Tasks;

/// A future behind a pointer, as ports return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Joins an error and its causes into one line: `outer: middle: root`.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
