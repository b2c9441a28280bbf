-- Servers that were made over the HTTP API, each as the JSON text of its entry, secrets included:
-- the file is readable for the gateway's user alone. Nothing here is ever pruned.

CREATE TABLE servers (
    name       TEXT    NOT NULL PRIMARY KEY,
    made_at    INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    entry      TEXT    NOT NULL
) STRICT;
