//! The configuration: `gantry.yaml` read, checked, and turned into values that nothing has to doubt.
//!
//! The stages, each in its own module: [`tree`] reads YAML with places, [`variables`] puts variables
//! in, [`shape`] holds the tree against the schema of [`raw`], and the parts ([`listener`],
//! [`upstream`], [`access`], [`views`], [`declared`]) check what the words mean. Every stage reports
//! all it finds; a later one keeps silent about what an earlier one already refused.
//!
//! `warnings` looks for what is allowed but hardly meant.
//!
//! [`edit`] changes the file for `gantry add`, [`show`] writes down what was understood, and
//! [`mod@reference`] makes the reference page. Nothing here watches the file or starts anything.

pub mod compatibility;
pub mod edit;
pub mod environment;
pub mod path;
pub mod raw;
pub mod reference;

mod access;
mod audit;
mod browsers;
mod check;
mod connections;
mod declared;
mod doors;
mod entry;
mod env;
mod foreign;
mod hooks;
mod identity;
mod listener;
mod log;
mod names;
mod paths;
mod problem;
mod rules;
mod secret;
mod secrets;
mod servers_from;
mod service_ports;
mod services;
mod sessions;
mod shape;
mod show;
mod storage;
mod streaming;
mod traffic;
mod tree;
mod units;
mod upstream;
mod variables;
mod views;
mod warnings;
mod yaml_writer;

use std::io::Read as _;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_gateway::spec::{GatewaySpec, UpstreamSpec};
use indexmap::IndexMap;
use serde_json::Value;

pub use access::{ApiKey, Auth, Token};
pub use audit::Audit;
pub use browsers::{Cors, SecurityHeaders};
pub use connections::{Compression, Connections};
pub use doors::{Https, Identity, Metrics};
pub use env::Env;
pub use foreign::{Format, Imported, Note, import};
pub use identity::{Jwt, JwtKeys, OAuth};
pub use listener::{Limits, Server};
pub use log::{Log, Otlp, Rotation};
pub(crate) use log::{MOST_LEVELS, is_target};
pub use names::{RESERVED_NAMES, check_name};
pub use paths::Paths;
pub use problem::{ConfigErrors, Problem};
pub use raw::{
    AuditArguments, AuditFull, AuditSync, LogFormat, LogLevel, SessionStoreKind, TlsVersion,
};
pub use secret::Secret;
pub use service_ports::{Embeddings, Output, ServicePorts};
pub use services::{MOST_INSTANCES, ServiceDoors, ServicesFrom, ServicesOnMcp};
pub use shape::json_schema;
pub use storage::Storage;
pub use streaming::{SourceKind, SourceSpec, Streaming};
pub use tree::Location;
pub use warnings::Checked;

pub(crate) use entry::check_entry;
pub(crate) use show::{REDACTED, shown_upstream};
pub(crate) use units::parse_duration;

use check::Checker;
use foreign::reading::{self, Reading};
use path::Path;
use problem::Report;
use tree::Node;

/// Writes a value as YAML that reads back the same.
pub fn to_yaml(value: &Value) -> String {
    yaml_writer::write(value)
}

/// Entries on one page of a list; no key sets it. Few clients fetch a second page, so the first one
/// is long.
pub const LIST_PAGE: usize = 1000;

