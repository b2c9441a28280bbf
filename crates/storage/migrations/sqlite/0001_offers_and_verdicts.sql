-- What each upstream last offered, and which era it was found to speak.
-- `touched_at` is written on every put, and on a read when it is older than a day: what nobody
-- touches for long is pruned. `offer` stands last, so that a scan need not walk its pages.

CREATE TABLE offers (
    upstream   TEXT    NOT NULL,
    profile    TEXT    NOT NULL,
    stored_at  INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    offer      BLOB    NOT NULL,
    PRIMARY KEY (upstream, profile)
) STRICT;

CREATE TABLE verdicts (
    upstream   TEXT    NOT NULL PRIMARY KEY,
    verdict    TEXT    NOT NULL,
    found_at   INTEGER NOT NULL,
    touched_at INTEGER NOT NULL
) STRICT;
