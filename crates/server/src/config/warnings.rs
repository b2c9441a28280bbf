//! What is allowed in a configuration but hardly meant, for `gantry check`.
//!
//! A gateway starts all the same: a program may be installed later, and a server added. Only files
//! are looked at here; no program is run and no server asked. A certificate that cannot be used is
//! more than a warning, because the start reads it too.

mod network;

use std::path::{Path as FilePath, PathBuf};

use gantry_core::{Clock as _, ErrorCode, SystemClock};
use gantry_gateway::spec::{Connection, UpstreamSpec};

use super::env::Env;
use super::environment::{Unused, given_secret};
use super::foreign::Note;
use super::path::Path;
use super::problem::{Problem, nearest};
use super::tree::Node;
use super::{Config, Identity, check, connections, folder_of, traffic};
use crate::tls::{self, Validity};

const DAY: i64 = 24 * 60 * 60;
/// A certificate that is good for less should have been renewed: those of ACME are renewed when a
/// third of their 90 days is left.
const SOON: i64 = 30 * DAY;
/// Where programs are looked up when no `PATH` is set, as for every child.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A configuration that can be used, and what may be wrong with it nevertheless.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The configuration.
    pub config: Config,
    /// What is hardly meant, in the order of the file.
    pub warnings: Vec<Problem>,
    /// How many programs of `servers` were looked up.
    pub n_programs: usize,
    /// How many patterns of `views` and `access.rules` were held against `servers`.
    pub n_patterns: usize,
}

/// Looks for what is hardly meant.
///
/// # Errors
///
/// The certificate cannot be used.
pub(crate) fn find(config: Config, root: Option<&Node>, env: &Env) -> Result<Checked, Problem> {
    let located = |mut problem: Problem| {
        problem.location = root.and_then(|root| root.locate(&problem.path));
        problem
    };
    let certificate = certificate(&config).map_err(located)?;
    let (programs, n_programs) = programs(&config, root, env);
    let (patterns, n_patterns) = patterns(&config, root);
    let limits = traffic::idle_limits(&config.gateway);
    let (certificate, keys) = (Vec::from_iter(certificate), private_keys(&config));
    let (network, connections) = (network::find(&config), connections::idle_limits(&config.server));
    let found = [programs, patterns, keys, certificate, network, connections, limits].concat();
    let mut warnings: Vec<_> = found.into_iter().map(located).collect();
    super::name_files(&mut warnings, &config.watched);
    warnings.extend(config.notes.iter().map(Note::to_problem));
    warnings.append(&mut idle_variables(&config));
    warnings.extend(spared_secret(&config, env));
    warnings.sort_by_key(|warning| warning.location);
    Ok(Checked { config, warnings, n_programs, n_patterns })
}

/// Reads the certificate as the start does.
///
/// # Errors
///
/// It cannot be used, so the gateway would not start.
pub(crate) fn certificate(config: &Config) -> Result<Option<Problem>, Problem> {
    let Some(https) = &config.server.https else { return Ok(None) };
    let loaded = tls::load(&https.identity, &tls::provider()).map_err(|error| {
        Problem::new(error.code(), &at(error.key()), gantry_core::chain(&error))
    })?;
    let problem = loaded.validity.and_then(|validity| {
        let now = SystemClock.unix_seconds();
        let path = at(match &https.identity {
            Identity::Pem { .. } => "server.https.certificate",
            Identity::Keystore { .. } => "server.https.keystore",
        });
        let Some(problem) = validity.problem_at(now) else {
            return expires_soon(&path, validity, now);
        };
        let message = format!("the certificate of `{path}` {problem}; clients will refuse it");
        Some(Problem::new(ErrorCode::TlsNotValidNow, &path, message).with_hint(Some("renew it")))
    });
    Ok(problem)
}

/// Tells that a certificate is good for a few days more.
fn expires_soon(path: &Path, validity: Validity, now: u64) -> Option<Problem> {
    let left = validity.to.saturating_sub(i64::try_from(now).unwrap_or(i64::MAX));
    (left < SOON).then(|| {
        let days = left / DAY;
        let ending = if days == 1 { "" } else { "s" };
        let message = format!("the certificate of `{path}` expires in {days} day{ending}");
        Problem::new(ErrorCode::TlsExpiresSoon, path, message)
            .with_hint(Some("renew it; a new file is taken up without a restart"))
    })
}

/// Makes a path of a key such as `server.https.key`.
fn at(key: &str) -> Path {
    key.split('.').fold(Path::root(), |path, step| path.key(step))
}

