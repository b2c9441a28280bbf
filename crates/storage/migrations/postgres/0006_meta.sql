-- What the database says of itself. `oldest_schema` is the oldest schema that a release must know to
-- run on this one, `oldest_release` the release that brought it.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
