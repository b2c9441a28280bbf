//! Completes a line: commands and options from the command line's own description; servers, tools,
//! prompts, resources and arguments from what the gateway offers at the moment.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::{Command, CommandFactory as _};
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use serde_json::Value;

use crate::cli::Cli;
use crate::commands::connect;
use crate::place::Place;
use crate::remote::{self, Listed};

/// What the gateway said is good for this long: a key is pressed more than once.
const FRESH: Duration = Duration::from_secs(5);

/// Helps whoever types.
pub(super) struct Aid {
    commands: Command,
    place: Place,
    known: RefCell<HashMap<&'static str, (Instant, Vec<Value>)>>,
}

/// What a word may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Server,
    Tool,
    Prompt,
    Resource,
    Client,
    Code,
    /// `NAME=` of the tool or prompt that was named before.
    ArgumentOf(Owner),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Tool,
    Prompt,
}

// === impl Aid ===

impl Aid {
    pub(super) fn new(place: Place) -> Self {
        let mut commands = Cli::command();
        commands.build();
        Self { commands, place, known: RefCell::default() }
    }

    fn candidates(&self, before: &[&str], word: &str) -> Vec<String> {
        let mut command = &self.commands;
        let mut path = Vec::new();
        let mut named = Vec::new();
        for word in before {
            match command.find_subcommand(word).filter(|_| named.is_empty()) {
                Some(inner) => {
                    command = inner;
                    path.push(*word);
                }
                None if word.starts_with('-') => {}
                None => named.push(*word),
            }
        }
        if word.starts_with('-') {
            return options(command);
        }
        let wanted = wanted(&path, &named, before.last().copied().unwrap_or_default());
        let mut found = match wanted {
            Some(wanted) => self.names(wanted, &named),
            None => Vec::new(),
        };
        if named.is_empty() {
            let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
            found.extend(inner.map(|inner| inner.get_name().to_owned()));
        }
        found
    }

    fn names(&self, wanted: Wanted, named: &[&str]) -> Vec<String> {
        let texts = |listed: &'static Listed, key: &str| -> Vec<String> {
            let entries = self.listed(listed);
            entries.iter().filter_map(|entry| Some(entry[key].as_str()?.to_owned())).collect()
        };
        match wanted {
            Wanted::Server => self.servers(),
            Wanted::Tool => texts(&remote::TOOLS, "name"),
            Wanted::Prompt => texts(&remote::PROMPTS, "name"),
            Wanted::Resource => texts(&remote::RESOURCES, "uri"),
            Wanted::Client => connect::names().map(str::to_owned).collect(),
            Wanted::Code => {
                gantry_core::ErrorCode::ALL.iter().map(|code| code.code().to_owned()).collect()
            }
            Wanted::ArgumentOf(owner) => {
                let listed = match owner {
                    Owner::Tool => &remote::TOOLS,
                    Owner::Prompt => &remote::PROMPTS,
                };
                let entries = self.listed(listed);
                let entry = entries
                    .iter()
                    .find(|entry| named.first().is_some_and(|name| entry["name"] == *name));
                entry.map(arguments_of).unwrap_or_default()
            }
        }
    }

    /// The servers of the file: those that are down too.
    fn servers(&self) -> Vec<String> {
        let config = self.place.config();
        let servers = config.map(|config| config.gateway.servers).unwrap_or_default();
        servers.into_iter().map(|spec| spec.name).collect()
    }

    fn listed(&self, listed: &'static Listed) -> Vec<Value> {
        let mut known = self.known.borrow_mut();
        if let Some((when, entries)) = known.get(listed.key)
            && when.elapsed() < FRESH
        {
            return entries.clone();
        }
        let entries = remote::peek(&self.place, listed);
        known.insert(listed.key, (Instant::now(), entries.clone()));
        entries
    }
}

