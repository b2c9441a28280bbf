//! Who may do what: scopes, roles and rules, compiled once from the configuration.
//!
//! One question is asked twice. While a list is made nobody knows the arguments of a call, so that
//! [`Access::sight`] says what to show: what can never be allowed is not shown, and what depends on
//! the arguments is. At the call [`Access::decide`] knows everything. [`Access::explain`] is the
//! same decision with its reasons.
//!
//! The order is fixed: the scopes of the credential, the roles of the principal, the rules from the
//! first to the last (the first that matches decides), destructive tools, the default.
//! Whatever cannot be told counts against the caller: a condition that fails makes a rule that
//! denies or asks match, and one that allows not.

mod arguments;
mod condition;
mod explain;
mod network;
mod rule;
mod scopes;
mod types;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::Principal;

pub use arguments::{Arguments, ArgumentsError};
pub use condition::{Condition, ConditionError};
pub use explain::{Explanation, Step};
pub use network::Network;
pub use rule::{Effect, RuleSpec};
pub use scopes::Permissions;

use rule::{Facts, Match, Rule};

/// What the configuration says of access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessSpec {
    /// What applies when no rule matches: `true` to allow.
    pub denies_by_default: bool,
    /// The scopes that each role is limited to.
    pub roles: BTreeMap<String, Vec<String>>,
    /// In the order in which they are looked at.
    pub rules: Vec<RuleSpec>,
    /// What becomes of calls of destructive tools that no rule decides on.
    pub destructive: Destructive,
    /// How long a user may take to approve a call.
    pub approval_timeout: Duration,
}

impl Default for AccessSpec {
    fn default() -> Self {
        Self {
            denies_by_default: false,
            roles: BTreeMap::new(),
            rules: Vec::new(),
            destructive: Destructive::Allow,
            approval_timeout: Duration::from_mins(5),
        }
    }
}

/// What becomes of calls of destructive tools that no rule decides on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Destructive {
    /// They are like all others.
    #[default]
    Allow,
    /// The caller's user is asked.
    Ask,
    /// They are refused.
    Refuse,
}

/// Why a rule of the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the condition of the rule `{rule}` cannot be used")]
pub struct AccessError {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Its name.
    pub rule: String,
    /// What is wrong with the condition.
    pub source: ConditionError,
}

/// What may be done, by whom. Immutable; a reload makes a new one.
#[derive(Debug, Default)]
pub struct Access {
    spec: AccessSpec,
    /// Whether anything of it limits anybody.
    limits: bool,
    roles: BTreeMap<String, Permissions>,
    rules: Vec<Rule>,
    needs: Needs,
}

/// Which facts about a caller the conditions look at.
#[derive(Debug, Clone, Copy, Default)]
struct Needs {
    principal: bool,
    address: bool,
    time: bool,
}

/// Who asks, from where, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// From where, if they have an address.
    pub address: Option<IpAddr>,
    /// When, in unix seconds.
    pub unix_seconds: u64,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Thing<'a> {
    /// What it is.
    pub kind: Kind,
    /// The public name of a tool or prompt, or the URI of a resource; empty for a server.
    pub name: &'a str,
    /// Whose it is.
    pub server: &'a str,
    /// The endpoint: the name below `/mcp/`, empty for `/mcp` itself.
    pub view: &'a str,
    /// What may be believed of a tool.
    pub hints: Hints,
}

/// The kinds of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tool, to be called.
    Tool,
    /// A prompt, to be got or completed.
    Prompt,
    /// A resource or a template of such, to be read, subscribed to or completed.
    Resource,
    /// A server as such: whether it is there, and methods that belong to nothing it lists.
    Server,
}

/// What may be believed of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: bool,
    /// It may destroy something.
    pub destructive: bool,
}

/// Whether something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// It can never be used, and is not shown.
    Hidden,
    /// It is shown, and a call is decided on when its arguments are known.
    AtCall,
    /// It is shown, and may be used.
    Free,
}

/// What was decided, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling<'a> {
    /// What becomes of the request.
    pub effect: Effect,
    /// What decided.
    pub by: By<'a>,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// The scopes of the credential.
    Scopes,
    /// The roles of the principal.
    Roles,
    /// A rule, by its name.
    Rule(&'a str),
    /// `access.approval.destructive`.
    Destructive,
    /// `access.default`.
    Default,
}

/// Callers to whom the same things are shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Class {
    /// Which rules are about the caller.
    rules: Box<[u64]>,
    scopes: Option<Arc<[Box<str>]>>,
    roles: Box<[Box<str>]>,
    /// Present where a condition looks at them.
    identity: Option<(Principal, Option<Box<str>>)>,
    address: Option<IpAddr>,
    minute: Option<u64>,
}

// === impl Access ===

