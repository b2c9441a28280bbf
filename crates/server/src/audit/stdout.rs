//! The trail on standard output, for whatever collects the output of containers.

use std::io::{self, Write as _};
use std::sync::Arc;

use gantry_core::BoxFuture;
use gantry_policy::audit::Head;

use super::AuditError;
use super::sink::{Appended, Sealed, Sink};

pub(super) const NAME: &str = "stdout";

/// Standard output.
#[derive(Debug)]
pub(super) struct Stdout;

impl Sink for Stdout {
    fn last(&mut self) -> BoxFuture<'_, Result<Option<Head>, AuditError>> {
        // What was written is gone; the head that was kept tells where the chain goes on.
        Box::pin(std::future::ready(Ok(None)))
    }

    fn append(&mut self, sealed: Arc<Sealed>) -> BoxFuture<'_, Appended> {
        Box::pin(async move {
            let work = tokio::task::spawn_blocking(move || write(&sealed));
            let (n, failure) = match work.await {
                Ok((n, written)) => (n, written.err().map(|error| error.to_string())),
                Err(error) => (0, Some(error.to_string())),
            };
            Appended { n, is_durable: true, failure }
        })
    }
}

/// Writes what is sealed together at a time, so that it is known how many entries are out. Nothing can be taken
/// back here: of what fails, a part may be out.
fn write(sealed: &Sealed) -> (usize, io::Result<()>) {
    let (mut out, mut n) = (io::stdout().lock(), 0);
    for piece in sealed.pieces() {
        if let Err(error) = out.write_all(piece.as_bytes()).and_then(|()| out.flush()) {
            return (sealed.entries_of(n), Err(error));
        }
        n += 1;
    }
    (sealed.entries.len(), Ok(()))
}
