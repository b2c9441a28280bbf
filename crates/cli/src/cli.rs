//! What can be written on the command line. The doc comments are the help.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// One endpoint for every tool: a gateway for MCP servers.
///
/// Without a command it serves, like `gantry serve`.
#[derive(Debug, Parser)]
#[command(name = "gantry", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The configuration file [default: gantry.yaml, which may be absent]
    #[arg(long, global = true, value_name = "FILE", env = "GANTRY_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    /// The folder for what is kept [default: gantry-data beside the configuration file]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "GANTRY_DATA_DIR",
        hide_env_values = true
    )]
    pub(crate) data_dir: Option<PathBuf>,

    /// The address to listen on, instead of `server.listen` [default: 127.0.0.1:8080]
    #[arg(
        long,
        global = true,
        value_name = "ADDR:PORT",
        env = "GANTRY_LISTEN",
        hide_env_values = true
    )]
    pub(crate) listen: Option<String>,

    /// Say more in the log; twice for every message
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway until it is told to end
    Serve,

    /// Speak MCP on standard input and output, for clients that start their servers
    ///
    /// Beside a running gateway with the same data folder it is a line to that; without one it is a
    /// gateway of its own that keeps nothing.
    Stdio,

    /// Add an upstream server to the configuration file
    Add(Add),

    /// Remove an upstream server from the configuration file
    Remove {
        /// Its name in `servers`
        name: String,
    },

    /// Tell what is wrong with the configuration file, and what may be
    ///
    /// What may be wrong is a warning and no failure: a program that is not found, a pattern of a view
    /// that can match nothing. No server is started or asked.
    Check {
        #[command(flatten)]
        format: Format,
    },

    /// Show the configuration, or describe it
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },

    /// Ask about the upstream servers
    Servers {
        #[command(subcommand)]
        command: ServersCommand,
    },

    /// List, describe and call tools
    Tools {
        #[command(subcommand)]
        command: ToolsCommand,
    },

    /// Explain an error by its code, or list all codes
    Explain {
        /// The code, such as E0104
        code: Option<String>,
    },

    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },

    /// Print a page of the reference as Markdown
    #[command(name = "__reference", hide = true)]
    Reference {
        /// The page
        page: ReferencePage,
    },
}

#[derive(Debug, Args)]
#[command(
    override_usage = "gantry add [OPTIONS] <NAME> <URL>\n       gantry add [OPTIONS] <NAME> -- <COMMAND>...",
    group = clap::ArgGroup::new("target").args(["url", "command"]).required(true),
    after_help = "Examples:\n  \
        gantry add everything -- npx -y @modelcontextprotocol/server-everything\n  \
        gantry add docs https://docs.example.com/mcp --header 'Authorization=Bearer ${DOCS_TOKEN}'"
)]
pub(crate) struct Add {
    /// A name of 1 to 32 of a-z, 0-9, _ and -; its tools become `NAME__TOOL`
    pub(crate) name: String,

    /// The address of a server that speaks Streamable HTTP
    pub(crate) url: Option<String>,

    /// A header for every request to URL; `${VAR}` is a variable of the gateway's environment
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "command")]
    pub(crate) header: Vec<(String, String)>,

    /// A variable for COMMAND
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "url")]
    pub(crate) env: Vec<(String, String)>,

    /// The program to start, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print what was understood, defaults included and secrets left out
    Show {
        /// How to print it
        #[arg(long, value_enum, default_value_t = ConfigFormat::Yaml)]
        format: ConfigFormat,
    },
    /// Print the JSON Schema of the configuration file
    Schema,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServersCommand {
    /// List the upstream servers and their true state
    List {
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ToolsCommand {
    /// List the tools
    List {
        /// Only those of one server or view
        #[arg(value_name = "SERVER")]
        server: Option<String>,

        #[command(flatten)]
        format: Format,
    },
    /// Show what a tool does and takes
    Describe {
        /// Its public name, `SERVER__TOOL`
        name: String,

        #[command(flatten)]
        format: Format,
    },
    /// Call a tool
    Call(Call),
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Its public name, `SERVER__TOOL`
    pub(crate) name: String,

    /// An argument; JSON where VALUE is JSON, text otherwise
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) parameters: Vec<(String, String)>,

    /// All arguments as one JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "parameters", value_parser = json_object)]
    pub(crate) arguments: Option<serde_json::Map<String, serde_json::Value>>,

    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    /// For people or for programs
    #[arg(long, value_enum, default_value_t = FormatName::Table)]
    format: FormatName,
}

impl Format {
    pub(crate) fn is_json(self) -> bool {
        matches!(self.format, FormatName::Json)
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatName {
    Table,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ConfigFormat {
    Yaml,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ReferencePage {
    Api,
    Cli,
    Config,
    Env,
    Errors,
    Metrics,
    Openapi,
}

/// Reads `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

fn json_object(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        super::Cli::command().debug_assert();
    }
}
