//! Cases to reason about.

use super::{Case, Part};

const DEVELOPMENT: &str = include_str!("../../judged/reasoning_development.jsonl");
const HELD_OUT: &str = include_str!("../../judged/reasoning_held_out.jsonl");

pub(super) fn cases(part: Part) -> Vec<Case> {
    super::cases(match part {
        Part::Development => DEVELOPMENT,
        Part::HeldOut => HELD_OUT,
    })
}
