//! The texts of a configuration that nobody may be shown, for whoever shows what servers and
//! clients say.

use gantry_gateway::spec::{Connection, UpstreamSpec};
use gantry_gateway::tap::is_secret_name;
use gantry_policy::hooks::{Action, WebhookSpec};
use url::Url;

use super::path::Path;
use super::{Config, SourceKind, Storage};

impl Config {
    /// Returns every text that is a secret, or likely to be one: tokens, variables and headers of
    /// servers, what stands in the query of an address, and what variables were put in for.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> =
            self.auth.tokens.iter().map(|token| token.token.expose().to_owned()).collect();
        secrets.extend(self.auth.api_keys.iter().map(|key| key.key.expose().to_owned()));
        secrets.extend(self.auth.jwt_secret().map(|secret| secret.expose().to_owned()));
        for spec in &self.gateway.servers {
            self.of_server(spec, &mut secrets);
        }
        for (_, webhook) in self.webhooks() {
            secrets.extend(webhook.secret.clone());
            of_query(&webhook.url, &mut secrets);
        }
        for value in self.otlp.iter().flat_map(|otlp| otlp.headers.values()) {
            of_header(value.expose(), &mut secrets);
        }
        if let Storage::Postgres(config) = &self.storage {
            secrets.extend(config.password.clone());
        }
        let key = self.service_ports.embeddings.as_ref().and_then(|model| model.api_key.as_ref());
        secrets.extend(key.map(|key| key.expose().to_owned()));
        for source in &self.streaming.sources {
            if let SourceKind::Url { url, .. } = &source.kind {
                of_query(url, &mut secrets);
            }
        }
        secrets
    }

    /// Returns where a likely secret stands in the file itself, and not in a variable.
    pub fn literal_secrets(&self) -> Vec<Path> {
        let root = Path::root();
        let auth = root.key("auth");
        let tokens =
            (0..self.auth.tokens.len()).map(|at| auth.key("tokens").index(at).key("token"));
        let keys =
            (0..self.auth.api_keys.len()).map(|at| auth.key("api_keys").index(at).key("key"));
        let jwt = self.auth.jwt_secret().map(|_| auth.key("jwt").key("secret"));
        let mut places: Vec<Path> = tokens.chain(keys).chain(jwt).collect();
        for spec in &self.gateway.servers {
            let server = root.key("servers").key(&spec.name);
            match &spec.connection {
                Connection::Stdio { env, .. } => {
                    let secret = env.keys().filter(|name| is_secret_name(name));
                    places.extend(secret.map(|name| server.key("env").key(name)));
                }
                Connection::Http { headers, .. } => {
                    let secret = headers.keys().filter(|name| is_secret_name(name));
                    places.extend(secret.map(|name| server.key("headers").key(name)));
                }
            }
        }
        let otlp = root.key("tracing").key("otlp").key("headers");
        let sent = self.otlp.iter().flat_map(|otlp| otlp.headers.keys());
        places.extend(sent.filter(|name| is_secret_name(name)).map(|name| otlp.key(name)));
        let embeddings = self.service_ports.embeddings.as_ref();
        if embeddings.is_some_and(|model| model.api_key.is_some()) {
            places.push(root.key("services").key("embeddings").key("api_key"));
        }
        let storage = root.key("storage");
        for (path, webhook) in self.webhooks() {
            places.extend(webhook.secret.is_some().then(|| path.key("secret")));
        }
        if matches!(&self.storage, Storage::Postgres(config) if config.password.is_some()) {
            let is_given = |key| self.written.iter().any(|(path, _)| *path == storage.key(key));
            // It stands in one of the two, and nobody else knows in which.
            if !is_given("url") && !is_given("password") {
                places.push(storage);
            }
        }
        // Names of headers are the same in upper and lower case.
        let from_outside: Vec<String> =
            self.written.iter().map(|(path, _)| path.to_string().to_ascii_lowercase()).collect();
        places.retain(|place| !from_outside.contains(&place.to_string().to_ascii_lowercase()));
        places
    }

    /// Returns every webhook and where it stands.
    fn webhooks(&self) -> impl Iterator<Item = (Path, &WebhookSpec)> {
        let spec = self.gateway.hooks.spec();
        let all = [("requests", &spec.requests), ("results", &spec.results)];
        all.into_iter().flat_map(|(key, hooks)| {
            let path = Path::root().key("hooks").key(key);
            hooks.iter().enumerate().filter_map(move |(at, hook)| match &hook.action {
                Action::Webhook(webhook) => Some((path.index(at).key("webhook"), webhook)),
                _ => None,
            })
        })
    }

    fn of_server(&self, spec: &UpstreamSpec, secrets: &mut Vec<String>) {
        match &spec.connection {
            Connection::Stdio { args, env, .. } => {
                secrets.extend(env.values().cloned());
                let path = Path::root().key("servers").key(&spec.name).key("args");
                let is_from_outside =
                    |at: usize| self.written.iter().any(|(known, _)| *known == path.index(at));
                let foreign = args.iter().enumerate().filter(|(at, _)| is_from_outside(*at));
                secrets.extend(foreign.map(|(_, value)| value.clone()));
            }
            Connection::Http { url, headers } => {
                for value in headers.values() {
                    of_header(value, secrets);
                }
                of_query(url, secrets);
            }
        }
    }
}

