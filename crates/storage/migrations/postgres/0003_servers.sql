-- Servers that were made over the HTTP API, each as the JSON text of its entry, secrets included:
-- keep the database for the gateway's role alone. Nothing here is ever pruned.

CREATE TABLE servers (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    made_at    BIGINT           NOT NULL,
    changed_at BIGINT           NOT NULL,
    entry      TEXT COLLATE "C" NOT NULL
);
