//! A view: a filter of the snapshot, and the unit for which lists are serialised.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::Offer;
use gantry_core::offer::Freshness as OfferFreshness;
use gantry_policy::access::{Hints, Kind, Sight, Thing};
use gantry_policy::hooks::{Secrecy, ToolHooks};
use gantry_protocol::capabilities::ServerCapabilities;
use gantry_protocol::param_headers::ParamHeaders;
use gantry_protocol::tool::{self, Item};
use gantry_protocol::{Object, Revision, RpcError};
use tokio::time::Instant;

use super::lens::{self, Check, Checked, Lens};
use super::section::{Entries, Entry, Page, Section};
use super::{Server, template};
use crate::metrics::ToolMeter;
use crate::names::public_names;
use crate::spec::{GatewaySpec, matches};

/// Longest merged instructions, bytes: a client puts them into every context.
const MAX_INSTRUCTIONS: usize = 16 * 1024;

/// What one endpoint offers.
#[derive(Debug)]
pub struct View {
    /// Empty for everything.
    pub name: Box<str>,
    /// The snapshot it belongs to.
    pub generation: u64,
    /// Whether some member was never heard.
    pub pending: bool,
    /// Whether it is one server under its own names.
    pub single: bool,
    servers: Arc<[Server]>,
    members: Vec<usize>,
    tools: Entries,
    /// Further public names of tools, which no list has.
    aliases: HashMap<Box<str>, Box<str>>,
    resources: Entries,
    templates: Entries,
    prompts: Entries,
    /// By public name; nearly no tool is in here.
    param_headers: HashMap<Box<str>, ParamHeaders>,
    /// The least `ttlMs` of those that give no moment of expiry.
    ttl: Duration,
    expires: Option<Instant>,
    public: bool,
    capabilities: Bytes,
    instructions: Option<String>,
    server_info: Bytes,
    /// Through whose eyes it is seen; `None` if it shows everything.
    lens: Option<Lens>,
}

/// How long a list may be kept, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// Milliseconds.
    pub ttl_ms: u64,
    /// Whether principals may share it.
    pub public: bool,
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// The server.
    pub server: &'a Server,
    /// The name that was asked for, where it is one of something that is listed.
    pub public: Option<&'a str>,
    /// The server's own name of what is asked for.
    pub local: Arc<str>,
    /// Set where the request is yet to be decided on.
    pub check: Option<Check<'a>>,
    /// What looks at the call, if anything does.
    pub hooks: Option<Arc<ToolHooks>>,
    /// What is counted of it; `None` for what is not listed.
    pub(crate) meter: Option<&'a ToolMeter>,
}

impl Target<'_> {
    /// Returns what of the call nobody may be shown.
    pub fn secrecy(&self) -> Secrecy {
        self.hooks.as_ref().map(|hooks| hooks.secrecy).unwrap_or_default()
    }
}

/// It is not for this caller.
#[derive(Debug, Clone, Copy)]
struct Hidden;

/// What a view is built from.
pub(super) struct Plan<'a> {
    pub name: &'a str,
    pub generation: u64,
    pub servers: &'a Arc<[Server]>,
    pub offers: &'a [Arc<Offer>],
    pub members: &'a [usize],
    pub single: bool,
    pub patterns: Option<&'a [String]>,
    pub spec: &'a GatewaySpec,
    pub lens: Option<&'a Lens>,
}

