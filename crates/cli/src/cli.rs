//! What can be written on the command line. The doc comments are the help.

mod audit;
mod backup;
mod credentials;
mod services;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use audit::{AuditCommand, AuditSearch};
pub(crate) use backup::{Backup, BackupCommand, Restore};
pub(crate) use credentials::{CreateKey, Granting, KeysCommand, MakeToken};
pub(crate) use services::{ServicesCommand, StartServices};

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

    /// Make a configuration file from another system's
    ///
    /// Known are the `mcpServers` of desktop clients (also `servers` of VS Code and `context_servers`
    /// of Zed), the `application.yml` of Global MCP Client with its profiles, and the `config.json`
    /// of MCP Configurable Framework. What cannot be taken over is listed on standard error.
    /// `--config` reads the same files as they are.
    Import {
        /// The other system's file
        file: PathBuf,

        /// The file to write, which must not exist [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },

    /// Show the configuration, or describe it
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },

    /// Look at the upstream servers, and switch them
    Servers {
        #[command(subcommand)]
        command: ServersCommand,
    },

    /// Give the built-in services ports of their own
    ///
    /// Each service is always served at `/mcp/NAME`. What listens besides has `/mcp`, `/health`, `/info`,
    /// `/ready`, `/metrics` and `/circuit-breakers` of that service: on port 8101 the first, on 8102 the
    /// second, and so on.
    Services {
        #[command(subcommand)]
        command: ServicesCommand,
    },

    /// List, describe and call tools
    Tools {
        #[command(subcommand)]
        command: ToolsCommand,
    },

    /// List and read resources
    Resources {
        #[command(subcommand)]
        command: ResourcesCommand,
    },

    /// List and get prompts
    Prompts {
        #[command(subcommand)]
        command: PromptsCommand,
    },

    /// Ask who may do what
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },

    /// Make keys for clients, replace them and take them back
    ///
    /// They are kept in the data folder, by a digest: a key is shown once, when it is made. Once there
    /// is one, clients need a credential on the loopback too. Beside a running gateway a change is in
    /// force at once.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },

    /// Sign a token for a client, with the secret of `auth.jwt`
    ///
    /// For development, and for programs that have no provider. The gateway has to have the same
    /// secret; it keeps nothing of the token, which opens until it ends. Nothing secret is taken from
    /// the command line.
    Token(MakeToken),

    /// Enter the gateway in the configuration file of a client
    ///
    /// Shows the change and asks before it writes. Nothing but the gateway's own entry is changed, and
    /// the file before is kept beside it. Without CLIENT it lists the clients that it knows, and which
    /// of them are here.
    Connect(Connect),

    /// Watch what is said through the running gateway, message by message
    ///
    /// Two conversations are seen: clients with the gateway, and the gateway with its servers. Secrets
    /// are taken out of what is shown. Ctrl-C ends it.
    Tap(Tap),

    /// Check the audit trail, or look for something in it
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },

    /// Look for what keeps the gateway, its servers or its clients from working
    ///
    /// Ends with 1 if something does not work. What only may be wrong is a warning.
    Doctor {
        #[command(flatten)]
        format: Format,
    },

    /// Save everything that is kept, in one file
    ///
    /// The database, the configuration, and on demand the gateway's own keys; whether the gateway runs
    /// or not. The file is encrypted with a passphrase, and appears when it is complete. In a folder
    /// it is named by the time, as `gantry-20261125T083000Z.backup`.
    Backup(Backup),

    /// Put back what a backup holds
    ///
    /// The gateway must not run. The backup is read to its end before anything is written, and what
    /// is there is not replaced. The database goes to where the configuration says, that of the backup
    /// if there is none; it need not be of the kind that it comes from.
    Restore(Restore),

    /// Run commands one after another, with completion and history
    ///
    /// The commands are those of `gantry`, without the first word. Ctrl-C takes back what is running,
    /// Ctrl-D ends the shell. Commands that come by a pipe are run until one fails.
    Shell,

    /// Explain an error by its code, or list all codes
    Explain {
        /// The code, such as E0104
        code: Option<String>,

        #[command(flatten)]
        format: Format,
    },

    /// Print the manual page, or write those of all commands to a folder
    Man {
        /// The folder, made if it is not there
        folder: Option<PathBuf>,
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

        /// The service, for the page of one
        #[arg(required_if_eq("page", "service"), value_parser = service_names())]
        service: Option<String>,
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
    /// Tell all that is known of one server; ends with 1 unless it is ready
    Health {
        /// Its name in `servers`
        name: String,

        #[command(flatten)]
        format: Format,
    },
    /// Use a server again that is switched off
    Enable {
        /// Its name in `servers`
        name: String,
    },
    /// Switch a server off and keep its entry
    Disable {
        /// Its name in `servers`
        name: String,
    },
    /// End a server of the running gateway and start or reach it anew
    Restart {
        /// Its name in `servers`
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ResourcesCommand {
    /// List the resources
    List {
        /// Only those of one server or view
        #[arg(value_name = "SERVER")]
        server: Option<String>,

        #[command(flatten)]
        format: Format,
    },
    /// List the templates of resources
    Templates {
        /// Only those of one server or view
        #[arg(value_name = "SERVER")]
        server: Option<String>,

        #[command(flatten)]
        format: Format,
    },
    /// Print what a resource holds
    ///
    /// Text as it is; of anything else only its size is told, unless JSON is asked for.
    Read {
        /// The address of the resource
        uri: String,

        /// The server or view to ask, where several have the address
        #[arg(long)]
        server: Option<String>,

        #[command(flatten)]
        format: Format,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PromptsCommand {
    /// List the prompts
    List {
        /// Only those of one server or view
        #[arg(value_name = "SERVER")]
        server: Option<String>,

        #[command(flatten)]
        format: Format,
    },
    /// Print the messages of a prompt
    Get {
        /// Its public name, `SERVER__PROMPT`
        name: String,

        /// An argument
        #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = pair)]
        parameters: Vec<(String, String)>,

        #[command(flatten)]
        format: Format,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Tell what the running gateway would do with a call, and which rule decides
    Explain(ExplainAccess),
}

#[derive(Debug, Args)]
pub(crate) struct ExplainAccess {
    /// The public name of the tool, `SERVER__TOOL`
    pub(crate) tool: String,

    /// Who calls: a key by its name or public part, another name of the configuration, or
    /// `ISSUER#SUBJECT`; never the key itself
    #[arg(long = "as", value_name = "KEY|PRINCIPAL")]
    pub(crate) principal: String,

    /// The arguments of the call as one JSON object
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    pub(crate) arguments: Option<serde_json::Map<String, serde_json::Value>>,

    /// The address that the call comes from
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<std::net::IpAddr>,

    /// The endpoint: the name below `/mcp/` [default: `/mcp` itself]
    #[arg(long, value_name = "NAME")]
    pub(crate) view: Option<String>,

    /// A scope of the credential, instead of those of the key; without any it is not limited by scopes
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,

    /// A role of the principal, instead of those of the key
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,

    /// The tier of the principal, instead of that of the key
    #[arg(long, value_name = "TIER")]
    pub(crate) tier: Option<String>,

    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct Connect {
    /// The client, such as claude, cursor or vscode
    pub(crate) client: Option<String>,

    /// Show the change and write nothing
    #[arg(long, requires = "client")]
    pub(crate) dry_run: bool,

    /// Write without asking
    #[arg(short, long, requires = "client", conflicts_with = "dry_run")]
    pub(crate) yes: bool,

    /// Take the entry out again
    #[arg(long, requires = "client", conflicts_with_all = ["http", "stdio", "header"])]
    pub(crate) remove: bool,

    /// Have the client start `gantry stdio`, which needs no running gateway (the default)
    #[arg(long, requires = "client", conflicts_with = "http")]
    pub(crate) stdio: bool,

    /// Have the client call the running gateway at its address
    #[arg(long, requires = "client")]
    pub(crate) http: bool,

    /// A header for every request of the client, such as a token
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, requires = "http")]
    pub(crate) header: Vec<(String, String)>,

    /// What the client calls the gateway
    #[arg(long, value_name = "NAME", default_value = "gantry")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Tap {
    /// Only what is for or from this server
    #[arg(long, value_name = "NAME")]
    pub(crate) server: Option<String>,

    /// Only what is about a tool, prompt or resource that fits; `*` stands for anything
    #[arg(long, value_name = "PATTERN")]
    pub(crate) tool: Option<String>,

    /// Show the messages, cut, and without secrets
    #[arg(long)]
    pub(crate) bodies: bool,

    /// Show what the gateway asks its servers for itself, too
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) format: Format,
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
    pub(crate) format: FormatName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    Table,
    Json,
    Yaml,
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
    Compatibility,
    Config,
    Env,
    Errors,
    Metrics,
    Openapi,
    Service,
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

/// Knows the names, so that help and completions show them.
fn service_names() -> clap::builder::PossibleValuesParser {
    let entries = gantry_server::service_entries(0);
    clap::builder::PossibleValuesParser::new(entries.iter().map(|entry| entry.name))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        super::Cli::command().debug_assert();
    }
}
