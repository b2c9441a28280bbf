//! Asks an upstream for everything it offers, and keeps the last good answer for the next start.

mod cells;

use std::time::Duration;

use bytes::Bytes;
use gantry_core::offer::Freshness;
use gantry_core::{BoxFuture, Offer, ProviderError};
use gantry_protocol::tool::{self, Item};
use gantry_protocol::{Object, Revision, code, json, method};
use serde_json::json as value;
use tokio::time::Instant;

pub(super) use self::cells::{Offers, Stale, Why};
use crate::snapshot::declares;

/// Pages read of one list: an upstream whose cursors never end is cut off.
const MAX_PAGES: usize = 200;
/// Items taken of one list.
const MAX_ITEMS: usize = 20_000;

/// A link on which a request of Gantry's own can be made.
pub(super) trait Asker: Sync {
    /// Sends a request with these raw params (an object without `_meta`); returns the raw result.
    fn ask<'a>(
        &'a self,
        method: &'static str,
        params: Vec<u8>,
    ) -> BoxFuture<'a, Result<Bytes, ProviderError>>;
}

/// What is known of an upstream from its `initialize` or `server/discover` answer.
#[derive(Debug, Clone)]
pub(super) struct Greeting {
    pub(super) revision: Revision,
    pub(super) capabilities: Bytes,
    pub(super) server_info: Option<Bytes>,
    pub(super) instructions: Option<Box<str>>,
}

/// One list, read to its end.
#[derive(Debug, Default)]
struct Listed {
    items: Vec<Item>,
    ttl: Option<Duration>,
    public: bool,
}

impl Greeting {
    /// Reads the result of `initialize` or `server/discover`.
    pub(super) fn read(revision: Revision, result: &Bytes) -> Option<Self> {
        let object = Object::read(result, 0..result.len()).ok()?;
        let raw = |name: &str| object.raw(result, name).map(Bytes::copy_from_slice);
        let in_meta = || {
            let meta = raw("_meta")?;
            let meta_object = Object::read(&meta, 0..meta.len()).ok()?;
            meta_object.raw(&meta, gantry_protocol::meta::SERVER_INFO).map(Bytes::copy_from_slice)
        };
        Some(Self {
            revision,
            capabilities: raw("capabilities").unwrap_or_else(|| Bytes::from_static(b"{}")),
            server_info: raw("serverInfo").or_else(in_meta),
            instructions: object
                .string(result, "instructions")
                .map(|text| text.into_owned().into_boxed_str()),
        })
    }

    fn declares(&self, name: &str) -> bool {
        declares(&self.capabilities, name)
    }
}

/// Reads everything that is offered.
///
/// # Errors
/// When a declared list cannot be read: an upstream that is connected but empty would be a lie.
pub(super) async fn fetch(link: &dyn Asker, greeting: &Greeting) -> Result<Offer, ProviderError> {
    let section = async |declared: bool, method: &'static str, key: &'static str| {
        if declared { list(link, method, key).await } else { Ok(Listed::default()) }
    };
    let resources = greeting.declares("resources");
    let (tools, resources, templates, prompts) = futures_util::try_join!(
        section(greeting.declares("tools"), method::TOOLS_LIST, "tools"),
        section(resources, method::RESOURCES_LIST, "resources"),
        section(resources, method::RESOURCES_TEMPLATES_LIST, "resourceTemplates"),
        section(greeting.declares("prompts"), method::PROMPTS_LIST, "prompts"),
    )?;
    let lists = [&tools, &resources, &templates, &prompts];
    let ttl = lists.iter().filter_map(|listed| listed.ttl).min();
    let public = lists.iter().all(|listed| listed.public || listed.items.is_empty());
    Ok(Offer {
        aliases: Vec::new(),
        freshness: Freshness::Fresh,
        revision: greeting.revision,
        tools: tools.items,
        resources: resources.items,
        templates: templates.items,
        prompts: prompts.items,
        capabilities: greeting.capabilities.clone(),
        server_info: greeting.server_info.clone(),
        instructions: greeting.instructions.clone(),
        expires: ttl.map(|ttl| Instant::now() + ttl),
        announces_changes: announces_changes(&greeting.capabilities),
        announced: [0; 3],
        public: public && ttl.is_some(),
    })
}

