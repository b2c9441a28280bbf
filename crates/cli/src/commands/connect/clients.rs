//! The clients that are known: where each keeps its configuration, and how it wants an entry.
//!
//! Pure: which machine this is is handed in, so that the paths of every system are tested on one.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// A program that MCP servers can be entered in.
#[derive(Debug)]
pub(super) struct Client {
    /// As it is typed.
    pub(super) name: &'static str,
    /// As its maker calls it.
    pub(super) title: &'static str,
    /// Its configuration file.
    place: Place,
    /// A folder or file that is there where the client is, if that of the configuration says nothing.
    mark: Option<&'static str>,
    /// The member of the file that holds the servers.
    pub(super) key: &'static str,
    shape: Shape,
}

/// Where a configuration file is.
#[derive(Debug)]
enum Place {
    /// In the user's home, on every system.
    Home(&'static str),
    /// In the system's folder for the configurations of applications.
    Application(&'static str),
    /// In `~/.config` on every Unix, elsewhere as for applications.
    Unix { unix: &'static str, windows: &'static str },
}

/// How an entry is written.
#[derive(Debug)]
enum Shape {
    /// `command` and `args` alone: the client starts its servers.
    StdioAlone,
    /// Either those, or an address under this key.
    Address(&'static str),
    /// With a `type`: the words for a program and for an address.
    Typed { stdio: &'static str, http: &'static str },
    /// The command in one list.
    OneList,
}

/// How the client is to reach the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// It starts a program.
    Stdio { command: String, args: Vec<String> },
    /// It calls an address.
    Http { url: String, headers: Vec<(String, String)> },
}

/// What decides where files are.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) home: PathBuf,
    /// Where applications keep their configurations.
    pub(super) applications: PathBuf,
    /// `~/.config` or what stands for it; `None` where there is no such thing.
    pub(super) xdg: Option<PathBuf>,
}

/// Every client that is known.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "claude",
        title: "Claude Desktop",
        place: Place::Application("Claude/claude_desktop_config.json"),
        mark: None,
        key: "mcpServers",
        shape: Shape::StdioAlone,
    },
    Client {
        name: "claude-code",
        title: "Claude Code",
        place: Place::Home(".claude.json"),
        mark: Some(".claude"),
        key: "mcpServers",
        shape: Shape::Typed { stdio: "stdio", http: "http" },
    },
    Client {
        name: "cline",
        title: "Cline",
        place: Place::Application(
            "Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        ),
        mark: None,
        key: "mcpServers",
        shape: Shape::Typed { stdio: "stdio", http: "streamableHttp" },
    },
    Client {
        name: "cursor",
        title: "Cursor",
        place: Place::Home(".cursor/mcp.json"),
        mark: None,
        key: "mcpServers",
        shape: Shape::Address("url"),
    },
    Client {
        name: "gemini",
        title: "Gemini CLI",
        place: Place::Home(".gemini/settings.json"),
        mark: None,
        key: "mcpServers",
        shape: Shape::Address("httpUrl"),
    },
    Client {
        name: "lm-studio",
        title: "LM Studio",
        place: Place::Home(".lmstudio/mcp.json"),
        mark: None,
        key: "mcpServers",
        shape: Shape::Address("url"),
    },
    Client {
        name: "opencode",
        title: "opencode",
        place: Place::Unix { unix: "opencode/opencode.json", windows: "opencode/opencode.json" },
        mark: None,
        key: "mcp",
        shape: Shape::OneList,
    },
    Client {
        name: "vscode",
        title: "Visual Studio Code",
        place: Place::Application("Code/User/mcp.json"),
        mark: None,
        key: "servers",
        shape: Shape::Typed { stdio: "stdio", http: "http" },
    },
    Client {
        name: "windsurf",
        title: "Windsurf",
        place: Place::Home(".codeium/windsurf/mcp_config.json"),
        mark: None,
        key: "mcpServers",
        shape: Shape::Address("serverUrl"),
    },
    Client {
        name: "zed",
        title: "Zed",
        place: Place::Unix { unix: "zed/settings.json", windows: "Zed/settings.json" },
        mark: None,
        key: "context_servers",
        shape: Shape::Address("url"),
    },
];

// === impl Client ===

