//! What end-to-end tests have in common: processes that end with their test, the gateway, the
//! upstream on the official SDK, and the peers that `cargo xtask setup` installs.

pub(crate) mod gantry;
pub(crate) mod marks;
pub(crate) mod node;
pub(crate) mod process;
pub(crate) mod upstream;
