//! The side of the wire towards our clients: bodies in, bodies and event streams out.
//!
//! What the messages mean is not known here; see the gateway's `door`.

pub mod body;
pub mod events;

pub use body::{BodyError, BodyLimits, ReplyBody, accepts, full, read_body};
pub use events::{EventBody, EventRoom, EventSender, event_stream};
pub use gantry_process::{LineError, LineReader};