/// A configuration that was checked as a whole.
#[derive(Debug, Clone)]
pub struct Config {
    /// The gateway's own door.
    pub server: Server,
    /// What lies behind it: servers and views in the order of the file, and how they are shown.
    pub gateway: GatewaySpec,
    /// The servers without which the gateway is not ready.
    pub ready_require: Vec<String>,
    /// What is written of the gateway's work, and where.
    pub log: Log,
    /// Where spans are sent; `None` when nothing is recorded.
    pub otlp: Option<Otlp>,
    /// What is recorded of who did what.
    pub audit: Audit,
    /// Who may use the gateway.
    pub auth: Auth,
    /// What the administrator may do over the network.
    pub admin: raw::Admin,
    /// Whether `/metrics` is served.
    pub metrics_enabled: bool,
    /// Where else `/health` and `/metrics` are served.
    pub paths: Paths,
    /// The listener for figures alone.
    pub metrics: Metrics,
    /// Where a gateway that serves keeps what outlives it.
    pub storage: Storage,
    /// The declared prompts, as they are written.
    pub prompts: IndexMap<String, raw::Prompt>,
    /// The declared resources, as they are written.
    pub resources: IndexMap<String, raw::Resource>,
    /// Which built-in services are offered on `/mcp`.
    pub services_on_mcp: ServicesOnMcp,
    /// What built-in services reach outside of the gateway.
    pub service_ports: ServicePorts,
    /// What can be subscribed to beside the services' own resources.
    pub streaming: Streaming,
    /// The listeners that built-in services have of their own.
    pub service_doors: ServiceDoors,
    /// Where a gateway that serves keeps sessions.
    pub session_store: SessionStoreKind,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// Whose format the file has.
    pub format: Format,
    /// What of another system's file was not taken over as it stands.
    pub notes: Vec<Note>,
    /// Everything that is looked at for changes: files that were read, and those that would be.
    pub watched: Vec<PathBuf>,
    /// The keys that variables of other systems have filled.
    pub filled: Vec<environment::Filled>,
    /// The variables of other systems whose feature is still to come.
    pub unused: Vec<environment::Unused>,
    /// What stands in the file where variables were put in.
    written: Vec<(Path, String)>,
}

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The file; without one, the defaults hold.
    pub path: Option<PathBuf>,
    /// Whether the file may be absent, which is the same as an empty one.
    pub may_be_absent: bool,
    /// More files that the same variable of another system names.
    pub also: Vec<PathBuf>,
    /// The variable that names the file, if it is one of another system.
    pub named_by: Option<&'static str>,
    /// What `--listen` or `GANTRY_LISTEN` says; it wins over `server.listen`.
    pub listen: Option<String>,
    /// What the command line says of the listeners of services.
    pub services: Option<ServicesFrom>,
}

impl Config {
    /// Reads and checks the file at `path`; without one, the defaults hold.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, as far as it could be read.
    pub fn load(path: Option<&FilePath>, env: &Env) -> Result<Self, ConfigErrors> {
        Self::read(&Source { path: path.map(FilePath::to_owned), ..Source::default() }, env)
    }

    /// Reads and checks a configuration as `source` says.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, as far as it could be read.
    pub fn read(source: &Source, env: &Env) -> Result<Self, ConfigErrors> {
        Self::parse(&read_source(source)?, source, env)
    }

    /// Checks a file's text, as if it stood at `source.path`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text, as far as it could be understood.
    pub fn parse(text: &str, source: &Source, env: &Env) -> Result<Self, ConfigErrors> {
        Self::understand(text, source, env).map(|(config, _)| config)
    }

    /// Reads and checks a configuration, and looks for what is allowed but hardly meant.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, as far as it could be read.
    pub fn check(source: &Source, env: &Env) -> Result<Checked, ConfigErrors> {
        Self::check_text(&read_source(source)?, source, env)
    }

    fn check_text(text: &str, source: &Source, env: &Env) -> Result<Checked, ConfigErrors> {
        let (config, root) = Self::understand(text, source, env)?;
        warnings::find(config, root.as_ref(), env)
            .map_err(|problem| ConfigErrors::single(source.path.clone(), problem))
    }

