//! `gantry shell`: commands one after another, with completion and history.
//!
//! At a terminal lines are edited, and a command that fails is no reason to end. From a pipe the
//! lines are a script, which ends at the first that fails. [`aid`] completes, [`history`] decides
//! what is remembered.

mod aid;
mod history;

use std::io::{self, BufRead as _, IsTerminal as _};
use std::rc::Rc;

use clap::Parser as _;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::line::Line;
use crate::place::Place;
use crate::{output, remote};
use aid::Aid;

const PROMPT: &str = "gantry> ";
/// Lines that are remembered.
const REMEMBERED: usize = 1000;
/// A longer line is no command.
const LONGEST: u64 = 1 << 20;
/// The options that say what all commands are about; the shell was given them itself.
const FIXED: [&str; 3] = ["--config", "--data-dir", "--listen"];

/// What follows a line.
enum Next {
    Line,
    End,
}

pub(crate) fn run(place: &Place) -> Result<(), Failure> {
    let line = Line::new().map_err(|broken| remote::failure("cannot begin", &broken))?;
    let line = Rc::new(line);
    let place = Place { line: Some(Rc::clone(&line)), ..place.clone() };
    let outcome = if io::stdin().is_terminal() { at_a_terminal(&place) } else { script(&place) };
    drop(place);
    if let Ok(line) = Rc::try_unwrap(line) {
        line.close();
    }
    outcome
}

/// Runs the lines of standard input until one fails.
fn script(place: &Place) -> Result<(), Failure> {
    let mut input = io::stdin().lock();
    for number in 1_usize.. {
        let mut line = String::new();
        // A limit, because a stream without line ends is no script.
        let read = io::Read::take(&mut input, LONGEST).read_line(&mut line);
        match read {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(Failure::new("cannot read the commands").because(&error)),
        }
        match execute(place, &line) {
            Ok(Next::Line) => {}
            Ok(Next::End) => return Ok(()),
            Err(failure) => {
                return Err(failure.with_hint(format!("line {number} ended the script")));
            }
        }
    }
    Ok(())
}

/// Edits lines and runs them until the user goes.
fn at_a_terminal(place: &Place) -> Result<(), Failure> {
    let failed = |error: ReadlineError| Failure::new("cannot use the terminal").because(&error);
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(REMEMBERED)
        .map(|config| config.history_ignore_space(true).build())
        .map_err(failed)?;
    let mut editor: Editor<Aid, FileHistory> = Editor::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Aid::new(place.clone())));
    let file = history::file(&place.data_folder);
    if let Some(file) = &file {
        // There is none at the first time.
        let _ = editor.load_history(file);
    }
    output::aside("`help` lists the commands, Ctrl-D ends.\n");
    loop {
        let line = match editor.readline(PROMPT) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if history::may_remember(&line)
            && editor.add_history_entry(&line).unwrap_or(false)
            && let Some(Err(error)) = file.as_ref().map(|file| editor.append_history(file))
        {
            output::hint(&format!("the history cannot be kept: {error}"));
        }
        match execute(place, &line) {
            Ok(Next::Line) => {}
            Ok(Next::End) => return Ok(()),
            Err(failure) => drop(failure.report()),
        }
    }
}

/// Runs one line.
fn execute(place: &Place, line: &str) -> Result<Next, Failure> {
    let Some(words) = shlex::split(line) else {
        return Err(Failure::usage("a quote or a backslash is left open"));
    };
    match words.first().map(String::as_str) {
        None => return Ok(Next::Line),
        Some("exit" | "quit") => return Ok(Next::End),
        Some(_) => {}
    }
    let fixed = words.iter().take_while(|word| *word != "--").find(|word| {
        FIXED.iter().any(|option| {
            word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    });
    if let Some(option) = fixed {
        return Err(Failure::usage(format!("`{option}` is for the start of the shell")));
    }
    let cli = match Cli::try_parse_from([String::from("gantry")].into_iter().chain(words)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help whose reader went away is no failure.
            let _ = error.print();
            return if error.use_stderr() { Err(Failure::told()) } else { Ok(Next::Line) };
        }
    };
    match cli.command {
        None => Ok(Next::Line),
        Some(Command::Serve | Command::Stdio | Command::Shell) => {
            Err(Failure::usage("this command has no place in the shell"))
        }
        Some(command) => super::run_at(place, command).map(|()| Next::Line),
    }
}
