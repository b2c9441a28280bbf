//! The process: configuration, HTTP routes, health, metrics, reload and shutdown.
//!
//! This is where the parts of Gantry are put together; none of them knows another. In reading order:
//!
//! 1. [`serve()`]: the process from its start to its end; [`Running`]: the gateway within it.
//! 2. `compose`: which parts there are and who gets which.
//! 3. `listeners`: which there are and what each shows; `accept`: threads and connections; `tls`.
//! 4. `http_stack`: the layers that every request passes, in one function.
//! 5. `routes`: everything that is not MCP; `actuator`: what is asked in the form of Spring Boot.
//! 6. [`api`]: the servers for programs that do not speak MCP; `added`: those that it makes.
//! 7. `reload`: how a changed configuration comes in force.
//! 8. `local`, `stdio`, [`reach`]: clients on this machine that do not speak HTTP; [`admin`]: commands
//!    that administer.
//! 9. [`config`]: the file, read and checked; [`keys`]: the keys of clients that are kept; `identity`
//!    and [`tokens`]: those that are signed.
//! 10. [`backup`]: what is kept, in one file; [`database`]: a look at it.
//! 11. [`mod@log`], [`dump`] and [`audit`]: what is told of the work, and who did what; [`skew`]: whose
//!     clock says what.
//! 12. `inherited`, `systemd`: what a service manager passes on and is told.
//!
//! What happens to an MCP message is not known here; see `gantry_gateway`.
#![warn(missing_docs)]
// The future of a request holds those of all layers below it; the compiler looks through them all.
#![recursion_limit = "256"]

pub mod admin;
pub mod api;
pub mod audit;
pub mod backup;
pub mod config;
pub mod database;
pub mod dump;
pub mod keys;
pub mod log;
pub mod metrics;
pub mod reach;
pub mod skew;
pub mod tokens;

mod accept;
mod actuator;
mod added;
mod announce;
mod banner;
mod compose;
mod condition;
mod http_metrics;
mod http_stack;
mod identity;
mod inherited;
mod listeners;
mod live;
mod local;
mod otlp;
mod reload;
mod routes;
mod running;
mod serve;
mod services;
mod shared;
mod signals;
mod start_error;
mod stdio;
mod systemd;
mod timestamp;
mod tls;

pub use admin::{Admin, AdminError};
pub use compose::{BACKUP_PASSPHRASE, Options, VARIABLES};
pub use gantry_gateway::tap::is_secret_name;
pub use reach::{Conversation, Reach};
pub use running::Running;
pub use serve::{Ending, serve};
pub use services::asking::{ServiceEntry, service_entries, service_health, service_page};
pub use start_error::StartError;
pub use stdio::stdio;
