//! The process: configuration, HTTP routes, health, metrics, reload and shutdown.
//!
//! This is where the parts of Gantry are put together; none of them knows another. In reading order:
//!
//! 1. [`serve()`]: the process from its start to its end; [`Running`]: the gateway within it.
//! 2. `compose`: which parts there are and who gets which.
//! 3. `accept`: threads, sockets and connections.
//! 4. `http_stack`: the layers that every request passes, in one function.
//! 5. `routes`: everything that is not MCP; `actuator`: what is asked in the form of Spring Boot.
//! 6. [`api`]: the servers for programs that do not speak MCP; `added`: those that it makes.
//! 7. `reload`: how a changed configuration comes in force.
//! 8. `local`, `stdio`, [`reach`]: clients on this machine that do not speak HTTP.
//! 9. [`config`]: the file, read and checked.
//!
//! What happens to an MCP message is not known here; see `gantry_gateway`.
#![warn(missing_docs)]

pub mod api;
pub mod config;
pub mod log;
pub mod metrics;
pub mod reach;

mod accept;
mod actuator;
mod added;
mod banner;
mod compose;
mod condition;
mod http_metrics;
mod http_stack;
mod live;
mod local;
mod reload;
mod routes;
mod running;
mod serve;
mod shared;
mod signals;
mod start_error;
mod stdio;
mod timestamp;

pub use compose::{Options, VARIABLES};
pub use reach::{Conversation, Reach};
pub use running::Running;
pub use serve::{Ending, serve};
pub use start_error::StartError;
pub use stdio::stdio;
