//! `prompts` and `resources`, checked: what the file declares itself.

use std::sync::Arc;

use gantry_core::ErrorCode;
use gantry_gateway::spec::OwnProvider;
use gantry_tools::{Argument, Declared, Prompt, Resource, Role, Template, Utterance, template};
use indexmap::IndexMap;
use url::Url;

use super::check::Checker;
use super::path::Path;
use super::problem::{Problem, did_you_mean};
use super::raw;

const LONGEST_NAME: usize = 128;

/// Checks both; `None` if nothing is declared.
pub(crate) fn check(raw: &raw::Config, checker: &mut Checker<'_>) -> Option<OwnProvider> {
    if raw.prompts.is_empty() && raw.resources.is_empty() {
        return None;
    }
    let declared =
        Declared::new(prompts(&raw.prompts, checker), resources(&raw.resources, checker));
    Some(OwnProvider { name: Declared::NAME, provider: Arc::new(declared), listed: true })
}

fn prompts(written: &IndexMap<String, raw::Prompt>, checker: &mut Checker<'_>) -> Vec<Prompt> {
    let root = Path::root().key("prompts");
    let mut prompts = Vec::with_capacity(written.len());
    for (name, raw) in written {
        let path = root.key(name);
        check_name(name, &path, checker);
        let arguments = arguments(&raw.arguments, &path, checker);
        let messages = messages(raw, &path, &arguments, checker);
        let (title, description) = (raw.title.clone(), raw.description.clone());
        prompts.push(Prompt { name: name.clone(), title, description, arguments, messages });
    }
    prompts
}

fn check_name(name: &str, path: &Path, checker: &mut Checker<'_>) {
    if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        let message = format!(
            "the name in `{path}` must have 1 to {LONGEST_NAME} bytes and no control characters"
        );
        checker.push(Problem::new(ErrorCode::ConfigInvalidValue, path, message));
    }
}

fn arguments(written: &[raw::Argument], prompt: &Path, checker: &mut Checker<'_>) -> Vec<Argument> {
    let root = prompt.key("arguments");
    let mut arguments: Vec<Argument> = Vec::with_capacity(written.len());
    for (index, raw) in written.iter().enumerate() {
        let path = root.index(index);
        let Some(name) = &raw.name else {
            checker.conflict(&path, format!("`{path}` has no `name`"), None);
            continue;
        };
        if !template::is_name(name) {
            let expected = "letters, digits, `_`, `-` and `.`";
            checker.invalid(&path.key("name"), name, expected);
        }
        if arguments.iter().any(|other| other.name == *name) {
            let message = format!("`{prompt}` has two arguments `{name}`");
            checker.conflict(&path, message, Some("rename one of them"));
        }
        let (name, description) = (name.clone(), raw.description.clone());
        arguments.push(Argument { name, description, required: raw.required });
    }
    arguments
}

fn messages(
    raw: &raw::Prompt,
    path: &Path,
    arguments: &[Argument],
    checker: &mut Checker<'_>,
) -> Vec<Utterance> {
    match (&raw.template, raw.messages.as_slice()) {
        (Some(text), []) => {
            let text = template(text, &path.key("template"), arguments, checker);
            vec![Utterance { role: Role::User, text }]
        }
        (None, []) => {
            let message = format!("`{path}` has neither `template` nor `messages`");
            let hint = "`template` is one text, `messages` a conversation";
            checker.conflict(path, message, Some(hint));
            Vec::new()
        }
        (Some(_), _) => {
            let message = format!("`{path}` has both `template` and `messages`");
            let hint = "make the template the first of `messages`";
            checker.conflict(path, message, Some(hint));
            Vec::new()
        }
        (None, messages) => {
            let root = path.key("messages");
            let checked = messages.iter().enumerate().filter_map(|(index, message)| {
                let path = root.index(index);
                let Some(text) = &message.text else {
                    checker.conflict(&path, format!("`{path}` has no `text`"), None);
                    return None;
                };
                let text = template(text, &path.key("text"), arguments, checker);
                Some(Utterance { role: role(message.role), text })
            });
            checked.collect()
        }
    }
}

