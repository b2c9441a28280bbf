-- The audit trails that are kept in the database: one for each gateway that writes here, each a chain
-- of its own. The columns beside `line` repeat what is searched for. `line` stands last, so that a
-- search by the others need not walk its pages.

CREATE TABLE audit (
    trail      TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    event      TEXT    NOT NULL,
    outcome    TEXT    NOT NULL,
    principal  TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    line       TEXT    NOT NULL,
    PRIMARY KEY (trail, seq)
) STRICT;

CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_request ON audit (request_id) WHERE request_id <> '';