impl Client {
    /// Tells whether `name` is what is typed for it, or its title as one would type that.
    pub(super) fn is_called(&self, name: &str) -> bool {
        name == self.name || name == self.title.to_lowercase().replace(' ', "-")
    }

    /// Returns its configuration file, which may not exist yet.
    pub(super) fn file(&self, machine: &Machine) -> PathBuf {
        match self.place {
            Place::Home(path) => machine.home.join(path),
            Place::Application(path) => machine.applications.join(path),
            Place::Unix { unix, windows } => match &machine.xdg {
                Some(folder) => folder.join(unix),
                None => machine.applications.join(windows),
            },
        }
    }

    /// Tells whether the client seems to be on this machine.
    pub(super) fn is_here(&self, machine: &Machine) -> bool {
        let file = self.file(machine);
        let mark = match self.mark {
            Some(mark) => Some(machine.home.join(mark)),
            None => file.parent().map(Path::to_owned),
        };
        file.exists() || mark.is_some_and(|mark| mark.exists())
    }

    /// Returns the entry for the gateway; `None` if the client knows no such way.
    pub(super) fn entry(&self, way: &Way) -> Option<Value> {
        let mut entry = match (&self.shape, way) {
            (Shape::StdioAlone | Shape::Address(_), Way::Stdio { command, args }) => {
                json!({ "command": command, "args": args })
            }
            (Shape::StdioAlone, Way::Http { .. }) => return None,
            (Shape::Address(key), Way::Http { url, .. }) => json!({ *key: url }),
            (Shape::Typed { stdio, .. }, Way::Stdio { command, args }) => {
                json!({ "type": stdio, "command": command, "args": args })
            }
            (Shape::Typed { http, .. }, Way::Http { url, .. }) => {
                json!({ "type": http, "url": url })
            }
            (Shape::OneList, Way::Stdio { command, args }) => {
                let words: Vec<_> = [command].into_iter().chain(args).collect();
                json!({ "type": "local", "command": words, "enabled": true })
            }
            (Shape::OneList, Way::Http { url, .. }) => {
                json!({ "type": "remote", "url": url, "enabled": true })
            }
        };
        if let Way::Http { headers, .. } = way
            && !headers.is_empty()
        {
            let headers: Map<_, _> =
                headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            entry["headers"] = Value::Object(headers);
        }
        Some(entry)
    }
}

// === impl Machine ===

impl Machine {
    /// Makes the machine of this process from its environment; `None` without a home.
    pub(super) fn of_this(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let system = match () {
            () if cfg!(windows) => System::Windows,
            () if cfg!(target_os = "macos") => System::Mac,
            () => System::Other,
        };
        Self::new(system, variable)
    }

    fn new(system: System, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let path = |name: &str| variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        let home = path("HOME").or_else(|| path("USERPROFILE"))?;
        // A relative one is to be ignored (XDG base directory specification).
        let xdg = path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        let xdg = xdg.unwrap_or_else(|| home.join(".config"));
        let applications = match system {
            System::Windows => path("APPDATA").unwrap_or_else(|| home.join("AppData/Roaming")),
            System::Mac => home.join("Library/Application Support"),
            System::Other => xdg.clone(),
        };
        let xdg = match system {
            System::Windows => None,
            System::Mac => Some(home.join(".config")),
            System::Other => Some(xdg),
        };
        Some(Self { home, applications, xdg })
    }
}

#[derive(Debug, Clone, Copy)]
enum System {
    Windows,
    Mac,
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(system: System, variables: &[(&str, &str)]) -> Vec<String> {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let machine = Machine::new(system, find).unwrap();
        CLIENTS.iter().map(|client| client.file(&machine).display().to_string()).collect()
    }

