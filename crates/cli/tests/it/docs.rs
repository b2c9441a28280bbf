//! Holds the documentation to the program: what a page tells to write is accepted, what it tells
//! to run works, and what it points at is there.
//!
//! How blocks are marked is in `docs/README.md`. Only exit codes are looked at: what a command
//! prints is for the tests of that command. Prose is true as far as its author saw.

mod code;
mod lesson;
mod markdown;
mod pages;

use std::path::Path;

use code::Code;
use lesson::Lesson;
use markdown::Page;

use crate::support::process;

/// Every fence that says `yaml` or `sh` must also say what the tests do with it.
const MARKED: [&str; 4] = ["yaml gantry", "yaml other", "sh test", "sh other"];

#[test]
fn every_link_leads_somewhere() {
    let pages = pages::all();
    let mut dead = Vec::new();
    for page in &pages {
        for (line, target) in page.links() {
            if let Err(reason) = follow(&pages, page, target) {
                dead.push(format!("{}:{line}: `{target}`: {reason}", page.path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
}

/// Tells why a link leads nowhere. Addresses of other sites are not asked for.
fn follow(pages: &[Page], from: &Page, target: &str) -> Result<(), String> {
    if target.starts_with("https://") || target.starts_with("http://") {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => from.path.clone(),
        path => pages::normal(&from.base().join(path)),
    };
    if !pages::root().join(&path).exists() {
        return Err("there is no such file".to_owned());
    }
    if anchor.is_empty() {
        return Ok(());
    }
    let page = pages.iter().find(|page| page.path == path).ok_or("it is no page")?;
    if page.anchors().iter().any(|known| known == anchor) {
        return Ok(());
    }
    Err(format!("it has no such heading, but {}", page.anchors().join(", ")))
}

#[test]
fn the_index_leads_to_every_page() {
    let pages = pages::all();
    let index = pages.iter().find(|page| page.path == Path::new("docs/README.md"));
    let index = index.expect("the documentation has an index");
    let linked: Vec<_> =
        index.links().iter().map(|(_, target)| pages::normal(&index.base().join(target))).collect();
    let of_docs = pages.iter().filter(|page| page.path.starts_with("docs") && *page != index);
    // One table leads to all of these.
    let missing: Vec<_> = of_docs
        .filter(|page| !page.path.starts_with("docs/errors") && !linked.contains(&page.path))
        .map(|page| page.path.display().to_string())
        .collect();
    assert!(missing.is_empty(), "docs/README.md lacks {}", missing.join(", "));
}

#[test]
fn every_file_and_item_that_a_page_names_is_there() {
    let code = Code::read();
    let mut missing = Vec::new();
    // The style guide speaks of files that nobody has.
    for page in pages::all().iter().filter(|page| page.path != Path::new("STYLE.md")) {
        for (line, name) in page.names() {
            if !code.has(name) {
                missing.push(format!("{}:{line}: `{name}`", page.path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "no such file or item:\n{}", missing.join("\n"));
}

#[test]
fn every_section_that_the_code_points_at_is_there() {
    let (pages, code) = (pages::all(), Code::read());
    let mut missing = Vec::new();
    for (file, reference) in code.references() {
        let page = pages.iter().find(|page| page.path == Path::new(&reference.page));
        let is_there = page.is_some_and(|page| match &reference.section {
            Some(section) => page.anchors().contains(&markdown::anchor(section)),
            None => true,
        });
        if !is_there {
            missing.push(format!("{file}: {reference:?}"));
        }
    }
    assert!(missing.is_empty(), "the code points at what is not there:\n{}", missing.join("\n"));
}

#[test]
fn every_block_of_yaml_and_shell_says_whether_it_is_tested() {
    let mut unmarked = Vec::new();
    for page in pages::all() {
        for block in page.blocks() {
            let language = block.info.split_whitespace().next().unwrap_or_default();
            let is_ours = matches!(language, "yaml" | "yml" | "sh" | "bash" | "shell" | "console");
            if is_ours && !MARKED.contains(&block.info) {
                unmarked.push(format!("{}:{}: `{}`", page.path.display(), block.line, block.info));
            }
        }
    }
    assert!(unmarked.is_empty(), "write one of {MARKED:?} at\n{}", unmarked.join("\n"));
}

#[tokio::test]
async fn every_configuration_is_accepted() {
    let folder = tempfile::Builder::new().prefix("gantry-").tempdir();
    let folder = folder.expect("a temporary folder can be made");
    let file = folder.path().join("gantry.yaml");
    let mut refused = Vec::new();
    for page in pages::all() {
        for block in page.blocks().iter().filter(|block| block.info == "yaml gantry") {
            std::fs::write(&file, &block.text).expect("a file can be written in one's own folder");
            let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
            command.current_dir(folder.path()).args(["check"]);
            // Of the form of a token, which no two principals may share.
            command.envs(variables(&block.text).map(|name| (name, format!("a-value-of-{name}"))));
            let checked = process::run(command, lesson::COMMAND).await.expect("a check ends");
            if !checked.status.success() {
                refused.push(format!("{}:{}: {checked}", page.path.display(), block.line));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The variables that a configuration takes from the environment.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        (!name.contains(':')).then_some(name)
    })
}

#[tokio::test]
async fn what_the_guides_tell_to_run_works() {
    for page in pages::all() {
        let blocks: Vec<_> =
            page.blocks().into_iter().filter(|block| block.info == "sh test").collect();
        if blocks.is_empty() {
            continue;
        }
        let mut lesson = Lesson::begin().await;
        for block in blocks {
            let place = format!("{}:{}", page.path.display(), block.line);
            lesson.run(&place, &block.text).await;
        }
    }
}
