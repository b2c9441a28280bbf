//! The tools of `reasoning_agent`.

pub(super) mod analyze;
pub(super) mod beliefs;
pub(super) mod infer;
pub(super) mod question;
pub(super) mod status;
pub(super) mod test;
