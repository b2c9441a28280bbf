//! Running the services: the one place through which every call goes.

use std::sync::Arc;
use std::time::Instant;

use gantry_core::Principal;
use parking_lot::RwLock;

use crate::context::{CallLink, Context};
use crate::data_standardization::Vocabulary;
use crate::error::ToolError;
use crate::output::Output;
use crate::ports::Ports;
use crate::resource_streaming::Streaming;
use crate::service::Service;
use crate::tool::Tool;
use crate::usage::{RecentCall, Usage};
use crate::vector_ranking::collection::Collections;

/// What the services share in one process.
#[derive(Debug)]
pub struct Services {
    ports: Ports,
    usage: Usage,
    collections: Collections,
    streaming: Streaming,
    /// Replaced as a whole, and read for as long as it takes to copy a pointer.
    vocabularies: RwLock<Arc<[Vocabulary]>>,
}

impl Services {
    /// Makes services that reach the world by `ports`.
    pub fn new(ports: Ports) -> Self {
        Self {
            ports,
            usage: Usage::new(),
            collections: Collections::default(),
            streaming: Streaming::default(),
            vocabularies: RwLock::default(),
        }
    }

    /// Returns what a tool, a resource or a prompt of a service needs to know of a call.
    pub fn context<'a>(
        &'a self,
        service: &'static Service,
        principal: &'a Principal,
        link: &'a dyn CallLink,
    ) -> Context<'a> {
        Context { services: self, service, principal, link }
    }

    /// Carries a call out, on the calling thread, and counts it.
    ///
    /// `arguments` is the JSON of the arguments, or empty.
    pub fn call(
        context: &Context<'_>,
        tool: &'static Tool,
        arguments: &[u8],
    ) -> Result<Output, ToolError> {
        let at = context.ports().clock.unix_seconds();
        let started = Instant::now();
        let result = (tool.run)(context, arguments);
        let call = RecentCall {
            tool: tool.name,
            at,
            microseconds: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            error: result.as_ref().err().map(ToString::to_string),
        };
        context.usage().record(context, call);
        result
    }

    /// Returns what the services get from outside.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Returns who is subscribed to what, and what they are told.
    pub fn streaming(&self) -> &Streaming {
        &self.streaming
    }

    /// Takes the operator's own words for `data_standardization`, those that come first first.
    pub fn use_vocabularies(&self, vocabularies: Arc<[Vocabulary]>) {
        *self.vocabularies.write() = vocabularies;
    }

    pub(crate) fn vocabularies(&self) -> Arc<[Vocabulary]> {
        Arc::clone(&self.vocabularies.read())
    }

    pub(crate) fn collections(&self) -> &Collections {
        &self.collections
    }

    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }
}
