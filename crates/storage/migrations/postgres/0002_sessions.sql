-- The legacy sessions of clients. One that has ended stays for a while as `ended`, without its
-- facts: its id must not open it again. What may be long stands last, so that looking for the old
-- ones need not walk its pages.

CREATE TABLE sessions (
    id            BYTEA            NOT NULL PRIMARY KEY,
    seen_at       BIGINT           NOT NULL,
    ended         BIGINT           NOT NULL,
    revision      TEXT COLLATE "C" NOT NULL,
    issuer        TEXT COLLATE "C" NOT NULL,
    subject       TEXT COLLATE "C" NOT NULL,
    view          TEXT COLLATE "C" NOT NULL,
    log_level     TEXT COLLATE "C",
    lists         BYTEA            NOT NULL,
    subscriptions TEXT COLLATE "C" NOT NULL,
    client_info   BYTEA            NOT NULL,
    capabilities  BYTEA            NOT NULL
);
