//! One rule: whom and what it is about, and what becomes of their requests.

use super::condition::{Condition, ConditionError};
use super::{Arguments, Asker, Kind, Network, Thing};
use crate::pattern::matches;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is carried out.
    Allow,
    /// It is refused.
    Deny,
    /// The caller's user is asked.
    Approve,
}

/// A rule as the configuration has it. An empty list says nothing; every list that is not empty
/// must have an entry that fits, and the condition must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSpec {
    /// How it is called in explanations.
    pub name: String,
    /// What becomes of the requests that it matches.
    pub effect: Effect,
    /// Patterns on public names of tools.
    pub tools: Vec<String>,
    /// Patterns on public names of prompts.
    pub prompts: Vec<String>,
    /// Patterns on URIs.
    pub resources: Vec<String>,
    /// Patterns on names of servers.
    pub servers: Vec<String>,
    /// Patterns on endpoints: what follows `/mcp/`, empty for `/mcp` itself.
    pub views: Vec<String>,
    /// Patterns on principals: `NAME` for the gateway's own, `ISSUER#SUBJECT` for others.
    pub principals: Vec<String>,
    /// Roles, of which the principal has one.
    pub roles: Vec<String>,
    /// Tiers.
    pub tiers: Vec<String>,
    /// Networks.
    pub addresses: Vec<Network>,
    /// A condition in CEL.
    pub when: Option<String>,
}

/// A rule that can be asked.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: Box<str>,
    pub(super) effect: Effect,
    pub(super) when: Option<Condition>,
    spec: RuleSpec,
}

/// What is known when a rule is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) asker: &'a Asker<'a>,
    pub(super) thing: &'a Thing<'a>,
    /// `None` while a list is made.
    pub(super) arguments: Option<&'a Arguments>,
}

/// Whether a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    /// What does not fit.
    No(&'static str),
    /// The arguments are not known yet.
    Depends,
    /// The condition cannot be told.
    Failed(String),
}

impl RuleSpec {
    /// Returns a rule that matches everything.
    pub fn new(name: &str, effect: Effect) -> Self {
        Self {
            name: name.to_owned(),
            effect,
            tools: Vec::new(),
            prompts: Vec::new(),
            resources: Vec::new(),
            servers: Vec::new(),
            views: Vec::new(),
            principals: Vec::new(),
            roles: Vec::new(),
            tiers: Vec::new(),
            addresses: Vec::new(),
            when: None,
        }
    }
}

impl Rule {
    pub(super) fn compile(spec: &RuleSpec) -> Result<Self, ConditionError> {
        let when = spec.when.as_deref().map(Condition::compile).transpose()?;
        Ok(Self { name: spec.name.as_str().into(), effect: spec.effect, when, spec: spec.clone() })
    }

    /// Tells whether the rule is about a caller; else, what of the caller does not fit.
    pub(super) fn is_about(&self, asker: &Asker<'_>) -> Result<(), &'static str> {
        let (spec, principal) = (&self.spec, asker.principal);
        let is_meant = |pattern: &String| match pattern.rsplit_once('#') {
            Some((issuer, subject)) => {
                matches(issuer, &principal.issuer) && matches(subject, &principal.subject)
            }
            None => &*principal.issuer == "gantry" && matches(pattern, &principal.subject),
        };
        if !spec.principals.is_empty() && !spec.principals.iter().any(is_meant) {
            return Err("principals");
        }
        let grants = &principal.grants;
        let has_role = |role: &String| grants.roles.iter().any(|own| **own == **role);
        if !spec.roles.is_empty() && !spec.roles.iter().any(has_role) {
            return Err("roles");
        }
        let is_tier = |tier: &String| grants.tier.as_deref() == Some(tier.as_str());
        if !spec.tiers.is_empty() && !spec.tiers.iter().any(is_tier) {
            return Err("tiers");
        }
        let is_inside = |address| spec.addresses.iter().any(|network| network.contains(address));
        if !spec.addresses.is_empty() && !asker.address.is_some_and(is_inside) {
            return Err("addresses");
        }
        Ok(())
    }

    /// Tells whether the rule is about something; else, what of it does not fit.
    fn concerns(&self, thing: &Thing<'_>) -> Result<(), &'static str> {
        let spec = &self.spec;
        let any = |patterns: &[String], text: &str| patterns.iter().any(|p| matches(p, text));
        let named = [
            (Kind::Tool, "tools", &spec.tools),
            (Kind::Prompt, "prompts", &spec.prompts),
            (Kind::Resource, "resources", &spec.resources),
        ];
        // A rule that names things is about those alone.
        if named.iter().any(|(_, _, patterns)| !patterns.is_empty()) {
            let own = named.iter().find(|(kind, ..)| *kind == thing.kind);
            let Some((_, key, patterns)) = own else { return Err("tools") };
            if !any(patterns, thing.name) {
                return Err(key);
            }
        }
        if !spec.servers.is_empty() && !any(&spec.servers, thing.server) {
            return Err("servers");
        }
        if !spec.views.is_empty() && !any(&spec.views, thing.view) {
            return Err("views");
        }
        Ok(())
    }

    /// Tells whether the rule matches.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> Match {
        let fits = self.concerns(facts.thing).and_then(|()| self.is_about(facts.asker));
        if let Err(key) = fits {
            return Match::No(key);
        }
        let Some(when) = &self.when else { return Match::Yes };
        if when.needs_arguments() && facts.arguments.is_none() {
            return Match::Depends;
        }
        match when.holds(facts) {
            Ok(true) => Match::Yes,
            Ok(false) => Match::No("when"),
            Err(error) => Match::Failed(error),
        }
    }
}