    fn understand(
        text: &str,
        source: &Source,
        env: &Env,
    ) -> Result<(Self, Option<Node>), ConfigErrors> {
        let refuse = |problems| ConfigErrors::new(source.path.clone(), problems);
        let folder = folder_of(source.path.as_deref());
        let mut report = Report::default();
        let read = reading::read(text, source.path.as_deref(), &source.also, env, &mut report);
        let mut reading = match read {
            Ok(reading) => reading,
            Err(problem) => {
                report.push(problem);
                return Err(refuse(report.into_problems()));
            }
        };
        servers_from::merge(&mut reading, &folder, env, &mut report);
        let Reading { mut root, notes, format, files, candidates } = reading;
        if let Some(root) = &mut root {
            variables::substitute(root, env, &folder, &mut report);
        }
        // Ordering: what a variable holds is not searched for variables again.
        let filled = environment::fill(&mut root, env, &mut report);
        let mut fitted = Value::Object(serde_json::Map::new());
        let mut written = Vec::new();
        // A file whose only content is an empty value holds nothing but comments.
        if let Some(root) = root.as_mut().filter(|root| !root.is_null()) {
            fitted = shape::fit(root, &mut report);
            root.for_each_scalar(&mut |path, _, scalar| {
                if let Some(text) = &scalar.written {
                    written.push((path.clone(), text.clone()));
                }
            });
        }
        let raw: raw::Config = serde_json::from_value(fitted).map_err(|error| {
            // Invariant: what fits the schema of a type can be read as the type, so only a bug
            // comes here; the configuration is refused all the same.
            let message = format!("the configuration cannot be read: {error}");
            refuse(vec![Problem::new(ErrorCode::Internal, &Path::root(), message)])
        })?;
        let mut checker = Checker::new(root.as_ref(), &folder);
        let mut config = check_all(&raw, source, written, &mut checker);
        let mut problems = report.into_problems();
        problems.append(&mut without_echoes(checker.into_problems(), &problems));
        if let Some(root) = &root {
            for problem in &mut problems {
                problem.location = problem.location.or_else(|| root.locate(&problem.path));
            }
        }
        name_files(&mut problems, &files);
        environment::name_variables(&mut problems, &filled);
        (config.format, config.notes) = (format, notes);
        let vocabularies = config.service_ports.vocabulary_files.clone();
        config.watched = [files, candidates, vocabularies].concat();
        config.filled = filled;
        config.unused = environment::unused(env);
        if problems.is_empty() {
            Ok((config, root))
        } else {
            Err(refuse(problems).with_watched(config.watched))
        }
    }

    /// Returns the upstream with this name.
    pub fn upstream(&self, name: &str) -> Option<&UpstreamSpec> {
        self.gateway.servers.iter().find(|upstream| upstream.name == name)
    }

    /// Writes down what was understood, every default included and every secret left out.
    pub fn normalized_json(&self) -> Value {
        show::to_json(self)
    }

    /// Returns [`Self::normalized_json`] as YAML.
    pub fn normalized_yaml(&self) -> String {
        yaml_writer::write(&self.normalized_json())
    }
}

fn check_all(
    raw: &raw::Config,
    source: &Source,
    written: Vec<(Path, String)>,
    checker: &mut Checker<'_>,
) -> Config {
    let listen = source.listen.as_deref();
    let server = listener::check(&raw.server, listen, checker);
    let auth = access::check(&raw.auth, checker);
    listener::check_exposure(&server, &auth, listen, checker);
    let metrics = doors::metrics(&raw.metrics, checker);
    doors::check_together(&server, metrics, &auth, checker);
    let service_doors = services::check_doors(&raw.services, source.services.as_ref(), checker);
    services::check_exposure(&service_doors, &auth, checker);
    browsers::check_open(&server, &auth, checker);
    let gateway = check_gateway(raw, server.limits.request_timeout, checker);
    views::check_required(&raw.ready, &raw.servers, checker);
    Config {
        server,
        gateway,
        ready_require: raw.ready.require.iter().map(|name| name.0.clone()).collect(),
        log: log::check(&raw.log, &raw.tracing.otlp.service_name, checker),
        otlp: log::check_otlp(&raw.tracing.otlp, checker),
        audit: audit::check(&raw.audit, checker),
        auth,
        admin: raw.admin.clone(),
        metrics_enabled: raw.metrics.enabled,
        paths: paths::check(&raw.health, &raw.metrics, checker),
        metrics,
        storage: storage::check(&raw.storage, checker),
        prompts: raw.prompts.clone(),
        resources: raw.resources.clone(),
        services_on_mcp: services::check(&raw.services, checker),
        service_ports: service_ports::check(&raw.services, checker),
        streaming: streaming::check(&raw.services.streaming, checker),
        service_doors,
        session_store: raw.sessions.store,
        file: source.path.clone(),
        format: Format::Gantry,
        notes: Vec::new(),
        watched: Vec::new(),
        filled: Vec::new(),
        unused: Vec::new(),
        written,
    }
}

