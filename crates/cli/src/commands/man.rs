//! `gantry man`: the manual pages, made from what the command line knows of itself.

use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let mut root = Cli::command();
    root.build();
    let Some(folder) = folder else {
        let page = page(&root, "gantry").map_err(|error| Failure::output(&error))?;
        return output::text(&page);
    };
    let mut names = Vec::new();
    std::fs::create_dir_all(folder)
        .and_then(|()| write(&root, "gantry", folder, &mut names))
        .map_err(|error| {
            let folder = folder.display();
            Failure::new(format!("cannot write the manual pages to `{folder}`")).because(&error)
        })?;
    output::line(&format!("Wrote {} pages to `{}`.", names.len(), folder.display()))
}

/// Writes the page of a command, and those of the commands below it.
fn write(command: &Command, name: &str, folder: &Path, names: &mut Vec<String>) -> io::Result<()> {
    std::fs::write(folder.join(format!("{name}.1")), page(command, name)?)?;
    names.push(name.to_owned());
    for inner in command.get_subcommands() {
        if !inner.is_hide_set() && inner.get_name() != "help" {
            write(inner, &format!("{name}-{}", inner.get_name()), folder, names)?;
        }
    }
    Ok(())
}

/// Returns a page. Its name is what `man` is asked for; its synopsis is what is typed.
fn page(command: &Command, name: &str) -> io::Result<String> {
    let named = command.clone().display_name(name);
    let mut page = Vec::new();
    Man::new(named).render(&mut page)?;
    let page = String::from_utf8(page).map_err(io::Error::other)?;
    // Without a date the crate puts the next field in its place. The pages have none, so that the
    // same program writes the same pages on every day.
    let title = format!(".TH {name} 1 \"\" \"Gantry {}\" \"Gantry\"", env!("CARGO_PKG_VERSION"));
    let lines = page.lines().map(|line| if line.starts_with(".TH ") { &title } else { line });
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}
