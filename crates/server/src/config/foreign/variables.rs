//! Puts the variables of desktop clients into our words: `${env:NAME}` becomes `${NAME}`.

use std::path::PathBuf;

use super::super::tree::Location;
use super::draft::Draft;

/// What the client's own variables stand for.
pub(super) struct Clients {
    /// The folder of the project whose file it is.
    pub(super) workspace: PathBuf,
}

impl Clients {
    /// Returns `text` with every `${...}` in our words; what nobody but the client could know is
    /// noted and stays as it is written.
    pub(super) fn translate(
        &self,
        text: &str,
        path: &str,
        at: Location,
        draft: &mut Draft<'_>,
    ) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((inside, next)) = after.split_once('}') else {
                // What is open stays as it is written.
                out.push_str("$${");
                rest = after;
                continue;
            };
            rest = next;
            match self.one(inside) {
                Meaning::Text(text) => out.push_str(&text.replace("${", "$${")),
                Meaning::Variable(variable) => {
                    out.push_str("${");
                    out.push_str(&variable);
                    out.push('}');
                }
                Meaning::Asked(variable) => {
                    let reason = format!("the client asks its user; set the variable `{variable}`");
                    draft.note(path, at, reason);
                    out.push_str("${");
                    out.push_str(&variable);
                    out.push('}');
                }
                Meaning::Unknown => {
                    let reason = format!("`${{{inside}}}` means nothing here and stays as it is");
                    draft.note(path, at, reason);
                    out.push_str("$${");
                    out.push_str(inside);
                    out.push('}');
                }
            }
        }
        out.push_str(rest);
        out
    }

    fn one(&self, inside: &str) -> Meaning {
        let folder = self.workspace.to_string_lossy().into_owned();
        match inside {
            "workspaceFolder" | "workspaceRoot" => return Meaning::Text(folder),
            "workspaceFolderBasename" => {
                let name = self.workspace.file_name().unwrap_or_default();
                return Meaning::Text(name.to_string_lossy().into_owned());
            }
            "userHome" => return Meaning::Variable("HOME".to_owned()),
            "pathSeparator" | "/" => return Meaning::Text("/".to_owned()),
            _ => {}
        }
        if let Some(id) = inside.strip_prefix("input:") {
            return Meaning::Asked(format!("INPUT_{}", variable_name(id)));
        }
        let variable = inside.strip_prefix("env:").unwrap_or(inside);
        let (name, default) = match variable.split_once(':') {
            Some((name, default)) => (name, Some(default.strip_prefix('-').unwrap_or(default))),
            None => (variable, None),
        };
        let is_name = !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match default {
            _ if !is_name || matches!(name, "command" | "config") => Meaning::Unknown,
            Some(default) => Meaning::Variable(format!("{name}:{default}")),
            None => Meaning::Variable(name.to_owned()),
        }
    }
}

enum Meaning {
    Text(String),
    Variable(String),
    Asked(String),
    Unknown,
}

/// Returns an id as the name of a variable.
fn variable_name(id: &str) -> String {
    let fit = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    id.chars().map(fit).collect::<String>().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::super::super::problem::Report;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str, noted: Option<&str>) {
        let mut report = Report::default();
        let mut draft = Draft::new(&mut report);
        let clients = Clients { workspace: PathBuf::from("/home/me/project") };
        assert_eq!(clients.translate(text, "x", Location::new(1, 1), &mut draft), expected);
        let reason = draft.notes.first().map(|note| note.reason.as_str());
        assert_eq!(reason.is_some(), noted.is_some(), "{reason:?}");
        assert!(reason.unwrap_or_default().contains(noted.unwrap_or_default()), "{reason:?}");
    }

    #[test]
    fn variables_of_clients_are_put_into_our_words() {
        check("Bearer ${env:TOKEN}", "Bearer ${TOKEN}", None);
        check("${TOKEN}", "${TOKEN}", None);
        check("${TOKEN:-none}", "${TOKEN:none}", None);
        check("${file:/run/secrets/token}", "${file:/run/secrets/token}", None);
        check("${workspaceFolder}${/}src", "/home/me/project/src", None);
        check("${workspaceFolderBasename}", "project", None);
        check("${userHome}/a", "${HOME}/a", None);
        check("${input:api-key}", "${INPUT_API_KEY}", Some("set the variable `INPUT_API_KEY`"));
        check("${command:pick}", "$${command:pick}", Some("means nothing here"));
        check("a ${ b", "a $${ b", None);
    }
}