    #[test]
    fn every_system_has_its_own_places() {
        insta::assert_snapshot!(files(System::Other, &[("HOME", "/home/ann")]).join("\n"), @r"
        /home/ann/.config/Claude/claude_desktop_config.json
        /home/ann/.claude.json
        /home/ann/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json
        /home/ann/.cursor/mcp.json
        /home/ann/.gemini/settings.json
        /home/ann/.lmstudio/mcp.json
        /home/ann/.config/opencode/opencode.json
        /home/ann/.config/Code/User/mcp.json
        /home/ann/.codeium/windsurf/mcp_config.json
        /home/ann/.config/zed/settings.json
        ");
        let moved = files(System::Other, &[("HOME", "/home/ann"), ("XDG_CONFIG_HOME", "/etc/ann")]);
        assert_eq!(moved[9], "/etc/ann/zed/settings.json");
        let mac = files(System::Mac, &[("HOME", "/Users/ann")]);
        assert_eq!(
            [&mac[0], &mac[9]],
            [
                "/Users/ann/Library/Application Support/Claude/claude_desktop_config.json",
                "/Users/ann/.config/zed/settings.json"
            ]
        );
        let windows = files(System::Windows, &[("USERPROFILE", "C:/ann"), ("APPDATA", "C:/roam")]);
        assert_eq!(
            [&windows[0], &windows[3], &windows[9]],
            [
                "C:/roam/Claude/claude_desktop_config.json",
                "C:/ann/.cursor/mcp.json",
                "C:/roam/Zed/settings.json"
            ]
        );
    }

    #[test]
    fn an_entry_is_written_as_its_client_wants_it() {
        let stdio =
            Way::Stdio { command: "/bin/gantry".to_owned(), args: vec!["stdio".to_owned()] };
        let http = Way::Http {
            url: "http://127.0.0.1:8080/mcp".to_owned(),
            headers: vec![("Authorization".to_owned(), "Bearer x".to_owned())],
        };
        let entries = CLIENTS.iter().map(|client| {
            let shown = |way| client.entry(way).map_or_else(|| "-".to_owned(), |v| v.to_string());
            format!("{}\n{}\n{}", client.name, shown(&stdio), shown(&http))
        });
        insta::assert_snapshot!(entries.collect::<Vec<_>>().join("\n"), @r#"
        claude
        {"command":"/bin/gantry","args":["stdio"]}
        -
        claude-code
        {"type":"stdio","command":"/bin/gantry","args":["stdio"]}
        {"type":"http","url":"http://127.0.0.1:8080/mcp","headers":{"Authorization":"Bearer x"}}
        cline
        {"type":"stdio","command":"/bin/gantry","args":["stdio"]}
        {"type":"streamableHttp","url":"http://127.0.0.1:8080/mcp","headers":{"Authorization":"Bearer x"}}
        cursor
        {"command":"/bin/gantry","args":["stdio"]}
        {"url":"http://127.0.0.1:8080/mcp","headers":{"Authorization":"Bearer x"}}
        gemini
        {"command":"/bin/gantry","args":["stdio"]}
        {"httpUrl":"http://127.0.0.1:8080/mcp","headers":{"Authorization":"Bearer x"}}
        lm-studio
        {"command":"/bin/gantry","args":["stdio"]}
        {"url":"http://127.0.0.1:8080/mcp","headers":{"Authorization":"Bearer x"}}
        opencode
        {"type":"local","command":["/bin/gantry","stdio"],"enabled":true}
        {"type":"remote","url":"http://127.0.0.1:8080/mcp","enabled":true,"headers":{"Authorization":"Bearer x"}}
        vscode
        {"type":"stdio","command":"/bin/gantry","args":["stdio"]}
        {"type":"http","url":"http://127.0.0.1:8080/mcp","headers":{"Authorization":"Bearer x"}}
        windsurf
        {"command":"/bin/gantry","args":["stdio"]}
        {"serverUrl":"http://127.0.0.1:8080/mcp","headers":{"Authorization":"Bearer x"}}
        zed
        {"command":"/bin/gantry","args":["stdio"]}
        {"url":"http://127.0.0.1:8080/mcp","headers":{"Authorization":"Bearer x"}}
        "#);
    }

    #[test]
    fn a_client_goes_by_the_name_of_its_maker_too() {
        let found = |name: &str| {
            let found = CLIENTS.iter().filter(|client| client.is_called(name));
            found.map(|client| client.name).collect::<Vec<_>>()
        };
        assert_eq!(found("claude-desktop"), ["claude"]);
        assert_eq!(found("claude-code"), ["claude-code"]);
        assert_eq!(found("visual-studio-code"), ["vscode"]);
        assert_eq!(found("claude desktop"), [""; 0]);
    }
}