/// Looks for private keys and files of secrets that others can read.
#[cfg(unix)]
fn private_keys(config: &Config) -> Vec<Problem> {
    use std::os::unix::fs::PermissionsExt as _;

    const OTHERS: u32 = 0o004;
    let of_tls = config.server.https.iter().map(|https| match &https.identity {
        Identity::Pem { key, .. } => (at("server.https.key"), key.clone()),
        Identity::Keystore { file, .. } => (at("server.https.keystore"), file.clone()),
    });
    let is_open = |file: &FilePath| {
        std::fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & OTHERS != 0)
    };
    let open = of_tls.chain(secret_files(config)).filter(|(_, file)| is_open(file));
    let warning = |(path, file): (Path, PathBuf)| {
        let shown = file.display();
        let message = format!("every user of the machine can read `{shown}`, named by `{path}`");
        let hint = format!("`chmod o-r {shown}`");
        Problem::new(ErrorCode::KeyReadableByOthers, &path, message).with_hint(Some(hint))
    };
    open.map(warning).collect()
}

/// The files that secrets of the configuration come from.
#[cfg(unix)]
fn secret_files(config: &Config) -> impl Iterator<Item = (Path, PathBuf)> {
    let folder = folder_of(config.file.as_deref());
    config.written.iter().filter(|(path, _)| path.is_private()).filter_map(move |(path, text)| {
        let (_, rest) = text.split_once("${file:")?;
        let (file, _) = rest.split_once('}')?;
        Some((path.clone(), folder.join(file)))
    })
}

/// Who may read a file is not a matter of its mode here.
#[cfg(not(unix))]
fn private_keys(_: &Config) -> Vec<Problem> {
    Vec::new()
}

/// Looks for programs that are not there. Servers that are switched off start none.
fn programs(config: &Config, root: Option<&Node>, env: &Env) -> (Vec<Problem>, usize) {
    let servers = config.gateway.servers.iter().filter(|server| server.enabled);
    let mut n_programs = 0;
    let mut missing = Vec::new();
    for UpstreamSpec { name, connection, .. } in servers {
        let Connection::Stdio { command, env: given, .. } = connection else { continue };
        n_programs += 1;
        let search = given.get("PATH").map(String::as_str).or_else(|| env.get("PATH"));
        if is_there(command, search.unwrap_or(DEFAULT_PATH)) {
            continue;
        }
        let path = Path::root().key("servers").key(name).key("command");
        let shown = check::shown(root, &path, command);
        let (problem, hint) = if command.contains('/') {
            ("is no program that could be started", "install it, or correct the path")
        } else {
            (
                "is not found on `PATH`",
                "install it, or write its full path; a gateway that a service manager starts may \
                 have another `PATH`",
            )
        };
        let message = format!("`{path}` {problem}: {shown}");
        missing
            .push(Problem::new(ErrorCode::ProgramNotFound, &path, message).with_hint(Some(hint)));
    }
    (missing, n_programs)
}

/// Variables of other systems that do nothing yet.
fn idle_variables(config: &Config) -> Vec<Problem> {
    let warning = |unused: &Unused| {
        let Unused { variable, reason, .. } = unused;
        let message = format!("the variable `{variable}` does nothing yet: {reason}");
        Problem::new(ErrorCode::EnvironmentUnused, &Path::root(), message)
            .with_hint(Some("unset it if nothing depends on it"))
    };
    config.unused.iter().map(warning).collect()
}

/// A secret that is not taken, because it may be another program's. Whoever set it for this one
/// believes that the gateway asks for tokens.
fn spared_secret(config: &Config, env: &Env) -> Option<Problem> {
    let variable = given_secret(env).filter(|_| config.auth.jwt.is_none())?;
    let message = format!(
        "the variable `{variable}` does nothing: nothing says that it is meant for the gateway"
    );
    let hint =
        format!("`auth.jwt.secret: ${{{variable}}}` takes it as the secret of signed tokens");
    let problem = Problem::new(ErrorCode::EnvironmentUnused, &Path::root(), message);
    Some(problem.with_hint(Some(hint)))
}

fn is_there(program: &str, search: &str) -> bool {
    if program.contains('/') {
        return is_executable(FilePath::new(program));
    }
    std::env::split_paths(search).any(|folder| is_executable(&folder.join(program)))
}

#[cfg(unix)]
fn is_executable(path: &FilePath) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_executable(path: &FilePath) -> bool {
    path.is_file()
}

/// Looks for patterns that no server could ever fit.
fn patterns(config: &Config, root: Option<&Node>) -> (Vec<Problem>, usize) {
    let gateway = &config.gateway;
    let root_path = Path::root().key("access").key("rules");
    let rules = gateway.access.spec().rules.iter().enumerate().flat_map(|(place, rule)| {
        let path = root_path.index(place).key("tools");
        rule.tools.iter().enumerate().map(move |(index, pattern)| (path.index(index), pattern))
    });
    let written: Vec<_> = gateway
        .views
        .iter()
        .flat_map(|view| {
            let path = Path::root().key("views").key(&view.name);
            let patterns = view.patterns.iter().enumerate();
            patterns.map(move |(index, pattern)| (path.index(index), pattern))
        })
        .chain(rules)
        .collect();
    let idle = written.iter().filter(|(_, pattern)| !gateway.could_match(pattern));
    let warnings = idle.map(|(path, pattern)| {
        let shown = check::shown(root, path, pattern);
        let message = format!("`{path}` can match no tool of any of `servers`: {shown}");
        Problem::new(ErrorCode::UnknownServer, path, message).with_hint(hint(config, pattern))
    });
    (warnings.collect(), written.len())
}

