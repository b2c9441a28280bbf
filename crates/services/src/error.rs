//! Why a tool has no answer.

/// Why a tool has no answer; goes to the client as the text of a result with `isError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// An argument is not what it has to be.
    #[error("`{field}`: {problem}")]
    Argument {
        /// Where it is in the arguments: `vector1`, `documents[3].id`.
        field: String,
        /// What is wrong with it, and what to give instead.
        problem: String,
    },
    /// The arguments as a whole cannot be read.
    #[error("the arguments are not a JSON object: {problem}")]
    Unreadable {
        /// What the parser found.
        problem: String,
    },
    /// Something outside that the tool needs is not there, or failed.
    #[error("{what}: {problem}")]
    Unavailable {
        /// What was needed: `embeddings`, `records`.
        what: &'static str,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The caller took the call back.
    #[error("cancelled by the caller")]
    Cancelled,
    /// The answer cannot be written down.
    #[error("the answer cannot be written as JSON: {problem}")]
    Unwritable {
        /// What the writer found.
        problem: String,
    },
}

impl ToolError {
    /// Names an argument and what is wrong with it.
    pub fn argument(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Argument { field: field.into(), problem: problem.into() }
    }

    /// Returns the argument that is to blame.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Argument { field, .. } => Some(field),
            _ => None,
        }
    }
}
