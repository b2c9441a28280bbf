//! What a service is: a name, a port, and tables of what it offers.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::context::Context;
use crate::error::ToolError;
use crate::tool::Tool;

/// A built-in MCP server.
#[derive(Debug)]
pub struct Service {
    /// Its name in paths, configuration and metrics.
    pub name: &'static str,
    /// Where it listens when it has a listener of its own.
    pub port: u16,
    /// For people.
    pub title: &'static str,
    /// What it is for, in one sentence.
    pub description: &'static str,
    /// The tools that its clients count on; their number is told by `/health`.
    pub tools: &'static [Tool],
    /// Further tools, in groups.
    pub extras: &'static [&'static [Tool]],
    /// What can be read.
    pub resources: &'static [Resource],
    /// The prompts.
    pub prompts: &'static [Prompt],
}

/// Something that can be read.
#[derive(Clone, Copy)]
pub struct Resource {
    /// Its address.
    pub uri: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it tells, in one sentence.
    pub description: &'static str,
    /// Makes the text, which is JSON.
    pub read: fn(&Context<'_>) -> Result<Value, ToolError>,
}

/// A prompt.
#[derive(Clone, Copy)]
pub struct Prompt {
    /// Its name.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it asks a model for, in one sentence.
    pub description: &'static str,
    /// What it takes; everything is text.
    pub arguments: &'static [PromptArgument],
    /// Makes the text of the one message, from the user.
    pub render: fn(&Context<'_>, &BTreeMap<String, String>) -> Result<String, ToolError>,
}

/// An argument of a prompt.
#[derive(Debug, Clone, Copy)]
pub struct PromptArgument {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Whether it must be given.
    pub required: bool,
}

// === impl Service ===

impl Service {
    /// Returns every tool: the listed ones, then the extras.
    pub fn every_tool(&self) -> impl Iterator<Item = &'static Tool> + use<> {
        self.tools.iter().chain(self.extras.iter().copied().flatten())
    }

    /// Finds a tool by its name or, if no tool has that name, by its alias.
    ///
    /// Policy, limits and records use [`Tool::name`], whichever was called.
    pub fn tool(&self, name: &str) -> Option<&'static Tool> {
        self.every_tool()
            .find(|tool| tool.name == name)
            .or_else(|| self.every_tool().find(|tool| tool.alias == Some(name)))
    }

    /// Finds a resource by its address.
    pub fn resource(&self, uri: &str) -> Option<&'static Resource> {
        self.resources.iter().find(|resource| resource.uri == uri)
    }

    /// Finds a prompt by its name.
    pub fn prompt(&self, name: &str) -> Option<&'static Prompt> {
        self.prompts.iter().find(|prompt| prompt.name == name)
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Resource").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Prompt").field("name", &self.name).finish_non_exhaustive()
    }
}
