-- What the built-in services keep for a principal, by kind and key. `put` orders the records of one
-- kind and owner: the last one written has the highest number. `size` is that of the value, so that
-- it can be added up without reading it.

CREATE TABLE records (
    kind       TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    put        INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    expires_at INTEGER,
    value      BLOB    NOT NULL,
    PRIMARY KEY (kind, owner, key)
) STRICT;

CREATE INDEX records_by_age ON records (kind, owner, put, size);
CREATE INDEX records_by_end ON records (expires_at) WHERE expires_at IS NOT NULL;
