//! `gantry connect`: enters the gateway in a client's own configuration file.
//!
//! [`clients`] knows where each client keeps its file and how it wants an entry, [`mod@file`] changes
//! the text. This shows the change, asks, keeps the file before, and writes.

mod clients;
mod file;

use std::io::{self, BufRead as _, IsTerminal as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use gantry_core::ErrorCode;
use gantry_server::config::{Env, edit};
use serde_json::{Value, json};
use similar::TextDiff;

use crate::cli::{Connect, Format};
use crate::failure::Failure;
use crate::output;
use crate::place::Place;
use clients::{CLIENTS, Client, Machine, Way};

/// What is put behind the name of the file before.
const BACKUP: &str = ".before-gantry";

pub(crate) fn run(place: &Place, arguments: &Connect) -> Result<(), Failure> {
    let env = Env::of_process();
    let machine = Machine::of_this(|name| env.get(name).map(str::to_owned)).ok_or_else(|| {
        Failure::new("cannot tell where clients keep their files: `HOME` is not set")
    })?;
    let Some(name) = &arguments.client else {
        return list(&machine, &arguments.name, arguments.format);
    };
    let client = CLIENTS.iter().find(|client| client.is_called(name)).ok_or_else(|| {
        Failure::new(format!("there is no client `{name}` that Gantry knows"))
            .with_hint("`gantry connect` lists those that it knows")
            .with_code(ErrorCode::UnknownClient)
    })?;
    let entry = if arguments.remove { None } else { Some(entry(place, client, arguments)?) };
    let path = client.file(&machine);
    let old = read(&path)?;
    let text = old.as_deref().unwrap_or_default();
    let new = file::edit(text, client.key, &arguments.name, entry.as_ref()).map_err(|error| {
        Failure::new(format!("cannot change `{}`", path.display()))
            .because(&error)
            .with_hint("correct it, or move it away, and a new one is made")
            .with_code(ErrorCode::ClientFileUnusable)
    })?;
    if new == text {
        let state = if arguments.remove { "has no such entry" } else { "is connected already" };
        return output::line(&format!("{} {state}: `{}`.", client.title, path.display()));
    }
    output::text(&diff(&path, text, &new))?;
    warn_of_tokens(place, arguments);
    if arguments.dry_run {
        return Ok(());
    }
    if !arguments.yes {
        confirm(&path)?;
    }
    write(&path, old.as_deref(), &new)?;
    output::line(&format!(
        "{} {}; start it anew to let it see that.",
        client.title,
        if arguments.remove { "is disconnected" } else { "is connected" }
    ))
}

/// Returns the names of all clients that are known.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CLIENTS.iter().map(|client| client.name)
}

fn list(machine: &Machine, name: &str, format: Format) -> Result<(), Failure> {
    let state = |client: &Client| {
        let path = client.file(machine);
        match std::fs::read_to_string(&path) {
            Ok(text) if file::has(&text, client.key, name) => "connected",
            _ if client.is_here(machine) => "installed",
            _ => "not found",
        }
    };
    let rows: Vec<[String; 4]> = CLIENTS
        .iter()
        .map(|client| {
            let path = client.file(machine).display().to_string();
            [client.name.to_owned(), client.title.to_owned(), state(client).to_owned(), path]
        })
        .collect();
    let row = |[name, title, state, file]: &[String; 4]| json!({ "name": name, "title": title, "state": state, "file": file });
    if output::data(format, &rows.iter().map(row).collect())? {
        return Ok(());
    }
    let rows: Vec<_> = rows.into_iter().map(Vec::from).collect();
    output::table(&["client", "called", "state", "file"], &rows)?;
    output::hint("`gantry connect CLIENT --dry-run` shows what would be written");
    Ok(())
}

fn entry(place: &Place, client: &Client, arguments: &Connect) -> Result<Value, Failure> {
    let way = if arguments.http { http(place, arguments)? } else { stdio(place)? };
    client.entry(&way).ok_or_else(|| {
        Failure::new(format!("{} cannot call an address, only start programs", client.title))
            .with_hint("leave `--http` out")
    })
}