fn options(command: &Command) -> Vec<String> {
    let visible = command.get_arguments().filter(|argument| !argument.is_hide_set());
    visible.filter_map(|argument| Some(format!("--{}", argument.get_long()?))).collect()
}

/// Decides what the next word is: `named` are the words that are no commands and no options.
fn wanted(path: &[&str], named: &[&str], last: &str) -> Option<Wanted> {
    let is_argument = matches!(last, "-p" | "--param");
    match (path, named.is_empty()) {
        (["tools", "call"], _) if is_argument => Some(Wanted::ArgumentOf(Owner::Tool)),
        (["prompts", "get"], _) if is_argument => Some(Wanted::ArgumentOf(Owner::Prompt)),
        (_, _) if last == "--server" => Some(Wanted::Server),
        (["tools", "call" | "describe"], true) => Some(Wanted::Tool),
        (["prompts", "get"], true) => Some(Wanted::Prompt),
        (["resources", "read"], true) => Some(Wanted::Resource),
        (["remove"] | ["servers", "health" | "enable" | "disable" | "restart"], true) => {
            Some(Wanted::Server)
        }
        (["tools" | "resources" | "prompts", "list" | "templates"], true) => Some(Wanted::Server),
        (["connect"], true) => Some(Wanted::Client),
        (["explain"], true) => Some(Wanted::Code),
        _ => None,
    }
}

/// Returns the arguments of a tool or prompt, each as it is typed.
fn arguments_of(entry: &Value) -> Vec<String> {
    let of_tool = entry["inputSchema"]["properties"].as_object();
    let of_tool = of_tool.into_iter().flat_map(|properties| properties.keys().cloned());
    let of_prompt = entry["arguments"].as_array().into_iter().flatten();
    let of_prompt = of_prompt.filter_map(|argument| Some(argument["name"].as_str()?.to_owned()));
    of_tool.chain(of_prompt).map(|name| name + "=").collect()
}

impl Completer for Aid {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..position).unwrap_or_default();
        let start = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let (before, word) = typed.split_at(start);
        let before: Vec<_> = before.split_whitespace().collect();
        let mut found = self.candidates(&before, word);
        found.retain(|candidate| candidate.starts_with(word));
        found.sort_unstable();
        found.dedup();
        let pair = |text: String| {
            // What goes on after the sign of equality is one word still.
            let end = if text.ends_with('=') { "" } else { " " };
            Pair { replacement: format!("{text}{end}"), display: text }
        };
        Ok((start, found.into_iter().map(pair).collect()))
    }
}

impl Hinter for Aid {
    type Hint = String;
}

impl Highlighter for Aid {}

impl Validator for Aid {}

impl Helper for Aid {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<Wanted>) {
        let words: Vec<_> = line.split_whitespace().collect();
        let n_commands = words.iter().take_while(|word| !word.contains("__")).count().min(2);
        let (path, rest) = words.split_at(n_commands);
        let named: Vec<_> = rest.iter().copied().filter(|word| !word.starts_with('-')).collect();
        assert_eq!(
            wanted(path, &named, words.last().copied().unwrap_or_default()),
            expected,
            "{line}"
        );
    }

    #[test]
    fn the_next_word_is_told_by_those_before() {
        check("tools call", Some(Wanted::Tool));
        check("tools call git__log -p", Some(Wanted::ArgumentOf(Owner::Tool)));
        check("tools call git__log", None);
        check("prompts get git__p --param", Some(Wanted::ArgumentOf(Owner::Prompt)));
        check("servers restart", Some(Wanted::Server));
        check("servers list", None);
        check("tap --server", Some(Wanted::Server));
    }

    #[test]
    fn arguments_are_offered_as_they_are_typed() {
        let tool = json!({ "inputSchema": { "properties": { "a": {}, "b": {} } } });
        assert_eq!(arguments_of(&tool), ["a=", "b="]);
        assert_eq!(arguments_of(&json!({ "arguments": [{ "name": "c" }] })), ["c="]);
    }
}