impl View {
    pub(super) fn build(plan: &Plan<'_>) -> Self {
        let entries = |section: Section| {
            // Through a lens it counts what is seen of a change, not that somebody announced one.
            let announced = |at: usize| match plan.lens {
                None => plan.offers[at].announced[section.announced()],
                Some(_) => 0,
            };
            Entries::new(section, plan.entries(section), announced, plan.spec.list_page)
        };
        let [tools, resources, templates, prompts] = Section::ALL.map(entries);
        // What follows is of those servers alone of which something is seen.
        let sections = [&tools, &resources, &templates, &prompts];
        let members = plan.lens.map(|lens| plan.seen_members(lens, sections));
        let members = members.as_deref().unwrap_or(plan.members);
        let plan = &Plan { members, ..*plan };
        let offers = || plan.members.iter().map(|at| &plan.offers[*at]);
        let annotated = tools.all().iter().filter_map(|tool| {
            let headers = ParamHeaders::of_tool(&tool.raw).ok()?;
            (!headers.is_empty()).then(|| (tool.public.clone(), headers))
        });
        let single_info = plan.single.then(|| offers().find_map(|offer| offer.server_info.clone()));
        Self {
            name: plan.name.into(),
            generation: plan.generation,
            pending: offers().any(|offer| offer.freshness == OfferFreshness::Pending),
            single: plan.single,
            servers: Arc::clone(plan.servers),
            members: plan.members.to_vec(),
            param_headers: annotated.collect(),
            aliases: plan.aliases(&tools),
            tools,
            resources,
            templates,
            prompts,
            ttl: plan.ttl(),
            expires: offers().filter_map(|offer| offer.expires).min(),
            public: offers().all(|offer| offer.public)
                && !plan.members.is_empty()
                && plan.lens.is_none(),
            capabilities: plan.capabilities(),
            instructions: plan.instructions(),
            server_info: single_info.flatten().unwrap_or_else(crate::implementation),
            lens: plan.lens.cloned(),
        }
    }

    /// Changes when the list of that section changes.
    pub fn digest(&self, section: Section) -> u64 {
        self.entries(section).digest()
    }

    /// Returns one page in the form that clients of this revision can take; `None` if no page
    /// starts there.
    pub fn page(&self, section: Section, revision: Revision, start: usize) -> Option<Page> {
        self.entries(section).page(revision, start)
    }

    /// Returns everything of one section, in order.
    pub fn all(&self, section: Section) -> &[Entry] {
        self.entries(section).all()
    }

    /// Returns whose an entry is.
    pub fn server(&self, entry: &Entry) -> &Server {
        &self.servers[entry.server]
    }

    /// Returns how long lists of this view may be kept.
    pub fn freshness(&self) -> Freshness {
        let remaining = self.expires.map(|at| at.saturating_duration_since(Instant::now()));
        let ttl = if self.pending { Duration::ZERO } else { remaining.unwrap_or(self.ttl) };
        let ttl_ms = u64::try_from(ttl.min(self.ttl).as_millis()).unwrap_or(u64::MAX);
        Freshness { ttl_ms, public: self.public }
    }

    /// Returns the raw server capabilities offered to clients; both eras are offered the same.
    pub fn capabilities(&self) -> Bytes {
        self.capabilities.clone()
    }

    /// Returns the merged instructions.
    pub fn instructions(&self) -> Option<&str> {
        self.instructions.as_deref()
    }

    /// Returns the raw `serverInfo`.
    pub fn server_info(&self) -> Bytes {
        self.server_info.clone()
    }

    /// Returns the servers that this view draws from.
    pub fn members(&self) -> impl Iterator<Item = &Server> {
        self.members.iter().map(|at| &self.servers[*at])
    }

