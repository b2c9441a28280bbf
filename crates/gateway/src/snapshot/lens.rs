//! Through whose eyes a view is seen, where access is limited: what they may never use is not in it.
//!
//! A view through a lens is made once for each class of callers and kept with the snapshot, so that
//! a list costs one lookup; where nothing limits access there is no lens at all.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::Principal;
use gantry_policy::access::{Access, Asker, Class, Hints, Kind, Sight, Thing};
use gantry_protocol::Object;

use super::Server;
use super::section::Section;
use crate::spec::GatewaySpec;

/// The eyes of a caller.
#[derive(Debug, Clone)]
pub struct Lens {
    access: Arc<Access>,
    principal: Arc<Principal>,
    address: Option<IpAddr>,
    unix_seconds: u64,
}

/// That a request is yet to be decided on, when its arguments are known.
#[derive(Debug, Clone)]
pub struct Check<'a> {
    /// Decides.
    pub access: &'a Access,
    /// What it is.
    pub kind: Kind,
    /// What rules call it.
    pub name: Arc<str>,
    /// What may be believed of it.
    pub hints: Hints,
    /// The endpoint.
    pub view: &'a str,
}

/// What an entry is decided on by.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) name: Arc<str>,
    pub(super) hints: Hints,
}

impl Lens {
    /// Returns the lens of a caller; `None` for one who sees everything.
    pub fn of(
        spec: &GatewaySpec,
        principal: &Arc<Principal>,
        address: Option<IpAddr>,
        unix_seconds: impl FnOnce() -> u64,
    ) -> Option<Self> {
        if spec.access.is_open_to(principal) {
            return None;
        }
        Some(Self {
            access: Arc::clone(&spec.access),
            principal: Arc::clone(principal),
            address,
            unix_seconds: unix_seconds(),
        })
    }

    /// Returns the class of callers who see the same.
    pub(super) fn class(&self) -> Class {
        self.access.class(&self.asker())
    }

    /// Tells whether something is shown.
    pub(super) fn sight(&self, thing: &Thing<'_>) -> Sight {
        self.access.sight(&self.asker(), thing)
    }

    /// Makes the check of something that depends on the arguments.
    pub(super) fn check<'a>(&'a self, view: &'a str, kind: Kind, checked: &Checked) -> Check<'a> {
        let (name, hints) = (Arc::clone(&checked.name), checked.hints);
        Check { access: &self.access, kind, name, hints, view }
    }

    fn asker(&self) -> Asker<'_> {
        let Self { principal, address, unix_seconds, .. } = self;
        Asker { principal, address: *address, unix_seconds: *unix_seconds }
    }
}

impl Check<'_> {
    /// Returns what is asked for.
    pub fn thing<'a>(&'a self, server: &'a str) -> Thing<'a> {
        let Self { kind, name, hints, view, .. } = self;
        Thing { kind: *kind, name, server, view, hints: *hints }
    }
}

/// Returns what access rules take the things of a section for.
pub(super) fn kind_of(section: Section) -> Kind {
    match section {
        Section::Tools => Kind::Tool,
        Section::Resources | Section::Templates => Kind::Resource,
        Section::Prompts => Kind::Prompt,
    }
}

/// Reads what a tool says of itself (`ToolAnnotations` of the schema). A server that is not trusted is
/// believed only what speaks against its tool.
pub fn hints_of(server: &Server, raw: &Bytes) -> Hints {
    let is_trusted = server.upstream.as_ref().is_none_or(|up| up.spec().trust_annotations);
    let annotations = Object::read(raw, 0..raw.len())
        .ok()
        .and_then(|tool| tool.get("annotations").map(|member| member.value.clone()))
        .and_then(|span| Object::read(raw, span).ok());
    let says = |name: &str| {
        let annotations = annotations.as_ref()?;
        match annotations.raw(raw, name)? {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    };
    let read_only = is_trusted && says("readOnlyHint") == Some(true);
    // The schema's own default: what changes something may destroy something.
    let destructive = match says("destructiveHint") {
        Some(destructive) => destructive && !read_only,
        None => is_trusted && !read_only,
    };
    Hints { read_only, destructive }
}
