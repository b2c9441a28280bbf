//! A decision with its reasons, for people and programs.

use serde::Serialize;

use super::rule::{Match, Rule};
use super::{Access, Arguments, Asker, By, Effect, Ruling, Thing};

/// What becomes of a request, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `allow`, `deny` or `approve`.
    pub effect: &'static str,
    /// What decided: `scopes`, `roles`, `rule`, `destructive` or `default`.
    pub decided_by: &'static str,
    /// The rule that did, if one did.
    pub rule: Option<String>,
    /// The same in a sentence.
    pub reason: String,
    /// Every rule that was looked at, in order.
    pub rules: Vec<Step>,
}

/// One rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub rule: String,
    /// What it would do: `allow`, `deny` or `approve`.
    pub effect: &'static str,
    /// Whether it matches: `yes`, `no`, or `failed` if its condition could not be told.
    pub matches: &'static str,
    /// The key of the rule that does not fit, or why the condition could not be told.
    pub why: Option<String>,
}

impl Effect {
    /// Returns the word of the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Approve => "approve",
        }
    }
}

impl Access {
    /// Decides as [`Access::decide`] does, and says why.
    pub fn explain(
        &self,
        asker: &Asker<'_>,
        thing: &Thing<'_>,
        arguments: &Arguments,
    ) -> Explanation {
        let mut rules = Vec::new();
        let ruling = self.decide_watched(asker, thing, arguments, &mut |rule, held| {
            rules.push(step(rule, held));
        });
        let reason = reason(ruling, rules.last());
        let (decided_by, rule) = match ruling.by {
            By::Scopes => ("scopes", None),
            By::Roles => ("roles", None),
            By::Rule(name) => ("rule", Some(name.to_owned())),
            By::Destructive => ("destructive", None),
            By::Default => ("default", None),
        };
        Explanation { effect: ruling.effect.word(), decided_by, rule, reason, rules }
    }
}

fn step(rule: &Rule, held: &Match) -> Step {
    let (matches, why) = match held {
        Match::Yes => ("yes", None),
        Match::No(key) => ("no", Some((*key).to_owned())),
        Match::Depends => ("failed", Some("the arguments are not known".to_owned())),
        Match::Failed(error) => ("failed", Some(error.clone())),
    };
    Step { rule: rule.name.to_string(), effect: rule.effect.word(), matches, why }
}

fn reason(ruling: Ruling<'_>, last: Option<&Step>) -> String {
    let done = match ruling.effect {
        Effect::Allow => "allows it",
        Effect::Deny => "refuses it",
        Effect::Approve => "wants the caller's user to approve it",
    };
    match ruling.by {
        By::Scopes => "no scope of the credential grants it".to_owned(),
        By::Roles => "no role of the principal grants it".to_owned(),
        By::Rule(name) => match last.filter(|step| step.matches == "failed") {
            None => format!("the rule `{name}` {done}"),
            Some(step) => format!(
                "the rule `{name}` {done}, because its condition could not be told: {}",
                step.why.as_deref().unwrap_or_default()
            ),
        },
        By::Destructive => {
            format!("the tool is destructive, and `access.approval.destructive` {done}")
        }
        By::Default => format!("no rule matches, and `access.default` {done}"),
    }
}