    /// Finds what a public name stands for.
    pub fn resolve(&self, section: Section, public: &str) -> Option<Target<'_>> {
        let entries = self.entries(section);
        let (public, entry) = match (entries.get(public), section) {
            (None, Section::Tools) => {
                let (alias, name) = self.aliases.get_key_value(public)?;
                (&**alias, entries.get(name)?)
            }
            (entry, _) => (&*entry?.public, entry?),
        };
        let check = || {
            let (lens, checked) = (self.lens.as_ref()?, entry.checked.as_ref()?);
            Some(lens.check(&self.name, lens::kind_of(section), checked))
        };
        let server = &self.servers[entry.server];
        let (local, hooks) = (Arc::clone(&entry.local), entry.hooks.clone());
        let (public, meter) = (Some(public), Some(&*entry.meter));
        Some(Target { server, public, local, check: check(), hooks, meter })
    }

    /// Finds where a method goes that belongs to nothing a server lists; `None` if the caller may
    /// not use it.
    pub fn target_of_server<'a>(&'a self, server: &'a Server) -> Option<Target<'a>> {
        let check = self.seen_at(server, Kind::Server, &"".into()).ok()?;
        let local = "".into();
        Some(Target { server, public: None, local, check, hooks: None, meter: None })
    }

    /// Tells whether a caller may see something that is not listed, and whether that is yet to be
    /// decided.
    fn seen_at<'a>(
        &'a self,
        server: &'a Server,
        kind: Kind,
        name: &Arc<str>,
    ) -> Result<Option<Check<'a>>, Hidden> {
        let Some(lens) = &self.lens else { return Ok(None) };
        let hints = Hints::default();
        let thing = Thing { kind, name, server: &server.name, view: &self.name, hints };
        let checked = || Checked { name: Arc::clone(name), hints };
        match lens.sight(&thing) {
            Sight::Hidden => Err(Hidden),
            Sight::Free => Ok(None),
            Sight::AtCall => Ok(Some(lens.check(&self.name, kind, &checked()))),
        }
    }

    /// Tells whether a caller may no longer be told of a resource of a server.
    pub fn hides_resource(&self, server: &str, uri: &str) -> bool {
        let found = self.servers.iter().find(|other| *other.name == *server);
        found.is_some_and(|found| {
            self.seen_at(found, Kind::Resource, &governed_as(found, uri)).is_err()
        })
    }

    /// Tells whether arguments of any tool are repeated in headers.
    pub fn has_param_headers(&self) -> bool {
        !self.param_headers.is_empty()
    }

    /// Returns which arguments of a tool are repeated in headers, by the schema that clients see.
    pub fn param_headers(&self, public: &str) -> Option<&ParamHeaders> {
        self.param_headers.get(public)
    }

    /// Finds who reads a URI: who lists it, else the only one with a matching template, else the
    /// only one that uses its scheme.
    pub fn resolve_uri(&self, uri: &str) -> Result<Target<'_>, RpcError> {
        if let Some(target) = self.resolve(Section::Resources, uri) {
            return Ok(target);
        }
        let local: Arc<str> = uri.into();
        let target = |at: usize| {
            let server = &self.servers[at];
            let check = self.seen_at(server, Kind::Resource, &governed_as(server, uri)).ok()?;
            let local = Arc::clone(&local);
            Some(Target { server, public: None, local, check, hooks: None, meter: None })
        };
        if let (true, [at]) = (self.single, self.members.as_slice()) {
            return target(*at).ok_or_else(|| unknown_resource(uri));
        }
        let is_seen = |at: &usize| target(*at).is_some();
        let mut by_template =
            servers_of(self.templates.all().iter(), |entry| template::matches(&entry.public, uri));
        by_template.retain(is_seen);
        let by_scheme = || {
            let everything = self.resources.all().iter().chain(self.templates.all());
            servers_of(everything, |entry| {
                template::scheme(&entry.public).is_some()
                    && template::scheme(&entry.public) == template::scheme(uri)
            })
        };
        let mut candidates = if by_template.is_empty() { by_scheme() } else { by_template };
        candidates.retain(is_seen);
        match candidates.as_slice() {
            [at] => target(*at).ok_or_else(|| unknown_resource(uri)),
            [] => Err(unknown_resource(uri)),
            many => {
                let names: Vec<_> = many.iter().map(|at| &*self.servers[*at].name).collect();
                let message = format!(
                    "several servers could read `{uri}`: {}; ask one of them at `/mcp/NAME`",
                    names.join(", ")
                );
                Err(RpcError::invalid_params(message)
                    .with_data(serde_json::json!({ "uri": uri, "candidates": names })))
            }
        }
    }

    fn entries(&self, section: Section) -> &Entries {
        match section {
            Section::Tools => &self.tools,
            Section::Resources => &self.resources,
            Section::Templates => &self.templates,
            Section::Prompts => &self.prompts,
        }
    }
}

