-- What each upstream last offered, and which era it was found to speak.
-- `touched_at` is written on every put, and on a read when it is older than a day: what nobody
-- touches for long is pruned. A profile too long for an index stands here as its digest.

CREATE TABLE offers (
    upstream   TEXT COLLATE "C" NOT NULL,
    profile    TEXT COLLATE "C" NOT NULL,
    stored_at  BIGINT           NOT NULL,
    touched_at BIGINT           NOT NULL,
    offer      BYTEA            NOT NULL,
    PRIMARY KEY (upstream, profile)
);

CREATE TABLE verdicts (
    upstream   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    verdict    TEXT COLLATE "C" NOT NULL,
    found_at   BIGINT           NOT NULL,
    touched_at BIGINT           NOT NULL
);
