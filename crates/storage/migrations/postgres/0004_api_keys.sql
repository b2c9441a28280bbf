-- API keys that the gateway made: what is kept of each, never the key. `scopes` and `roles` are
-- words with spaces between; without `scopes` a key is not limited by scopes, with none in it the
-- key opens nothing. Nothing here is ever pruned: a key that was revoked must not become one that
-- was never there.

CREATE TABLE api_keys (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    digest     BYTEA            NOT NULL UNIQUE,
    pepper     BIGINT           NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    scopes     TEXT COLLATE "C",
    roles      TEXT COLLATE "C" NOT NULL,
    tier       TEXT COLLATE "C",
    made_at    BIGINT           NOT NULL,
    expires_at BIGINT,
    used_at    BIGINT,
    revoked_at BIGINT
);