/// A place that no argument fills would stay empty for ever.
fn template(
    text: &str,
    path: &Path,
    arguments: &[Argument],
    checker: &mut Checker<'_>,
) -> Template {
    let template = Template::parse(text);
    let mut seen: Vec<&str> = Vec::new();
    for place in template.places() {
        if arguments.iter().any(|argument| argument.name == place) || seen.contains(&place) {
            continue;
        }
        seen.push(place);
        let message = format!("`{path}` has a place `{{{{{place}}}}}`, but no argument fills it");
        let known = arguments.iter().map(|argument| argument.name.as_str());
        let hint = did_you_mean(place, known).unwrap_or_else(|| {
            format!(
                "add it to `arguments`, or write `\\{{{{{place}}}}}` for the characters themselves"
            )
        });
        checker
            .push(Problem::new(ErrorCode::ConfigInvalidValue, path, message).with_hint(Some(hint)));
    }
    template
}

fn role(raw: raw::Role) -> Role {
    match raw {
        raw::Role::User => Role::User,
        raw::Role::Assistant => Role::Assistant,
    }
}

fn resources(
    written: &IndexMap<String, raw::Resource>,
    checker: &mut Checker<'_>,
) -> Vec<Resource> {
    let root = Path::root().key("resources");
    let mut resources = Vec::with_capacity(written.len());
    for (uri, raw) in written {
        let path = root.key(uri);
        if Url::parse(uri).is_err() {
            let message = format!("the key in `{path}` must be a URI such as `info://server`");
            checker.push(Problem::new(ErrorCode::ConfigInvalidValue, &path, message));
        }
        let Some(text) = &raw.text else {
            checker.conflict(&path, format!("`{path}` has no `text`"), None);
            continue;
        };
        resources.push(Resource {
            uri: uri.clone(),
            name: raw.name.clone().unwrap_or_else(|| uri.clone()),
            title: raw.title.clone(),
            description: raw.description.clone(),
            mime_type: raw.mime_type.clone(),
            text: text.clone(),
        });
    }
    resources
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Env, Source};

    #[track_caller]
    fn complaints(text: &str) -> String {
        let errors = Config::parse(text, &Source::default(), &Env::default()).unwrap_err();
        errors.lines().join("\n")
    }

    #[test]
    fn what_is_wrong_with_a_prompt_is_told_with_its_place() {
        let text = "prompts:
  a: { template: 'Hi {{names}} {{other}} {{other}}', arguments: [{ name: name }] }
  b: {}
  c: { template: x, messages: [{ text: y }] }
  d: { template: x, arguments: [{ name: a b }, {}, { name: e }, { name: e }] }
  f: { messages: [{ role: system, text: x }, { role: assistant }] }
  '': { template: x }
";
        insta::assert_snapshot!(complaints(text));
    }

    #[test]
    fn what_is_wrong_with_a_resource_is_told_with_its_place() {
        let text = "resources: { 'no uri': { text: x }, 'info://a': { name: a } }\n";
        insta::assert_snapshot!(complaints(text));
    }

    #[test]
    fn what_is_escaped_is_no_place() {
        let text = "prompts: { a: { template: '\\{{name}} {{#if}}' } }\n";
        let config = Config::parse(text, &Source::default(), &Env::default()).unwrap();
        assert_eq!(config.gateway.own.len(), 1);
    }

    #[test]
    fn nothing_declared_is_no_server() {
        let config = Config::parse("", &Source::default(), &Env::default()).unwrap();
        assert!(config.gateway.own.is_empty());
        let text = "servers: { declared: { url: 'http://127.0.0.1:1/' } }\n";
        assert!(complaints(text).contains("the name `declared` in `servers.declared` is reserved"));
    }
}