/// The program that a client starts: this one, by its full path, because programs with windows seldom
/// have the `PATH` of a shell.
fn stdio(place: &Place) -> Result<Way, Failure> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|error| {
            Failure::new(format!("cannot tell where `{}` is", path.display())).because(&error)
        })
    };
    let program = std::env::current_exe()
        .map_err(|error| Failure::new("cannot tell where this program is").because(&error))?;
    let config = absolute(place.file())?;
    if !config.exists() {
        return Err(Failure::new(format!("there is no `{}` yet", config.display()))
            .with_hint("`gantry add NAME -- COMMAND` makes it, with a first server")
            .with_code(ErrorCode::ConfigUnreadable));
    }
    let mut args = vec!["--config".to_owned(), config.display().to_string()];
    if place.data_folder != Place::default_data_folder(&config) {
        args.extend(["--data-dir".to_owned(), place.data_folder.display().to_string()]);
    }
    args.push("stdio".to_owned());
    Ok(Way::Stdio { command: program.display().to_string(), args })
}

fn http(place: &Place, arguments: &Connect) -> Result<Way, Failure> {
    let server = place.config()?.server;
    // Where the plain listener sends everybody on, a client had better begin with TLS.
    let secure = server.https.as_ref().filter(|https| https.redirect);
    let (listen, key) = match secure {
        Some(https) => (https.listen, "server.https.listen"),
        None => (server.listen, "server.listen"),
    };
    if listen.port() == 0 {
        return Err(Failure::new("the gateway listens on another port each time")
            .with_hint(format!("set a port by `{key}`")));
    }
    let url = match secure {
        Some(_) => format!("https://{}/mcp", named(listen, &server.allowed_hosts)),
        None => format!("http://{}/mcp", reachable(listen)),
    };
    Ok(Way::Http { url, headers: arguments.header.clone() })
}

/// Returns the first name under which the gateway answers, because certificates are made for names;
/// without one, its address.
fn named(listen: SocketAddr, hosts: &[String]) -> String {
    match hosts.iter().find(|host| host.parse::<IpAddr>().is_err()) {
        Some(host) if host.contains(':') => host.clone(),
        Some(host) => format!("{host}:{}", listen.port()),
        None => reachable(listen).to_string(),
    }
}

/// Returns an address that this machine can connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn warn_of_tokens(place: &Place, arguments: &Connect) {
    let needs_token = arguments.http
        && arguments.header.is_empty()
        && place.config().is_ok_and(|config| config.auth.is_required());
    if needs_token {
        output::hint(
            "the gateway asks clients for a token: `--header 'Authorization=Bearer TOKEN'`",
        );
    }
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!("cannot read `{}`", path.display()))
            .because(&error)
            .with_code(ErrorCode::ClientFileUnusable)),
    }
}

fn diff(path: &Path, old: &str, new: &str) -> String {
    let name = path.display().to_string();
    let before = if old.is_empty() { "/dev/null" } else { &name };
    TextDiff::from_lines(old, new).unified_diff().header(before, &name).to_string()
}

/// Asks whoever sits at the terminal. A program that would have to answer has to say so before.
fn confirm(path: &Path) -> Result<(), Failure> {
    let refused = |message: &str| {
        Err(Failure::new(message)
            .with_hint("`--yes` writes without asking")
            .with_code(ErrorCode::NotConfirmed))
    };
    if !io::stdin().is_terminal() {
        return refused("nothing was written: there is no terminal to ask at");
    }
    output::aside(&format!("Write `{}`? [y/N] ", path.display()));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    match (read, answer.trim().to_ascii_lowercase().as_str()) {
        (Ok(_), "y" | "yes") => Ok(()),
        _ => refused("nothing was written"),
    }
}

/// Keeps the file before and puts the new one in its place.
fn write(path: &Path, old: Option<&str>, new: &str) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::new(format!("cannot write `{}`", path.display()))
            .because(error)
            .with_code(ErrorCode::ClientFileUnusable)
    };
    if old.is_some() {
        std::fs::copy(path, backup_of(path)).map_err(|error| failed(&error))?;
    } else if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    edit::replace_file(path, old, new).map_err(|error| failed(&error))
}

fn backup_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(BACKUP);
    PathBuf::from(name)
}