impl Access {
    /// Compiles what the configuration says.
    ///
    /// # Errors
    ///
    /// Every rule whose condition cannot be used.
    pub fn compile(spec: AccessSpec) -> Result<Self, Vec<AccessError>> {
        let (mut rules, mut errors) = (Vec::with_capacity(spec.rules.len()), Vec::new());
        for (index, written) in spec.rules.iter().enumerate() {
            match Rule::compile(written) {
                Ok(rule) => rules.push(rule),
                Err(source) => {
                    errors.push(AccessError { index, rule: written.name.clone(), source });
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let conditions = || rules.iter().filter_map(|rule| rule.when.as_ref());
        let needs = Needs {
            principal: conditions().any(|when| when.looks_at("principal")),
            address: conditions().any(|when| when.looks_at("address")),
            time: conditions().any(|when| when.looks_at("time")),
        };
        let roles = spec.roles.iter();
        let roles = roles.map(|(name, scopes)| (name.clone(), Permissions::of(scopes))).collect();
        let limits = spec.denies_by_default
            || !spec.rules.is_empty()
            || !spec.roles.is_empty()
            || spec.destructive != Destructive::Allow;
        Ok(Self { spec, limits, roles, rules, needs })
    }

    /// Returns what it was compiled from.
    pub fn spec(&self) -> &AccessSpec {
        &self.spec
    }

    /// Tells whether a principal may do everything, so that nothing has to be looked at: nothing is
    /// configured, and its credential is not limited, or its scopes allow everything.
    pub fn is_open_to(&self, principal: &Principal) -> bool {
        let scopes = principal.grants.scopes.as_deref();
        let is_unlimited =
            || scopes.is_none_or(|scopes| Permissions::of(scopes).allow_everything());
        (!self.limits && is_unlimited()) || principal.is_administrator()
    }

    /// Returns the class of a caller.
    pub fn class(&self, asker: &Asker<'_>) -> Class {
        let mut bits = vec![0_u64; self.rules.len().div_ceil(64)];
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.is_about(asker).is_ok() {
                bits[at / 64] |= 1 << (at % 64);
            }
        }
        let grants = &asker.principal.grants;
        Class {
            rules: bits.into(),
            scopes: grants.scopes.clone(),
            roles: if self.needs.principal {
                grants.roles.clone()
            } else {
                let own = grants.roles.iter();
                own.filter(|role| self.roles.contains_key(&***role)).cloned().collect()
            },
            identity: self.needs.principal.then(|| (asker.principal.clone(), grants.tier.clone())),
            address: asker.address.filter(|_| self.needs.address),
            minute: self.needs.time.then_some(asker.unix_seconds / 60),
        }
    }

    /// Decides whether something is shown, whatever the arguments of a call will be.
    pub fn sight(&self, asker: &Asker<'_>, thing: &Thing<'_>) -> Sight {
        if self.is_open_to(asker.principal) {
            return Sight::Free;
        }
        if self.kept_by(asker, thing).is_some() {
            return Sight::Hidden;
        }
        let facts = Facts { asker, thing, arguments: None };
        let mut depends = false;
        for rule in &self.rules {
            match (rule.holds(&facts), rule.effect) {
                (Match::Depends, Effect::Deny) => depends = true,
                (Match::Depends, _) | (Match::Yes | Match::Failed(_), Effect::Approve) => {
                    return Sight::AtCall;
                }
                (Match::Yes | Match::Failed(_), Effect::Deny) => return Sight::Hidden,
                (Match::Yes, Effect::Allow) => return sight_of(depends),
                (Match::No(_), _) | (Match::Failed(_), Effect::Allow) => {}
            }
        }
        match self.otherwise(thing).effect {
            Effect::Deny => Sight::Hidden,
            Effect::Approve => Sight::AtCall,
            Effect::Allow => sight_of(depends),
        }
    }

    /// Decides on a request whose arguments are known.
    pub fn decide(
        &self,
        asker: &Asker<'_>,
        thing: &Thing<'_>,
        arguments: &Arguments,
    ) -> Ruling<'_> {
        self.decide_watched(asker, thing, arguments, &mut |_, _| {})
    }

    fn decide_watched(
        &self,
        asker: &Asker<'_>,
        thing: &Thing<'_>,
        arguments: &Arguments,
        watch: &mut dyn FnMut(&Rule, &Match),
    ) -> Ruling<'_> {
        if self.is_open_to(asker.principal) {
            return Ruling { effect: Effect::Allow, by: By::Default };
        }
        if let Some(by) = self.kept_by(asker, thing) {
            return Ruling { effect: Effect::Deny, by };
        }
        let facts = Facts { asker, thing, arguments: Some(arguments) };
        for rule in &self.rules {
            let held = rule.holds(&facts);
            watch(rule, &held);
            let decides = match held {
                Match::Yes => true,
                Match::Failed(_) | Match::Depends => rule.effect != Effect::Allow,
                Match::No(_) => false,
            };
            if decides {
                return Ruling { effect: rule.effect, by: By::Rule(&rule.name) };
            }
        }
        self.otherwise(thing)
    }

    /// Tells whether the arguments of a request must be read to decide on it.
    pub fn looks_at_arguments(&self) -> bool {
        self.rules.iter().filter_map(|rule| rule.when.as_ref()).any(Condition::needs_arguments)
    }

    /// Returns what keeps a caller from something before any rule is looked at.
    fn kept_by(&self, asker: &Asker<'_>, thing: &Thing<'_>) -> Option<By<'static>> {
        let grants = &asker.principal.grants;
        if let Some(scopes) = &grants.scopes
            && !Permissions::of(scopes).allow(thing)
        {
            return Some(By::Scopes);
        }
        let mut known = grants.roles.iter().filter_map(|role| self.roles.get(&**role)).peekable();
        let is_limited = known.peek().is_some();
        (is_limited && !known.any(|role| role.allow(thing))).then_some(By::Roles)
    }

    /// Decides where no rule does.
    fn otherwise(&self, thing: &Thing<'_>) -> Ruling<'static> {
        let effect = match self.spec.destructive {
            _ if self.spec.denies_by_default => Effect::Deny,
            Destructive::Refuse if thing.hints.destructive => {
                return Ruling { effect: Effect::Deny, by: By::Destructive };
            }
            Destructive::Ask if thing.hints.destructive => {
                return Ruling { effect: Effect::Approve, by: By::Destructive };
            }
            _ => Effect::Allow,
        };
        Ruling { effect, by: By::Default }
    }
}

impl PartialEq for Access {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl Eq for Access {}

fn sight_of(depends: bool) -> Sight {
    if depends { Sight::AtCall } else { Sight::Free }
}

#[cfg(test)]
mod tests;
