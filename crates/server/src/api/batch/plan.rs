//! Which call of a batch may begin. Pure: nothing is called here.

use std::collections::HashMap;

use super::{Executed, executed, skipped};
use crate::api::model::{Batch, ExecutionResult, ExecutionStatus};

/// Most calls of a batch.
const MOST: usize = 100;
/// Most calls at a time.
const MOST_PARALLEL: usize = 16;
/// Longest name of a call, bytes.
const MOST_NAME: usize = 128;

/// The calls of a batch, and what became of them so far.
#[derive(Debug)]
pub(super) struct Plan {
    fail_fast: bool,
    calls: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    name: String,
    depends_on: Vec<usize>,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting,
    UnderWay,
    Over(Box<ExecutionResult>),
}

impl Plan {
    /// Checks a batch.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as one sentence.
    pub(super) fn of(batch: &Batch) -> Result<Self, String> {
        let n_calls = batch.executions.len();
        if !(1..=MOST).contains(&n_calls) {
            return Err(format!("a batch has 1 to {MOST} calls, and this one has {n_calls}"));
        }
        if !(1..=MOST_PARALLEL).contains(&batch.options.max_parallel) {
            return Err(format!("`options.max_parallel` must be from 1 to {MOST_PARALLEL}"));
        }
        let mut places: HashMap<String, usize> = HashMap::with_capacity(n_calls);
        let mut names = Vec::with_capacity(n_calls);
        for (at, execution) in batch.executions.iter().enumerate() {
            let name = execution.execution_id.clone().unwrap_or_else(|| (at + 1).to_string());
            if name.is_empty() || name.len() > MOST_NAME {
                return Err(format!("an `execution_id` has 1 to {MOST_NAME} bytes"));
            }
            if places.insert(name.clone(), at).is_some() {
                return Err(format!("two calls have the `execution_id` `{name}`"));
            }
            names.push(name);
        }
        let mut calls = Vec::with_capacity(n_calls);
        for (execution, name) in batch.executions.iter().zip(names) {
            let mut depends_on = Vec::new();
            for other in &execution.depends_on {
                let Some(at) = places.get(other) else {
                    let shown: String = other.chars().take(MOST_NAME).collect();
                    return Err(format!(
                        "`{name}` depends on `{shown}`, which is not in the batch"
                    ));
                };
                if !depends_on.contains(at) {
                    depends_on.push(*at);
                }
            }
            calls.push(Planned { name, depends_on, state: State::Waiting });
        }
        let plan = Self { fail_fast: batch.options.fail_fast, calls };
        match plan.circle() {
            Some(names) => Err(format!("calls wait for each other: {}", names.join(", "))),
            None => Ok(plan),
        }
    }

    /// Takes the next call that may begin; `None` when none can for now, or ever.
    pub(super) fn next(&mut self) -> Option<usize> {
        let at = (0..self.calls.len()).find(|at| self.may_begin(*at))?;
        self.calls[at].state = State::UnderWay;
        Some(at)
    }

    /// Notes what became of a call; those that wait for it in vain are over with it.
    pub(super) fn done(&mut self, at: usize, outcome: Executed) {
        let result = executed(&self.calls[at].name, outcome);
        let has_failed = result.status == ExecutionStatus::Failed;
        let name = result.execution_id.clone();
        self.calls[at].state = State::Over(Box::new(result));
        if has_failed && self.fail_fast {
            self.give_up(&format!("`{name}` failed, and `fail_fast` is set"));
        } else if has_failed {
            self.skip_after(at);
        }
    }

    /// Gives up every call that was not begun.
    pub(super) fn give_up(&mut self, why: &str) {
        for call in &mut self.calls {
            if matches!(call.state, State::Waiting) {
                call.state = State::Over(Box::new(skipped(&call.name, why)));
            }
        }
    }

    /// Returns what became of all calls, in their order.
    pub(super) fn into_results(self) -> Vec<ExecutionResult> {
        let results = self.calls.into_iter().map(|call| match call.state {
            State::Over(result) => *result,
            // Invariant: in what was found to have no circle, every call is over in the end.
            State::Waiting | State::UnderWay => skipped(&call.name, "it was not called"),
        });
        results.collect()
    }

    fn may_begin(&self, at: usize) -> bool {
        let call = &self.calls[at];
        let has_succeeded = |other: &usize| {
            matches!(&self.calls[*other].state, State::Over(result)
                if result.status == ExecutionStatus::Succeeded)
        };
        matches!(call.state, State::Waiting) && call.depends_on.iter().all(has_succeeded)
    }

    fn skip_after(&mut self, failed: usize) {
        let mut lost = vec![failed];
        while let Some(cause) = lost.pop() {
            let why = format!("`{}`, which it depends on, did not succeed", self.calls[cause].name);
            for at in 0..self.calls.len() {
                let call = &mut self.calls[at];
                if matches!(call.state, State::Waiting) && call.depends_on.contains(&cause) {
                    call.state = State::Over(Box::new(skipped(&call.name, &why)));
                    lost.push(at);
                }
            }
        }
    }