fn check_gateway(
    raw: &raw::Config,
    body_timeout: Duration,
    checker: &mut Checker<'_>,
) -> GatewaySpec {
    const HOUR: Duration = Duration::from_hours(1);
    let root = Path::root();
    let mut servers = Vec::new();
    for (name, upstream) in &raw.servers {
        if let Some(problem) = names::check_public(name, &root.key("servers").key(name)) {
            checker.push(problem);
        }
        servers.extend(upstream::check(name, upstream, checker));
    }
    let (max_body, keep_alive) = listener::check_messages(&raw.server.limits, checker);
    GatewaySpec {
        servers,
        views: views::check(&raw.views, &raw.servers, checker),
        max_name: usize::from(raw.names.max),
        first_offer_wait: checker.duration(
            &root.key("startup").key("first_offer_wait"),
            &raw.startup.first_offer_wait,
            (Duration::ZERO, HOUR),
        ),
        list_ttl: checker.duration(
            &root.key("list_ttl"),
            &raw.list_ttl,
            (Duration::ZERO, 24 * HOUR),
        ),
        list_page: LIST_PAGE,
        own: Vec::from_iter(declared::check(raw, checker)),
        builtin: raw.builtin,
        max_body,
        body_timeout,
        keep_alive,
        legacy: sessions::check(raw, checker),
        access: rules::check(&raw.access, checker),
        hooks: hooks::check(&raw.hooks, checker),
        traffic: Arc::new(traffic::check(raw, checker)),
    }
}

/// Drops problems that only follow from what was refused and left out before.
fn without_echoes(later: Vec<Problem>, earlier: &[Problem]) -> Vec<Problem> {
    let is_echo =
        |problem: &Problem| earlier.iter().any(|cause| problem.path.contains(&cause.path));
    later.into_iter().filter(|problem| !is_echo(problem)).collect()
}

/// Says of each place that is not in the main file in which one it is.
fn name_files(problems: &mut [Problem], files: &[PathBuf]) {
    for problem in problems {
        let index = problem.location.map_or(0, |location| location.file);
        if index > 0 && problem.file.is_none() {
            problem.file = files.get(index).cloned();
        }
    }
}

/// Relative paths of a configuration begin at its file's folder; without a file, at the current one.
pub(crate) fn folder_of(path: Option<&FilePath>) -> PathBuf {
    let folder = path.and_then(FilePath::parent).unwrap_or_else(|| FilePath::new(""));
    std::path::absolute(if folder.as_os_str().is_empty() { FilePath::new(".") } else { folder })
        .unwrap_or_else(|_| folder.to_owned())
}

fn read_source(source: &Source) -> Result<String, ConfigErrors> {
    let Some(path) = &source.path else { return Ok(String::new()) };
    let text = read_file(path, source.may_be_absent)
        .map_err(|problem| ConfigErrors::single(Some(path.clone()), problem))?;
    Ok(text.unwrap_or_default())
}

fn read_file(path: &FilePath, may_be_absent: bool) -> Result<Option<String>, Problem> {
    let unreadable =
        |message: String| Problem::new(ErrorCode::ConfigUnreadable, &Path::root(), message);
    let shown = path.display();
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(tree::MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_be_absent => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(format!("cannot read `{shown}`: {error}"))),
        Ok(_) => {}
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let valid = error.as_bytes().get(..error.utf8_error().valid_up_to());
            let line = valid.unwrap_or_default().split(|byte| *byte == b'\n').count();
            Err(unreadable(format!("`{shown}` is not UTF-8 text, from line {line} on")))
        }
    }
}
