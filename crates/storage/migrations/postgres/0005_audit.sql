-- The audit trails that are kept in the database: one for each gateway that writes here, each a chain
-- of its own. The columns beside `line` repeat what is searched for.

CREATE TABLE audit (
    trail      TEXT COLLATE "C" NOT NULL,
    seq        BIGINT           NOT NULL,
    at         BIGINT           NOT NULL,
    event      TEXT COLLATE "C" NOT NULL,
    outcome    TEXT COLLATE "C" NOT NULL,
    principal  TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    line       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (trail, seq)
);

CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_request ON audit (request_id) WHERE request_id <> '';
