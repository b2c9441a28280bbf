//! Headers that tell browsers to be strict with what the gateway answers.
//!
//! No answer of ours is a page, so they say that nothing in it may be run, framed, guessed at or
//! kept. What is posted to an MCP endpoint is answered to a program, or to a script that reads the
//! bytes: those answers go without what is here by default, and cost nothing.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::route::Route;
use crate::config;

const USUAL: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What is added to answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecurityHeaders {
    /// To those of a posted MCP message.
    of_messages: Vec<(HeaderName, HeaderValue)>,
    /// To all others.
    of_others: Vec<(HeaderName, HeaderValue)>,
}

impl SecurityHeaders {
    pub(crate) fn new(config: &config::SecurityHeaders) -> Self {
        if !config.enabled {
            return Self::default();
        }
        let set = config.set.iter().filter(|(name, _)| *name != STRICT_TRANSPORT_SECURITY);
        let of_messages: Vec<_> =
            set.filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
        let is_said = |name: &HeaderName| config.set.iter().any(|(said, _)| said == name);
        let usual = USUAL.into_iter().filter(|(name, _)| !is_said(name));
        let of_others = usual.chain(of_messages.iter().cloned()).collect();
        Self { of_messages, of_others }
    }

    /// Adds them to an answer, but for those that whoever made it has set.
    pub(super) fn write(&self, route: Route<'_>, method: &Method, answer: &mut HeaderMap) {
        let is_of_a_message = route.is_mcp() && method == Method::POST;
        let headers = if is_of_a_message { &self.of_messages } else { &self.of_others };
        for (name, value) in headers {
            answer.entry(name).or_insert_with(|| value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(yaml: &str, path: &str, method: &Method) -> Vec<(String, String)> {
        let text = format!("server: {{ security_headers: {yaml} }}");
        let config =
            config::Config::parse(&text, &config::Source::default(), &config::Env::default());
        let headers = SecurityHeaders::new(&config.unwrap().server.security_headers);
        let mut answer = HeaderMap::new();
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.write(Route::of(path), method, &mut answer);
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        answer.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    }

    #[test]
    fn what_is_posted_to_an_endpoint_is_answered_without_the_usual_ones() {
        let kept = ("cache-control".to_owned(), "no-cache".to_owned());
        assert_eq!(written("{}", "/mcp", &Method::POST), std::slice::from_ref(&kept));
        assert_eq!(written("{ enabled: false }", "/health", &Method::GET), [kept]);
        let names: Vec<_> =
            written("{}", "/mcp", &Method::GET).into_iter().map(|(name, _)| name).collect();
        for (name, _) in USUAL {
            assert!(names.contains(&name.to_string()), "{name}: {names:?}");
        }
    }

    #[test]
    fn the_operator_has_the_last_word() {
        let yaml = "{ set: { X-Frame-Options: SAMEORIGIN, Referrer-Policy: '', X-Extra: a b, \
                    Strict-Transport-Security: max-age=1 } }";
        let others = written(yaml, "/health", &Method::GET);
        let find = |list: &[(String, String)], name: &str| {
            list.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        assert_eq!(find(&others, "x-frame-options").as_deref(), Some("SAMEORIGIN"));
        assert_eq!(find(&others, "referrer-policy"), None);
        assert_eq!(find(&others, "x-content-type-options").as_deref(), Some("nosniff"));
        assert_eq!(find(&others, "strict-transport-security"), None);
        let messages = written(yaml, "/mcp", &Method::POST);
        assert_eq!(find(&messages, "x-extra").as_deref(), Some("a b"));
        assert_eq!(find(&messages, "x-content-type-options"), None);
    }
}
