//! Tokens that others sign: the secret of `mcp.security.jwt`, and the provider of a resource server.

use super::duration;
use super::properties::Properties;
use crate::config::foreign::draft::Draft;
use crate::config::tree::{Data, Node};

const JWT: &str = "mcp.security.jwt";
const PROVIDER: &str = "spring.security.oauth2.resourceserver.jwt";

/// Takes over what can be.
pub(super) fn take(properties: &Properties, draft: &mut Draft<'_>) {
    if let Some(secret) = properties.get(&format!("{JWT}.secret")) {
        draft.set("auth.jwt.secret", secret.node.clone(), &secret.key);
        if let Some(life) = properties.get(&format!("{JWT}.expiration")) {
            match duration::ours(life.node.as_text().unwrap_or_default(), "s") {
                Some(text) => {
                    let node = Node::new(Data::text(text), life.node.at);
                    draft.set("auth.jwt.expires_in", node, &life.key);
                }
                None => draft.wrong_kind(&life.key, &life.node, "a time in seconds"),
            }
        }
    }
    // Without an issuer nobody says whose tokens are meant; such a key is told of like one that is
    // not known.
    let Some(issuer) = properties.get(&format!("{PROVIDER}.issueruri")) else { return };
    draft.set("auth.oauth.issuer", issuer.node.clone(), &issuer.key);
    if let Some(keys) = properties.get(&format!("{PROVIDER}.jwkseturi")) {
        draft.set("auth.oauth.jwks_url", keys.node.clone(), &keys.key);
    }
    let audiences = properties.list(&format!("{PROVIDER}.audiences"));
    if let Some(first) = audiences.first() {
        let at = first.at;
        let list = Node::new(Data::Sequence { entries: audiences }, at);
        draft.set("auth.oauth.audience", list, &format!("{PROVIDER}.audiences"));
    } else {
        let reason = "tokens have to name this gateway, as `auth.oauth.resource`, or one of \
                      `auth.oauth.audience`";
        draft.note(&issuer.key, issuer.node.at, reason);
    }
}