fn hint(config: &Config, pattern: &str) -> Option<String> {
    let Some((server, tool)) = pattern.split_once("__") else {
        return Some("a pattern is held against `SERVER__TOOL`".to_owned());
    };
    let names = config.gateway.servers.iter().map(|server| server.name.as_str());
    nearest(server, names).map(|server| format!("did you mean `{server}__{tool}`?"))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Env, Source};

    #[track_caller]
    fn warnings(text: &str, path: &str) -> Vec<String> {
        let env = Env::from_pairs([("PATH", path), ("TOOL", "hunter2"), ("VIEW", "hunter2")]);
        let checked = Config::check_text(text, &Source::default(), &env).unwrap();
        checked.warnings.iter().map(|warning| warning.render(None)).collect()
    }

    #[test]
    fn a_secret_that_is_not_taken_is_told() {
        let found = |text: &str, name: &'static str| {
            let secret = "m3Qv8ZrT1xYbN5kLw0JpD7sGhC2uEfAo";
            let env = Env::from_pairs([(name, secret)]);
            let warnings = Config::check_text(text, &Source::default(), &env).unwrap().warnings;
            warnings.iter().map(|warning| warning.render(None)).collect::<Vec<_>>()
        };
        insta::assert_snapshot!(
            found("", "JWT_SECRET_KEY").concat(),
            @"the variable `JWT_SECRET_KEY` does nothing: nothing says that it is meant for the gateway; `auth.jwt.secret: ${JWT_SECRET_KEY}` takes it as the secret of signed tokens"
        );
        assert_eq!(found("", "JWT_SECRET").len(), 1);
        assert_eq!(found("auth: {jwt: {issuer: a}}", "JWT_SECRET"), [""; 0]);
    }

    #[test]
    fn programs_are_looked_up_where_the_child_will() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().to_str().unwrap();
        std::fs::write(folder.path().join("text"), "").unwrap();
        std::os::unix::fs::symlink("/bin/sh", folder.path().join("tool")).unwrap();
        let server = |entry: &str| format!("servers: {{a: {{{entry}}}}}");
        for good in [
            "command: tool".to_owned(),
            format!("command: {at}/tool"),
            "command: other, enabled: false".to_owned(),
            "url: http://127.0.0.1:1/mcp".to_owned(),
        ] {
            assert_eq!(warnings(&server(&good), at), [""; 0], "{good}");
        }
        let own = format!("command: tool, env: {{PATH: '{at}'}}");
        assert_eq!(warnings(&server(&own), "/nowhere"), [""; 0]);
        for bad in ["command: other", "command: text", "command: tool, env: {PATH: /nowhere}"] {
            let found = warnings(&server(bad), at);
            assert!(
                found[0].contains("`servers.a.command` is not found on `PATH`: `"),
                "{found:?}"
            );
        }
        let found = warnings(&server(&format!("command: {at}/text")), at);
        assert!(found[0].starts_with("`servers.a.command` is no program"), "{found:?}");
    }

    #[test]
    fn a_file_of_a_secret_that_everybody_can_read_is_told() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alice.key");
        std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
        let file = file.to_str().unwrap();
        let text = format!("auth: {{api_keys: [{{name: alice, key: '${{file:{file}}}'}}]}}");
        for (mode, is_told) in [(0o600, false), (0o640, false), (0o644, true)] {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = warnings(&text, "");
            assert_eq!(!found.is_empty(), is_told, "{mode:o}: {found:?}");
            assert!(found.iter().all(|one| one.contains("`auth.api_keys[0].key`")), "{found:?}");
        }
    }

    #[test]
    fn patterns_are_held_against_the_servers() {
        let found = warnings(
            "servers: {git: {url: 'http://a/'}}\nviews:\n  v: [git__*, gti__log, log, '${VIEW}', gantry__*]\n",
            "",
        );
        insta::assert_snapshot!(found.join("\n"), @r"
        `views.v[1]` can match no tool of any of `servers`: `gti__log` (line 3, column 15); did you mean `git__log`?
        `views.v[2]` can match no tool of any of `servers`: `log` (line 3, column 25); a pattern is held against `SERVER__TOOL`
        `views.v[3]` can match no tool of any of `servers`: what `${VIEW}` stands for (line 3, column 30); a pattern is held against `SERVER__TOOL`
        ");
    }

    #[test]
    fn what_a_variable_stands_for_is_not_shown() {
        let found = warnings("servers: {a: {command: '${TOOL}'}}", "/nowhere");
        assert!(found[0].contains("${TOOL}") && !found[0].contains("hunter2"), "{found:?}");
    }
}
