//! `prompts` and `resources` of `config.json`.

use gantry_tools::Template;

use super::super::super::path::Path;
use super::super::super::tree::{Data, Entry, Location, Node};
use super::super::draft::Draft;

/// Takes the prompts over.
pub(super) fn prompts(node: &Node, draft: &mut Draft<'_>) {
    for (index, prompt) in draft.list(node, "prompts").iter().enumerate() {
        let path = format!("prompts[{index}]");
        let Some(at) = place(prompt, "name", "prompts", &path, draft) else { continue };
        let mut members = Members::default();
        let mut text = "";
        for Entry { key, value, .. } in prompt.entries() {
            let path = format!("{path}.{key}");
            match key.as_str() {
                _ if value.is_null() => {}
                "name" | "arguments" => {}
                "template" => {
                    text = draft.text(value, &path).unwrap_or_default();
                    members.text("template", text, value.at);
                }
                "title" | "description" => members.take(key, value, &path, draft),
                _ => draft.note(&path, value.at, "means nothing to Gantry"),
            }
        }
        let arguments = arguments(prompt, text, &path, draft);
        if !arguments.is_empty() {
            let list = Node::new(Data::Sequence { entries: arguments }, prompt.at);
            members.0.push(Entry::new("arguments", list));
        }
        draft.set_at(&at, members.into_node(prompt.at));
    }
}

/// Takes the resources over.
pub(super) fn resources(node: &Node, draft: &mut Draft<'_>) {
    for (index, resource) in draft.list(node, "resources").iter().enumerate() {
        let path = format!("resources[{index}]");
        let Some(at) = place(resource, "uri", "resources", &path, draft) else { continue };
        let mut members = Members::default();
        for Entry { key, value, .. } in resource.entries() {
            let path = format!("{path}.{key}");
            match key.as_str() {
                _ if value.is_null() => {}
                "uri" => {}
                "name" | "title" | "description" => members.take(key, value, &path, draft),
                "mimeType" => members.take("mime_type", value, &path, draft),
                "content" => members.take("text", value, &path, draft),
                _ => draft.note(&path, value.at, "means nothing to Gantry"),
            }
        }
        draft.set_at(&at, members.into_node(resource.at));
    }
}

/// Where an entry of a list goes; a second one of its name goes nowhere.
fn place(node: &Node, key: &str, list: &str, path: &str, draft: &mut Draft<'_>) -> Option<Path> {
    let Some(named) = node.entry(key) else {
        draft.note(path, node.at, format!("has no `{key}`, so nobody could ask for it"));
        return None;
    };
    let name = draft.text(&named.value, &format!("{path}.{key}"))?;
    let at = Path::root().key(list).key(name);
    if draft.get(&at).is_some() {
        draft.note(path, node.at, format!("has the `{key}` of an earlier one, which is kept"));
        return None;
    }
    Some(at)
}

/// Takes the arguments over, and makes one of each place of the text that names none: the framework
/// fills those as well.
fn arguments(prompt: &Node, text: &str, path: &str, draft: &mut Draft<'_>) -> Vec<Node> {
    let mut made = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let path = format!("{path}.arguments");
    if let Some(list) = prompt.entry("arguments") {
        for (index, argument) in draft.list(&list.value, &path).iter().enumerate() {
            let mut members = Members::default();
            for Entry { key, value, .. } in argument.entries() {
                let path = format!("{path}[{index}].{key}");
                match key.as_str() {
                    _ if value.is_null() => {}
                    "name" => {
                        names.extend(value.as_text().map(str::to_owned));
                        members.take(key, value, &path, draft);
                    }
                    "description" => members.take(key, value, &path, draft),
                    // A truth value stays one.
                    "required" => members.0.push(Entry::new(key, value.clone())),
                    _ => draft.note(&path, value.at, "means nothing to Gantry"),
                }
            }
            made.push(members.into_node(argument.at));
        }
    }
    for place in Template::parse(text).places() {
        if names.iter().all(|name| name != place) {
            names.push(place.to_owned());
            let reason = format!("lacks `{place}`, which the template has; it need not be given");
            draft.note(&path, prompt.at, reason);
            let mut members = Members::default();
            members.text("name", place, prompt.at);
            made.push(members.into_node(prompt.at));
        }
    }
    made
}

/// The members of a mapping that is being made.
#[derive(Default)]
struct Members(Vec<Entry>);

impl Members {
    fn take(&mut self, key: &str, value: &Node, path: &str, draft: &mut Draft<'_>) {
        if let Some(text) = draft.text(value, path) {
            self.text(key, text, value.at);
        }
    }

    /// Variables are ours alone: what looks like one is meant as it stands.
    fn text(&mut self, key: &str, text: &str, at: Location) {
        let text = Data::text(text.replace("${", "$${"));
        self.0.push(Entry::new(key, Node::new(text, at)));
    }

    fn into_node(self, at: Location) -> Node {
        Node::new(Data::Mapping { entries: self.0, is_flow: false }, at)
    }
}
