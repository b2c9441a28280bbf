//! A place that the next gateway writes to: a command that changes something while none runs does not
//! open the database for an entry, and its standard output belongs to its answer.

use std::future::ready;
use std::sync::Arc;

use gantry_core::BoxFuture;
use gantry_policy::audit::Head;

use super::AuditError;
use super::sink::{Appended, Sealed, Sink};

/// Takes nothing, so that everything waits on the disk.
#[derive(Debug)]
pub(super) struct Later;

impl Sink for Later {
    fn last(&mut self) -> BoxFuture<'_, Result<Option<Head>, AuditError>> {
        // The head that was kept tells where the chain goes on.
        Box::pin(ready(Ok(None)))
    }

    fn append(&mut self, _: Arc<Sealed>) -> BoxFuture<'_, Appended> {
        let failure = Some("it is written to at the next start of the gateway".to_owned());
        Box::pin(ready(Appended { n: 0, is_durable: false, failure }))
    }
}
