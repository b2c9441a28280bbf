//! What scopes grant. They are words of a credential: unknown ones, such as `openid`, grant nothing.

use super::{Kind, Thing};
use crate::pattern::matches;

/// What a set of scopes grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    everything: bool,
    /// Prompts, resources, completion, and tools that change nothing.
    read: bool,
    /// Every tool.
    write: bool,
    /// Patterns on public names of tools.
    tools: Vec<Box<str>>,
}

impl Permissions {
    /// Reads scopes.
    pub fn of<S: AsRef<str>>(scopes: &[S]) -> Self {
        let mut permissions = Self::default();
        for scope in scopes {
            permissions.add(scope.as_ref());
        }
        permissions
    }

    /// Tells whether a scope is one of ours.
    pub fn knows(scope: &str) -> bool {
        Self::of(&[scope]) != Self::default()
    }

    fn add(&mut self, scope: &str) {
        match scope {
            "*" | "*:*" => self.everything = true,
            "mcp:read" | "read" => self.read = true,
            "mcp:write" | "write" | "tools:call" | "tools:*" => self.write = true,
            "admin" | "mcp:*" => (self.read, self.write) = (true, true),
            other => {
                let named = other.strip_prefix("tools:").and_then(|rest| rest.rsplit_once(':'));
                if let Some((name, "call" | "*")) = named
                    && !name.is_empty()
                {
                    self.tools.push(name.into());
                }
            }
        }
    }

    /// Tells whether whatever there is may be used.
    pub(super) fn allow_everything(&self) -> bool {
        self.everything || (self.read && self.write)
    }

    /// Tells whether something may be used.
    pub(super) fn allow(&self, thing: &Thing<'_>) -> bool {
        self.everything
            || match thing.kind {
                Kind::Tool => {
                    self.write
                        || (self.read && thing.hints.read_only)
                        || self.tools.iter().any(|pattern| matches(pattern, thing.name))
                }
                Kind::Prompt | Kind::Resource => self.read,
                Kind::Server => self.read || self.write,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Hints;
    use super::*;

    #[track_caller]
    fn check(scopes: &[&str], kind: Kind, name: &str, expected: bool) {
        let hints = Hints { read_only: name.ends_with("look"), destructive: false };
        let thing = Thing { kind, name, server: "git", view: "", hints };
        assert_eq!(Permissions::of(scopes).allow(&thing), expected, "{scopes:?} {name}");
    }

    #[test]
    fn scopes_grant_what_they_say_and_no_more() {
        for (scope, looks, changes, prompts) in [
            ("mcp:read", true, false, true),
            ("read", true, false, true),
            ("mcp:write", true, true, false),
            ("write", true, true, false),
            ("tools:call", true, true, false),
            ("admin", true, true, true),
            ("*:*", true, true, true),
            ("openid", false, false, false),
            ("tools:git__look:call", true, false, false),
            ("tools:git__*:*", true, true, false),
            ("tools:docs__*:call", false, false, false),
            ("tools:git__*:list", false, false, false),
            ("tools::call", false, false, false),
            ("tools:git__*", false, false, false),
            ("", false, false, false),
        ] {
            check(&[scope], Kind::Tool, "git__look", looks);
            check(&[scope], Kind::Tool, "git__push", changes);
            check(&[scope], Kind::Prompt, "git__prompt", prompts);
            check(&[scope], Kind::Resource, "git://x", prompts);
            let everything = Permissions::of(&[scope]).allow_everything();
            assert_eq!(everything, changes && prompts, "{scope}");
        }
    }

    #[test]
    fn scopes_add_up() {
        let scopes = ["mcp:read", "tools:git__push:call"];
        check(&scopes, Kind::Tool, "git__push", true);
        check(&scopes, Kind::Tool, "git__reset", false);
        check(&scopes, Kind::Resource, "git://x", true);
        check(&[], Kind::Tool, "git__look", false);
        assert!(!Permissions::of(&scopes).allow_everything());
        assert!(Permissions::of(&["tools:call", "mcp:read"]).allow_everything());
    }
}
