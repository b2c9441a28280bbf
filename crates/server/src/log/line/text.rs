//! Lines for people.

use std::fmt::Write as _;

use tracing::Level;

use super::super::time;
use super::{Line, pair, plain, value_text};

const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

pub(super) fn write(line: &Line, with_colours: bool) -> String {
    let colour = |code: &'static str| if with_colours { code } else { "" };
    let (dim, reset) = (colour(DIM), colour(RESET));
    let at = time::iso(line.at);
    let level_colour = colour(colour_of(line.level));
    let mut text = format!(
        "{dim}{at}{reset} {level_colour}{:>5}{reset} {dim}{}:{reset} ",
        line.level, line.target
    );
    plain(&line.message, &mut text);
    for (name, value) in &line.fields {
        if with_colours {
            // Writing to a string cannot fail.
            let _ = write!(text, " {DIM}{name}={RESET}");
            value_text(value, &mut text);
        } else {
            pair(name, value, &mut text);
        }
    }
    if let Some(request) = line.request.as_deref()
        && line.field("request_id").is_none()
    {
        pair("request_id", &(*request.request_id).into(), &mut text);
    }
    text
}

fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}
