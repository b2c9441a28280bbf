-- The legacy sessions of clients. One that has ended stays for a while as `ended`, without its
-- facts: its id must not open it again. What may be long stands last, so that looking for the old
-- ones need not walk its pages.

CREATE TABLE sessions (
    id            BLOB    NOT NULL PRIMARY KEY,
    seen_at       INTEGER NOT NULL,
    ended         INTEGER NOT NULL,
    revision      TEXT    NOT NULL,
    issuer        TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    view          TEXT    NOT NULL,
    log_level     TEXT,
    lists         BLOB    NOT NULL,
    subscriptions TEXT    NOT NULL,
    client_info   BLOB    NOT NULL,
    capabilities  BLOB    NOT NULL
) STRICT;