/// The query of an address: people put tokens there.
fn of_query(url: &str, secrets: &mut Vec<String>) {
    if let Ok(url) = Url::parse(url) {
        secrets.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    }
}

/// `Bearer SECRET`: the secret may stand elsewhere without its scheme.
fn of_header(value: &str, secrets: &mut Vec<String>) {
    secrets.extend(value.split_once(' ').map(|(_, secret)| secret.to_owned()));
    secrets.push(value.to_owned());
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Env, Source};

    #[test]
    fn a_secret_in_the_file_itself_is_told_from_one_in_a_variable() {
        let text = "auth: { tokens: [{ name: a, token: 0123456789abcdef }, { name: b, token: '${B}' }] }\n\
                    servers:\n  one:\n    command: run\n    env: { API_KEY: k, OTHER_KEY_TOKEN: '${B}', PAGER: \
                    cat }\n  two:\n    url: http://127.0.0.1/mcp\n    headers: { Authorization: 'Bearer ${B}', \
                    X-Api-Key: k }\n";
        let env = Env::from_pairs([("B", "fedcba9876543210")]);
        let config = Config::parse(text, &Source::default(), &env).unwrap();
        let places = config.literal_secrets().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            places,
            ["auth.tokens[0].token", "servers.one.env.API_KEY", "servers.two.headers.x-api-key"]
        );
    }

    #[test]
    fn all_that_may_be_a_secret_is_found() {
        let text = "auth: { tokens: [{ name: a, token: 0123456789abcdef }] }\nservers:\n  one:\n    \
                    command: run\n    args: [--plain, '--key=${KEY}']\n    env: { PASS: word }\n  \
                    two:\n    url: http://127.0.0.1/mcp?key=in%20query\n    headers: { \
                    Authorization: Bearer b4r3r }\ntracing: { otlp: { endpoint: 'http://127.0.0.1:4318', \
                    headers: { x-key: h0neyc0mb } } }\nstorage: { url: 'postgres://a:p%40ss@db/x' }\n";
        let env = Env::from_pairs([("KEY", "hunter2")]);
        let config = Config::parse(text, &Source::default(), &env).unwrap();
        assert_eq!(
            config.secrets(),
            [
                "0123456789abcdef",
                "word",
                "--key=hunter2",
                "b4r3r",
                "Bearer b4r3r",
                "in query",
                "h0neyc0mb",
                "p@ss"
            ]
        );
    }
}
