//! Where in the configuration something stands: `servers.docs.args[1]`.
//!
//! Paths are how the stages speak about places; only [`tree`](super::tree) knows lines and columns.

use std::fmt;

/// One step from a value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The value of this key.
    Key(String),
    /// The entry with this index, from 0.
    Index(usize),
}

/// The steps from the root of the file to a value; empty for the root itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    steps: Vec<Step>,
}

impl Path {
    /// The root of the file.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns the path of the value of `key` inside this one.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.join(Step::Key(key.into()))
    }

    /// Returns the path of entry `index` inside this one.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.join(Step::Index(index))
    }

    /// Returns the path of what stands at `inner` inside this one.
    #[must_use]
    pub(crate) fn join_all(&self, inner: &Self) -> Self {
        Self { steps: [self.steps.as_slice(), inner.steps.as_slice()].concat() }
    }

    /// Returns the steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Tells whether this is `other` or something around it.
    pub fn contains(&self, other: &Self) -> bool {
        other.steps.starts_with(&self.steps)
    }

    /// Tells whether what stands here is likely to be a secret, and must not be shown.
    pub(crate) fn is_private(&self) -> bool {
        let key = |position: usize| match self.steps.get(position) {
            Some(Step::Key(key)) => key.as_str(),
            Some(Step::Index(_)) | None => "",
        };
        match key(0) {
            "auth" => match key(1) {
                "required" | "api_key_header" | "oauth" => false,
                "jwt" => key(2) == "secret",
                "api_keys" => !matches!(key(3), "name" | "scopes" | "roles" | "tier" | "expires"),
                _ => key(3) != "name",
            },
            "server" => key(2) == "keystore_password",
            "servers" => matches!(key(2), "env" | "headers"),
            "services" => key(4) == "url" || matches!(key(2), "url" | "api_key"),
            "storage" => matches!(key(1), "url" | "password"),
            "tracing" => key(2) == "headers",
            _ => false,
        }
    }

    fn join(&self, step: Step) -> Self {
        let mut steps = self.steps.clone();
        steps.push(step);
        Self { steps }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return formatter.write_str("the top level");
        }
        for (position, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => formatter.write_str(key)?,
                Step::Key(key) => write!(formatter, ".{key}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}
