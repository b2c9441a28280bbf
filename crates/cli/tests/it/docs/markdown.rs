//! Reads as much Markdown as our pages use: headings, fences, links in one line, code in backticks.
//!
//! It knows no nesting, no HTML and no link definitions; a page that needs them needs another
//! reader.

use std::path::{Path, PathBuf};

/// A page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// From the root of the repository.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// Of the opening fence, from 1.
    pub(super) line: usize,
    /// What stands after the opening fence.
    pub(super) info: &'a str,
    pub(super) text: String,
}

impl Page {
    /// The folder that its links start from. Fragments of the change log will stand at the root.
    pub(super) fn base(&self) -> &Path {
        let is_fragment = self.path.starts_with("changes") && !self.path.ends_with("README.md");
        self.path.parent().filter(|_| !is_fragment).unwrap_or(Path::new(""))
    }

    /// The fenced blocks, in order.
    pub(super) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<Block<'_>> = None;
        for (number, line) in (1..).zip(self.text.lines()) {
            match (line.strip_prefix("```"), &mut open) {
                (Some(info), None) => {
                    open = Some(Block { line: number, info: info.trim(), text: String::new() });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{} has a fence that is not closed", self.path.display());
        blocks
    }

    /// The anchors of its headings.
    pub(super) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for (_, line) in self.prose() {
            let text = line.trim_start_matches('#');
            if text.len() == line.len() || !text.starts_with(' ') {
                continue;
            }
            let plain = anchor(text);
            let mut unique = plain.clone();
            let mut times = 0;
            while anchors.contains(&unique) {
                times += 1;
                unique = format!("{plain}-{times}");
            }
            anchors.push(unique);
        }
        anchors
    }

    /// The targets of its links, with their lines.
    pub(super) fn links(&self) -> Vec<(usize, &str)> {
        let mut links = Vec::new();
        for (number, line) in self.prose() {
            for (at, _) in line.match_indices("](") {
                let (before, after) = line.split_at(at);
                let is_code = before.matches('`').count() % 2 == 1;
                if let Some((target, _)) = after.trim_start_matches("](").split_once(')')
                    && !is_code
                {
                    links.push((number, target));
                }
            }
        }
        links
    }

    /// What stands in backticks, with its line.
    pub(super) fn names(&self) -> Vec<(usize, &str)> {
        self.prose()
            .flat_map(|(number, line)| {
                line.split('`').skip(1).step_by(2).map(move |name| (number, name))
            })
            .collect()
    }

    /// The lines outside of blocks, with their numbers.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_code = false;
        (1..).zip(self.text.lines()).filter(move |(_, line)| {
            let is_fence = line.starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence && !line.starts_with("    ")
        })
    }
}

/// Returns the anchor of a heading as the common sites make it: lower case, spaces as hyphens, no
/// punctuation.
pub(super) fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        character if character.is_alphanumeric() => Some(character),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}
