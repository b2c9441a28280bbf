//! The pages of `docs/reference`, and the `OpenAPI` document, made from what the program itself knows.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};
use gantry_core::ErrorCode;
use gantry_server::{config, metrics};

use crate::cli::{Cli, ReferencePage};

/// Help is as wide as this wherever the page is made.
const WIDTH: usize = 100;

/// Returns a page as Markdown; `service` says whose, where it is one of a service.
pub(crate) fn page(page: ReferencePage, service: Option<&str>) -> String {
    match page {
        ReferencePage::Api => gantry_server::api::reference::markdown(),
        ReferencePage::Cli => commands(),
        ReferencePage::Compatibility => config::compatibility::markdown(),
        ReferencePage::Config => config::reference::markdown(),
        ReferencePage::Env => environment(),
        ReferencePage::Errors => errors(),
        ReferencePage::Metrics => metrics::markdown(),
        ReferencePage::Openapi => gantry_server::api::reference::openapi(),
        // Invariant: clap wants the name, and takes no other than those of services.
        ReferencePage::Service => service.and_then(gantry_server::service_page).unwrap_or_default(),
    }
}

fn commands() -> String {
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    let mut text = String::from(
        "# The command line\n\nExit codes: 0 for success, 1 for a failure, 2 for a command line that makes no sense, 70 \
         for a bug in Gantry.\nStandard output has what was asked for, standard error everything else.\n",
    );
    help(&mut text, &mut root, "gantry");
    text
}

fn help(text: &mut String, command: &mut Command, name: &str) {
    let shown = command.render_long_help().to_string();
    let lines: Vec<_> = shown.lines().map(str::trim_end).collect();
    // Writing to a string cannot fail.
    let _ = write!(text, "\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    for inner in command.get_subcommands_mut() {
        if !inner.is_hide_set() && inner.get_name() != "help" {
            let name = format!("{name} {}", inner.get_name());
            help(text, inner, &name);
        }
    }
}

fn environment() -> String {
    let mut text = String::from(
        "# The environment\n\nAn option on the command line wins over its variable. The configuration file may use any \
         variable as `${VAR}`.\nOf all these, a server that is started as a child sees only what its `env` gives it, and \
         the few that every program\nneeds (`PATH`, `HOME`, `LANG` and their like).\n\n\
         | variable | option | meaning |\n|---|---|---|\n",
    );
    for argument in Cli::command().get_arguments() {
        let (Some(variable), Some(option)) = (argument.get_env(), argument.get_long()) else {
            continue;
        };
        let meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "| `{}` | `--{option}` | {meaning} |", variable.to_string_lossy());
    }
    for (variable, meaning) in gantry_server::VARIABLES {
        let _ = writeln!(text, "| `{variable}` | | {meaning} |");
    }
    text.push_str(&config::environment::reference::markdown());
    text
}

fn errors() -> String {
    let mut text = String::from(
        "# Error codes\n\n`gantry explain CODE` shows the same pages. JSON-RPC and HTTP are what a client sees, where a \
         client can see the\nerror at all; \"again\" says whether the same request may succeed a moment later.\n\n\
         | code | meaning | about | JSON-RPC | HTTP | again |\n|---|---|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let number = |value: Option<String>| value.unwrap_or_default();
        let _ = writeln!(
            text,
            "| [{code}](../errors/{code}.md) | {} | {} | {} | {} | {} |",
            code.title(),
            code.category().name(),
            number(code.json_rpc().map(|code| code.to_string())),
            number(code.http().map(|status| status.to_string())),
            if code.retryable() { "yes" } else { "no" },
        );
    }
    text
}