impl Plan<'_> {
    fn entries(&self, section: Section) -> Vec<Entry> {
        let mut entries = Vec::new();
        for &at in self.members {
            let server = &self.servers[at];
            let offer = &self.offers[at];
            let items = match section {
                Section::Tools => &offer.tools,
                Section::Resources => &offer.resources,
                Section::Templates => &offer.templates,
                Section::Prompts => &offer.prompts,
            };
            let named = matches!(section, Section::Tools | Section::Prompts);
            if named && !self.single {
                self.prefixed(section, at, items, &mut entries);
                continue;
            }
            // Rules know what is named by its public name, at every endpoint.
            let is_asked = self.lens.is_some() || !self.spec.hooks.is_empty();
            let known = (named && is_asked).then(|| {
                let names = items.iter().map(|item| &*item.name);
                public_names(&server.name, names, self.spec.max_name)
            });
            let admitted =
                |item: &&Item| section != Section::Tools || server.filter.admits(&item.name);
            for item in items.iter().filter(admitted) {
                let own = &*item.name;
                let known_as = known.as_ref().map_or(own, |known| known[own].as_str());
                let Ok(checked) = self.seen(section, at, item, known_as) else { continue };
                entries.push(Entry {
                    public: item.name.clone(),
                    server: at,
                    local: Arc::from(own),
                    raw: told(section, server, item),
                    checked,
                    hooks: self.hooks(section, known_as, server),
                    meter: Arc::default(),
                });
            }
        }
        entries
    }

    /// Looks at something through the lens: by what it is decided on, if at all.
    fn seen(
        &self,
        section: Section,
        at: usize,
        item: &Item,
        known_as: &str,
    ) -> Result<Option<Arc<Checked>>, Hidden> {
        let Some(lens) = self.lens else { return Ok(None) };
        let server = &self.servers[at];
        let hints = match section {
            Section::Tools => lens::hints_of(server, &item.raw),
            _ => Hints::default(),
        };
        let thing = Thing {
            kind: lens::kind_of(section),
            name: known_as,
            server: &server.name,
            view: self.name,
            hints,
        };
        match lens.sight(&thing) {
            Sight::Hidden => Err(Hidden),
            Sight::Free => Ok(None),
            Sight::AtCall => Ok(Some(Arc::new(Checked { name: known_as.into(), hints }))),
        }
    }

    /// Returns what looks at calls of a tool.
    fn hooks(&self, section: Section, known_as: &str, server: &Server) -> Option<Arc<ToolHooks>> {
        let hooks = &self.spec.hooks;
        let has_any = section == Section::Tools && !hooks.is_empty();
        has_any.then(|| hooks.of_tool(known_as, &server.name, self.name)).flatten()
    }

    /// Returns the servers of which a caller sees something; of one that has nothing, the rules on
    /// servers tell.
    fn seen_members(&self, lens: &Lens, entries: [&Entries; 4]) -> Vec<usize> {
        let is_listed =
            |at: usize| entries.iter().any(|of| of.all().iter().any(|entry| entry.server == at));
        let has_nothing = |at: usize| {
            let offer = &self.offers[at];
            [&offer.tools, &offer.resources, &offer.templates, &offer.prompts]
                .iter()
                .all(|items| items.is_empty())
        };
        let is_seen = |at: usize| {
            let (name, server) = ("", &*self.servers[at].name);
            let (kind, hints) = (Kind::Server, Hints::default());
            let thing = Thing { kind, name, server, view: self.name, hints };
            is_listed(at) || (has_nothing(at) && lens.sight(&thing) != Sight::Hidden)
        };
        self.members.iter().copied().filter(|at| is_seen(*at)).collect()
    }

    fn prefixed(&self, section: Section, at: usize, items: &[Item], entries: &mut Vec<Entry>) {
        let server = &self.servers[at];
        let names = items.iter().map(|item| &*item.name);
        let public = public_names(&server.name, names, self.spec.max_name);
        for item in items {
            let public = &public[&*item.name];
            let admitted = section != Section::Tools || server.filter.admits(&item.name);
            let in_view = self
                .patterns
                .is_none_or(|patterns| patterns.iter().any(|pattern| matches(pattern, public)));
            if !admitted || !in_view {
                continue;
            }
            let Ok(checked) = self.seen(section, at, item, public) else { continue };
            entries.push(Entry {
                public: public.as_str().into(),
                server: at,
                local: Arc::from(&*item.name),
                raw: tool::renamed(&told(section, server, item), public),
                checked,
                hooks: self.hooks(section, public, server),
                meter: Arc::default(),
            });
        }
    }

    /// Returns the aliases of the tools in the view by their public names. A tool's own name goes
    /// before any alias.
    fn aliases(&self, tools: &Entries) -> HashMap<Box<str>, Box<str>> {
        let mut aliases = HashMap::new();
        for &at in self.members {
            let known = &self.offers[at].aliases;
            let server = &self.servers[at].name;
            let names = || known.iter().map(|(alias, _)| &**alias);
            let public = (!self.single).then(|| public_names(server, names(), self.spec.max_name));
            for (alias, local) in known {
                let alias = public.as_ref().map_or(&**alias, |public| &public[&**alias]);
                let mut own = tools.all().iter().filter(|tool| tool.server == at);
                if let (None, Some(tool)) =
                    (tools.get(alias), own.find(|own| *own.local == **local))
                {
                    aliases.insert(alias.into(), tool.public.clone());
                }
            }
        }
        aliases
    }

    /// Lists of a server that announces no changes and gives no time to live are kept by nobody.
    fn ttl(&self) -> Duration {
        let silent = |offer: &Offer| offer.expires.is_none() && !offer.announces_changes;
        let offers = || self.members.iter().map(|at| &*self.offers[*at]);
        if offers().any(silent) {
            return Duration::ZERO;
        }
        let all_dated = !self.members.is_empty() && offers().all(|offer| offer.expires.is_some());
        if all_dated { Duration::MAX } else { self.spec.list_ttl }
    }

    /// What all of its servers can do together.
    fn capabilities(&self) -> Bytes {
        let mut union = ServerCapabilities::default();
        for &at in self.members {
            let offer = &self.offers[at];
            for extension in union.fold(&offer.capabilities, offer.revision) {
                gantry_core::log::warn!(
                    upstream = %self.servers[at].name, extension,
                    "Two servers configure an extension differently; the first one wins."
                );
            }
        }
        union.to_raw().into()
    }

    fn instructions(&self) -> Option<String> {
        let parts: Vec<(&str, &str)> = self
            .members
            .iter()
            .filter_map(|at| {
                let text = self.offers[*at].instructions.as_deref()?;
                Some((&*self.servers[*at].name, text))
            })
            .collect();
        if self.single {
            return parts.first().map(|(_, text)| (*text).to_owned());
        }
        if parts.is_empty() {
            return None;
        }
        let mut merged = String::new();
        for (server, text) in parts {
            let room = MAX_INSTRUCTIONS.saturating_sub(merged.len());
            let section = format!("# {server}\n\n{text}\n\n");
            if section.len() <= room {
                merged.push_str(&section);
            }
        }
        Some(merged.trim_end().to_owned())
    }
}

