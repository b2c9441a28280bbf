//! Turns a client's request into the one that an upstream gets.

use bytes::Bytes;

use super::{ENVELOPE_KEYS, Envelope, PREFIX, PROGRESS_TOKEN, SUBSCRIPTION_ID, TRACEPARENT, open};
use crate::edit::ObjectEdit;
use crate::id::Id;
use crate::json::{self, Object};
use crate::message::Message;
use crate::method;

/// What becomes of the envelope: one variant per pairing of client and upstream.
#[derive(Debug, Clone, Copy, Default)]
pub enum EnvelopeChange<'a> {
    /// Modern to modern: nothing.
    #[default]
    Keep,
    /// Legacy to legacy: what only a modern client may say is taken away, the rest stays.
    WithinLegacy,
    /// Legacy to modern: MCP's own keys go, this envelope comes; `task` of `tools/call` goes.
    ToModern(Envelope<'a>),
    /// Modern to legacy: the envelope, `inputResponses` and `requestState` go.
    ToLegacy,
}

/// What becomes of the progress token.
#[derive(Debug, Clone, Copy, Default)]
pub enum TokenChange<'a> {
    /// Nothing.
    #[default]
    Keep,
    /// The upstream must not report progress.
    Remove,
    /// Raw JSON: a string or an integer. Only a request that has a token gets another one.
    Set(&'a [u8]),
}

/// What a request carries when it is made again after `input_required`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answers<'a> {
    /// Raw `inputResponses`.
    pub input_responses: Option<&'a [u8]>,
    /// Raw `requestState`, as the upstream sent it.
    pub request_state: Option<&'a [u8]>,
}

/// A request on its way to an upstream: the client's message and what changes in it.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The client's message.
    pub message: &'a Message,
    /// The id on the upstream's hop.
    pub id: Option<Id>,
    /// The member and the upstream's own name. In `completion/complete` the member is one of
    /// `params.ref`, else one of `params`.
    pub name: Option<(&'static str, &'a str)>,
    /// The progress token on the upstream's hop.
    pub progress_token: TokenChange<'a>,
    /// What the pairing of eras asks for.
    pub envelope: EnvelopeChange<'a>,
    /// Answers of the gateway's own rounds; `None` leaves what the client sent.
    pub answers: Option<Answers<'a>>,
    /// The span of the gateway, as new parent.
    pub traceparent: Option<&'a str>,
}

impl<'a> Outgoing<'a> {
    /// A request that changes in nothing yet.
    pub fn new(message: &'a Message) -> Self {
        Self {
            message,
            id: None,
            name: None,
            progress_token: TokenChange::Keep,
            envelope: EnvelopeChange::Keep,
            answers: None,
            traceparent: None,
        }
    }

    /// Carries the changes out. If there is none, the client's bytes are returned without a copy.
    pub fn to_bytes(&self) -> Bytes {
        let mut edit = self.message.edit();
        if let Some(id) = &self.id
            && self.message.id() != Some(id)
        {
            edit.set("id", id.to_raw());
        }
        if let Some(params) = self.params() {
            edit.nest("params", params);
        }
        if edit.is_unchanged() { self.message.bytes().clone() } else { edit.finish() }
    }

    fn params(&self) -> Option<ObjectEdit<'a>> {
        let message = self.message;
        let mut params = open(message, message.params());
        self.rename(&mut params);
        let remove = |params: &mut ObjectEdit<'a>, name: &'static str| {
            if message.param(name).is_some() {
                params.remove(name);
            }
        };
        let carried = ["inputResponses", "requestState"];
        match self.envelope {
            EnvelopeChange::Keep | EnvelopeChange::WithinLegacy => {}
            EnvelopeChange::ToLegacy => {
                for name in carried {
                    remove(&mut params, name);
                }
            }
            EnvelopeChange::ToModern(_) => {
                for name in carried {
                    remove(&mut params, name);
                }
                if message.method() == method::TOOLS_CALL {
                    remove(&mut params, "task");
                }
            }
        }
        if let Some(answers) = self.answers {
            for (name, raw) in
                carried.into_iter().zip([answers.input_responses, answers.request_state])
            {
                match raw {
                    Some(raw) => drop(params.set(name, raw)),
                    None => remove(&mut params, name),
                }
            }
        }
        match self.meta() {
            MetaChange::None => {}
            MetaChange::Gone => drop(params.remove("_meta")),
            MetaChange::Edited(meta) => drop(params.nest("_meta", *meta)),
        }
        (!params.is_unchanged()).then_some(params)
    }

    fn rename(&self, params: &mut ObjectEdit<'a>) {
        let Some((member, name)) = self.name else { return };
        if self.message.method() != method::COMPLETION_COMPLETE {
            if !self.message.param_is(member, name) {
                params.set_string(member, name);
            }
            return;
        }
        let Some(raw) = self.message.param("ref") else { return };
        let Ok(reference) = Object::read(raw, 0..raw.len()) else { return };
        if reference.string(raw, member).as_deref() == Some(name) {
            return;
        }
        if let Some(mut inner) = ObjectEdit::read(raw) {
            inner.set_string(member, name);
            params.nest("ref", inner);
        }
    }

    fn meta(&self) -> MetaChange<'a> {
        let message = self.message;
        let mut meta = open(message, message.meta());
        let mut left = message.meta().map_or(0, |object| object.members.len());
        for member in message.meta().iter().flat_map(|object| &object.members) {
            if self.strips(&member.name) {
                meta.remove(&*member.name);
                left -= 1;
            }
        }
        match (self.progress_token, message.progress_token()) {
            (TokenChange::Remove, Some(_)) => {
                meta.remove(PROGRESS_TOKEN);
                left -= 1;
            }
            (TokenChange::Set(raw), Some(sent)) if raw != sent => {
                meta.set(PROGRESS_TOKEN, raw);
            }
            _ => {}
        }
        if let EnvelopeChange::ToModern(envelope) = self.envelope {
            envelope.write(&mut meta);
            left += 1;
        }
        if let Some(parent) = self.traceparent {
            let raw = json::quote(parent);
            if message.meta_raw(TRACEPARENT) != Some(&raw) {
                meta.set(TRACEPARENT, raw);
            }
            left += 1;
        }
        match (meta.is_unchanged(), left) {
            (true, _) => MetaChange::None,
            // A client that never sent a `_meta` of its own would not have sent an empty one.
            (false, 0) => MetaChange::Gone,
            (false, _) => MetaChange::Edited(Box::new(meta)),
        }
    }

    fn strips(&self, key: &str) -> bool {
        match self.envelope {
            EnvelopeChange::Keep => false,
            EnvelopeChange::WithinLegacy | EnvelopeChange::ToLegacy => {
                ENVELOPE_KEYS.contains(&key) || key == SUBSCRIPTION_ID
            }
            // What the new envelope brings is set later, and the later change of a key wins.
            EnvelopeChange::ToModern(_) => key.starts_with(PREFIX),
        }
    }
}

enum MetaChange<'a> {
    None,
    Gone,
    Edited(Box<ObjectEdit<'a>>),
}
