//! Why a setting of a Spring application is not taken over.

/// Beginnings of keys as they are compared, the longer ones first, and the reason for each.
const REASONS: &[(&str, &str)] = &[
    ("spring.datasource.url", "the database may be PostgreSQL, or SQLite without any setting"),
    (
        "spring.datasource",
        "of PostgreSQL its address, role, password and the size and times of its pool are taken over",
    ),
    ("spring.jpa", "Gantry makes its own tables, in a schema of its own"),
    ("spring.data.mongodb", "MongoDB is not used"),
    ("spring.data.redis", "stores that several gateways share come later"),
    ("spring.redis", "stores that several gateways share come later"),
    ("spring.session", "stores that several gateways share come later"),
    (
        "spring.cache",
        "which results are kept is said of each tool, in `servers.NAME.traffic.tools`",
    ),
    ("spring.security.oauth2.client", "signing in at a console comes later"),
    (
        "spring.security.oauth2",
        "providers whose tokens are taken are in `auth.oauth`, by their issuer",
    ),
    ("spring.security", "who may call is in `auth`"),
    (
        "spring.cloud.vault",
        "secrets from Vault come later; `${file:PATH}` reads what its agent writes",
    ),
    ("spring.profiles", "has no meaning in a document of a profile"),
    ("spring.", "is of the Spring framework, which Gantry does not use"),
    ("server.ssl.ciphers", "the suites are those of TLS 1.3 and the safe ones of TLS 1.2"),
    ("server.ssl", "TLS needs no more than a certificate and its key"),
    ("server.", "is of the Java server, which Gantry does not use"),
    ("management.endpoints", "who sees what is told by tokens, and every endpoint is there"),
    ("management.endpoint.health.probes", "the probes answer in any case"),
    ("management.endpoint", "details are shown on this machine and to holders of a token"),
    ("management.", "is of the Spring framework, which Gantry does not use"),
    ("logging.level", "no part of Gantry has this name; `log.levels` is for those it has"),
    ("logging.pattern", "lines have a form of their own, told by `log.format`"),
    ("logging.", "is of the Java logger, which Gantry does not use"),
    ("mcp.client.retry", "what is sent again is told by `traffic.retry`"),
    ("mcp.client.pool", "connections are opened as calls need them"),
    ("mcp.client.maxconc", "connections are opened as calls need them"),
    ("mcp.security.jwt", "signed tokens are in `auth.jwt`"),
    ("mcp.security.ratelimiting", "limits of rates are in `limits`"),
    ("mcp.security", "who may call is in `auth`"),
    ("mcp.ai", "answers of language models come later"),
];

/// Returns the reason for a key as it is compared.
pub(super) fn of(canonical: &str) -> &'static str {
    let known = REASONS.iter().find(|(prefix, _)| canonical.starts_with(prefix));
    known.map_or("means nothing to Gantry", |(_, reason)| reason)
}