async fn list(
    link: &dyn Asker,
    method: &'static str,
    key: &'static str,
) -> Result<Listed, ProviderError> {
    let mut listed = Listed { public: true, ..Listed::default() };
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let params = match &cursor {
            Some(cursor) => value!({ "cursor": cursor }).to_string(),
            None => "{}".to_owned(),
        };
        let result = match link.ask(method, params.into_bytes()).await {
            Ok(result) => result,
            // It declares the capability but not this list: templates are often left out.
            Err(error) if is_method_not_found(&error) => break,
            Err(error) => return Err(error),
        };
        let page = tool::items(&result, key).map_err(|error| unusable(method, &error))?;
        listed.read_freshness(&result);
        if page.skipped > 0 {
            gantry_core::log::warn!(
                method,
                skipped = page.skipped,
                "A list has entries without a name."
            );
        }
        listed.items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
        if listed.items.len() > MAX_ITEMS {
            gantry_core::log::warn!(
                method,
                limit = MAX_ITEMS,
                "A list is too long; the rest is left out."
            );
            break;
        }
    }
    listed.items.truncate(MAX_ITEMS);
    Ok(listed)
}

impl Listed {
    fn read_freshness(&mut self, result: &Bytes) {
        let Ok(object) = Object::read(result, 0..result.len()) else { return };
        let ttl = object
            .raw(result, "ttlMs")
            .and_then(|raw| serde_json::from_slice::<u64>(raw).ok())
            .map(Duration::from_millis);
        self.ttl = match (self.ttl, ttl) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.public &= object.string(result, "cacheScope").as_deref() == Some("public");
    }
}

fn is_method_not_found(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Answered { message, .. }
        if message.rpc_error().is_some_and(|error| error.code == code::METHOD_NOT_FOUND))
}

fn unusable(method: &str, error: &tool::ListError) -> ProviderError {
    ProviderError::Unavailable {
        reason: "bad_list",
        message: format!("its answer to `{method}` is unusable: {error}"),
        unsent: false,
    }
}

fn announces_changes(capabilities: &[u8]) -> bool {
    let Ok(all) = serde_json::from_slice::<serde_json::Value>(capabilities) else { return false };
    ["tools", "resources", "prompts"]
        .iter()
        .filter_map(|name| all.get(name))
        .all(|section| section.get("listChanged") == Some(&serde_json::Value::Bool(true)))
}

/// Writes an offer as it is stored.
pub(super) fn encode(offer: &Offer) -> Bytes {
    let mut out = Vec::new();
    let mut member = |name: &str, raw: &[u8]| {
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(&json::quote(name));
        out.push(b':');
        out.extend_from_slice(raw);
    };
    member("revision", &json::quote(offer.revision.as_str()));
    member("capabilities", &offer.capabilities);
    if let Some(info) = &offer.server_info {
        member("serverInfo", info);
    }
    if let Some(text) = &offer.instructions {
        member("instructions", &json::quote(text));
    }
    for (name, items) in [
        ("tools", &offer.tools),
        ("resources", &offer.resources),
        ("resourceTemplates", &offer.templates),
        ("prompts", &offer.prompts),
    ] {
        let raw: Vec<&[u8]> = items.iter().map(|item| &item.raw[..]).collect();
        member(name, &[b"[", raw.join(&b","[..]).as_slice(), b"]"].concat());
    }
    out.push(b'}');
    Bytes::from(out)
}

/// Reads a stored offer; it is stale by nature.
pub(super) fn decode(stored: &Bytes) -> Option<Offer> {
    let object = Object::read(stored, 0..stored.len()).ok()?;
    let revision = Revision::parse(&object.string(stored, "revision")?)?;
    let greeting = Greeting::read(revision, stored)?;
    let items = |key| tool::items(stored, key).ok().map(|page| page.items);
    Some(Offer {
        aliases: Vec::new(),
        freshness: Freshness::Stale,
        revision,
        tools: items("tools")?,
        resources: items("resources")?,
        templates: items("resourceTemplates")?,
        prompts: items("prompts")?,
        announces_changes: announces_changes(&greeting.capabilities),
        capabilities: greeting.capabilities,
        server_info: greeting.server_info,
        instructions: greeting.instructions,
        expires: None,
        announced: [0; 3],
        public: false,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use gantry_core::Offer;
    use gantry_protocol::tool::Item;

    use super::{decode, encode};

    #[test]
    fn an_offer_survives_the_store() {
        let mut offer = Offer::pending();
        let raw = Bytes::from_static(br#"{"name":"a", "x":1.0}"#);
        offer.tools = vec![Item { name: "a".into(), raw: raw.clone() }];
        offer.instructions = Some("say \"please\"".into());
        offer.capabilities = Bytes::from_static(br#"{"tools":{"listChanged":true}}"#);
        let back = decode(&encode(&offer)).unwrap();
        assert_eq!(back.tools[0].raw, raw);
        assert_eq!(back.instructions, offer.instructions);
        assert_eq!(back.capabilities, offer.capabilities);
    }
}
