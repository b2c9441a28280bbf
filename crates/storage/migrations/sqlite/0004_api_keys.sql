-- API keys that the gateway made: what is kept of each, never the key. `scopes` and `roles` are
-- words with spaces between; without `scopes` a key is not limited by scopes, with none in it the
-- key opens nothing. Nothing here is ever pruned: a key that was revoked must not become one that
-- was never there.

CREATE TABLE api_keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    digest     BLOB    NOT NULL UNIQUE,
    pepper     INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    scopes     TEXT,
    roles      TEXT    NOT NULL,
    tier       TEXT,
    made_at    INTEGER NOT NULL,
    expires_at INTEGER,
    used_at    INTEGER,
    revoked_at INTEGER
) STRICT;
