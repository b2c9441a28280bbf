//! The bodies of the fuzz targets: what must hold for every input.
//!
//! The targets in `fuzz/` search for inputs that break them; the tests replay the corpora, so that
//! no toolchain but the ordinary one is needed to keep what was found.

mod envelope;
mod sse;

pub use envelope::envelope;
pub use sse::sse;
