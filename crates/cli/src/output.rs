//! Standard output: text, JSON, YAML, tables. Nothing else in this crate writes there.
//! What the reader may want to know besides goes to standard error, where no program reads it.

use std::io::{self, Write as _};

use gantry_server::config::to_yaml;
use serde_json::Value;

use crate::cli::{Format, FormatName};
use crate::failure::Failure;

/// Writes text as it is.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// Writes one line.
pub(crate) fn line(line: &str) -> Result<(), Failure> {
    text(&format!("{line}\n"))
}

/// Writes text to standard error, for whoever sits at the terminal.
pub(crate) fn aside(text: &str) {
    // What cannot be shown is no failure.
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Writes a hint to standard error.
pub(crate) fn hint(hint: &str) {
    // A hint that cannot be shown is no failure.
    let _ = io::stderr().write_all(format!("hint: {hint}\n").as_bytes());
}

/// Writes a value for programs; `false` when the reader is a person, for whom the caller writes.
pub(crate) fn data(format: Format, value: &Value) -> Result<bool, Failure> {
    match format.format {
        FormatName::Table => return Ok(false),
        FormatName::Json => json(value)?,
        FormatName::Yaml => text(&to_yaml(value))?,
    }
    Ok(true)
}

/// Writes a value as indented JSON.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    line(&format!("{value:#}"))
}

/// Writes rows below headings, in columns as wide as they need be.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    text(&render_table(headings, rows))
}

/// Writes a table to standard error, beside what was asked for.
pub(crate) fn side_table(headings: &[&str], rows: &[Vec<String>]) {
    // What cannot be shown there is no failure.
    let _ = io::stderr().write_all(render_table(headings, rows).as_bytes());
}

fn render_table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let headings: Vec<_> = headings.iter().map(|heading| heading.to_uppercase()).collect();
    let lines = || std::iter::once(&headings).chain(rows);
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| {
            lines()
                .filter_map(|row| row.get(column))
                .map(|cell| printable(cell).chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in lines() {
        let cells =
            row.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", printable(cell)));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Keeps a cell in its line, and what a server says from commanding the terminal.
pub(crate) fn printable(cell: &str) -> String {
    cell.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["a".to_owned(), "\u{1b}[31mred\nline".to_owned()],
            vec!["long name".to_owned(), String::new()],
        ];
        assert_eq!(
            render_table(&["name", "what"], &rows),
            "NAME       WHAT\na           [31mred line\nlong name\n"
        );
    }
}
