//! The tools of `data_standardization`, a module each.

pub(super) mod accounts;
pub(super) mod assess;
pub(super) mod batch;
pub(super) mod example;
pub(super) mod handle;
pub(super) mod save;
pub(super) mod status;
pub(super) mod validate;
pub(super) mod values;
pub(super) mod workflow;