    /// Returns the names of the calls that could never begin.
    fn circle(&self) -> Option<Vec<&str>> {
        let mut ends: Vec<bool> = vec![false; self.calls.len()];
        loop {
            let next = (0..self.calls.len()).find(|at| {
                !ends[*at] && self.calls[*at].depends_on.iter().all(|other| ends[*other])
            });
            match next {
                Some(at) => ends[at] = true,
                None => break,
            }
        }
        let stuck = self.calls.iter().zip(&ends).filter(|(_, ends)| !**ends);
        let names: Vec<_> = stuck.map(|(call, _)| call.name.as_str()).collect();
        (!names.is_empty()).then_some(names)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::error::ApiError;
    use crate::api::model::ToolResult;

    fn plan(batch: Value) -> Result<Plan, String> {
        Plan::of(&serde_json::from_value(batch).unwrap())
    }

    fn result() -> ToolResult {
        ToolResult {
            success: true,
            server_id: None,
            tool_name: "t".to_owned(),
            result: serde_json::value::RawValue::from_string("{}".to_owned()).unwrap(),
            execution_time_ms: 0,
            request_id: String::new(),
        }
    }

    fn failure() -> ApiError {
        ApiError::malformed("no")
    }

    fn call(name: &str, depends_on: &[&str]) -> Value {
        json!({ "tool_name": "t", "execution_id": name, "depends_on": depends_on })
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused() {
        let many: Vec<_> = (0..101).map(|at| call(&at.to_string(), &[])).collect();
        for (batch, expected) in [
            (json!({ "executions": [] }), "1 to 100 calls"),
            (json!({ "executions": many }), "has 101"),
            (json!({ "executions": [call("a", &[]), call("a", &[])] }), "two calls"),
            (json!({ "executions": [call("2", &[]), { "tool_name": "t" }] }), "two calls"),
            (json!({ "executions": [call("a", &["b"])] }), "not in the batch"),
            (json!({ "executions": [call("a", &["a"])] }), "wait for each other: a"),
            (
                json!({ "executions": [call("a", &["c"]), call("b", &[]), call("c", &["a"])] }),
                "wait for each other: a, c",
            ),
            (json!({ "executions": [call("", &[])] }), "1 to 128 bytes"),
            (
                json!({ "executions": [call("a", &[])], "options": { "max_parallel": 0 } }),
                "from 1 to 16",
            ),
        ] {
            let refused = plan(batch).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
    }

    #[test]
    fn a_call_begins_when_those_before_it_have_succeeded() {
        let executions = json!([call("c", &["a", "b"]), call("a", &[]), call("b", &["a"])]);
        let mut plan = plan(json!({ "executions": executions })).unwrap();
        assert_eq!(plan.next(), Some(1));
        assert_eq!(plan.next(), None);
        plan.done(1, Ok(result()));
        assert_eq!(plan.next(), Some(2));
        assert_eq!(plan.next(), None);
        plan.done(2, Ok(result()));
        assert_eq!(plan.next(), Some(0));
        plan.done(0, Ok(result()));
        let names: Vec<_> = plan.into_results().into_iter().map(|one| one.execution_id).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }

    #[test]
    fn what_depends_on_a_failure_is_skipped_and_the_rest_is_not() {
        let executions =
            json!([call("a", &[]), call("b", &["a"]), call("c", &["b"]), call("d", &[])]);
        for (fail_fast, expected) in [(false, Some(3)), (true, None)] {
            let batch = json!({ "executions": executions, "options": { "fail_fast": fail_fast } });
            let mut plan = plan(batch).unwrap();
            assert_eq!(plan.next(), Some(0));
            plan.done(0, Err(failure()));
            assert_eq!(plan.next(), expected);
            let results = plan.into_results();
            assert_eq!(results[1].status, ExecutionStatus::Skipped);
            assert_eq!(results[2].status, ExecutionStatus::Skipped);
        }
    }

    proptest! {
        #[test]
        fn every_call_is_over_in_the_end(
            edges in proptest::collection::vec((0_usize..12, 0_usize..12), 0..30),
            failures in proptest::collection::vec(any::<bool>(), 12),
            fail_fast: bool,
        ) {
            let mut waits: Vec<Vec<String>> = vec![Vec::new(); 12];
            for (from, to) in edges {
                waits[from].push(to.to_string());
            }
            let executions: Vec<_> = waits
                .iter()
                .enumerate()
                .map(|(at, waits)| json!({
                    "tool_name": "t", "execution_id": at.to_string(), "depends_on": waits,
                }))
                .collect();
            let batch = json!({ "executions": executions, "options": { "fail_fast": fail_fast } });
            if let Ok(mut plan) = plan(batch) {
                let mut begun = 0;
                while let Some(at) = plan.next() {
                    begun += 1;
                    plan.done(at, if failures[at] { Err(failure()) } else { Ok(result()) });
                }
                let is_waiting = |call: &Planned| matches!(call.state, State::Waiting);
                prop_assert!(!plan.calls.iter().any(is_waiting));
                let results = plan.into_results();
                let made = results.iter().filter(|one| one.status != ExecutionStatus::Skipped);
                prop_assert_eq!(made.count(), begun);
            }
        }
    }
}
