//! The audit trail as text: how an entry is written, what is left out of it, how entries are chained
//! and how a chain is checked. Files, queues and clocks are the server's.
//!
//! 1. [`entry`]: an entry becomes one JSON object, always with its members in the same order.
//!    [`repeated`] spares it what many entries have in common.
//! 2. [`arguments`]: what of the arguments of a call may stand in it.
//! 3. [`chain`]: each line holds the hash of the one before.
//! 4. [`verify`]: finds the first place at which that is not so.

pub mod arguments;
pub mod chain;
pub mod entry;
pub mod repeated;
pub mod verify;

pub use arguments::{Keep, Rules};
pub use chain::{AROUND, Chain, Head, SEAL, id_of, is_without_seal};
pub use entry::{describe, name_of, push_body, stored};
pub use repeated::Repeated;
pub use verify::{Break, Verifier};