/// Returns what rules call a resource that no list has. A query asks a provider of this process for a
/// part of a resource: whoever may not have the whole may not have a part.
fn governed_as(server: &Server, uri: &str) -> Arc<str> {
    match uri.split_once('?') {
        Some((whole, _)) if server.upstream.is_none() => whole.into(),
        _ => uri.into(),
    }
}

/// Returns a definition in the words that the configuration has for it, else in the server's own.
fn told(section: Section, server: &Server, item: &Item) -> Bytes {
    match section {
        Section::Tools => server.filter.told(&item.name, &item.raw),
        _ => item.raw.clone(),
    }
}

fn unknown_resource(uri: &str) -> RpcError {
    RpcError::invalid_params(format!("unknown resource: `{uri}`"))
        .with_data(serde_json::json!({ "uri": uri }))
}

/// Returns the servers of the entries that hold, each once.
fn servers_of<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    holds: impl Fn(&Entry) -> bool,
) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for entry in entries {
        if !found.contains(&entry.server) && holds(entry) {
            found.push(entry.server);
        }
    }
    found
}

/// Tells whether the raw capabilities name one.
pub(crate) fn declares(capabilities: &[u8], name: &str) -> bool {
    Object::read(capabilities, 0..capabilities.len()).is_ok_and(|object| object.get(name).is_some())
}
