//! The statements that every back end understands; only schemas and what opens them differ.

pub(crate) const OFFER: &str =
    "SELECT offer, touched_at FROM offers WHERE upstream = $1 AND profile = $2";

pub(crate) const PUT_OFFER: &str = "\
    INSERT INTO offers (upstream, profile, offer, stored_at, touched_at)
    VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT (upstream, profile) DO UPDATE SET
        offer = excluded.offer,
        stored_at = excluded.stored_at,
        touched_at = excluded.touched_at";

/// Keeps 64 profiles of an upstream, the one just put among them.
pub(crate) const BOUND_PROFILES: &str = "\
    DELETE FROM offers
    WHERE upstream = $1 AND profile <> $2 AND profile NOT IN (
        SELECT profile FROM offers
        WHERE upstream = $1 AND profile <> $2
        ORDER BY touched_at DESC, profile
        LIMIT 63
    )";

pub(crate) const TOUCH_OFFER: &str =
    "UPDATE offers SET touched_at = $3 WHERE upstream = $1 AND profile = $2";

pub(crate) const PRUNE_OFFERS: &str = "DELETE FROM offers WHERE touched_at < $1";

pub(crate) const VERDICT: &str =
    "SELECT verdict, found_at, touched_at FROM verdicts WHERE upstream = $1";

pub(crate) const PUT_VERDICT: &str = "\
    INSERT INTO verdicts (upstream, verdict, found_at, touched_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (upstream) DO UPDATE SET
        verdict = excluded.verdict,
        found_at = excluded.found_at,
        touched_at = excluded.touched_at";

pub(crate) const TOUCH_VERDICT: &str = "UPDATE verdicts SET touched_at = $2 WHERE upstream = $1";

pub(crate) const PRUNE_VERDICTS: &str = "DELETE FROM verdicts WHERE touched_at < $1";

pub(crate) const SESSION: &str = "\
    SELECT seen_at, ended, revision, issuer, subject, view, log_level, lists, subscriptions,
        client_info, capabilities
    FROM sessions WHERE id = $1";

pub(crate) const PUT_SESSION: &str = "\
    INSERT INTO sessions (id, seen_at, ended, revision, issuer, subject, view, log_level, lists,
        subscriptions, client_info, capabilities)
    VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO UPDATE SET
        seen_at = excluded.seen_at,
        log_level = excluded.log_level,
        lists = excluded.lists,
        subscriptions = excluded.subscriptions,
        client_info = excluded.client_info,
        capabilities = excluded.capabilities
    WHERE sessions.ended = 0";

pub(crate) const SEEN_SESSION: &str =
    "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND ended = 0";

/// `$3` is no bytes at all: what was known of the client goes.
pub(crate) const END_SESSION: &str = "\
    INSERT INTO sessions (id, seen_at, ended, revision, issuer, subject, view, log_level, lists,
        subscriptions, client_info, capabilities)
    VALUES ($1, $2, 1, '', '', '', '', NULL, $3, '', $3, $3)
    ON CONFLICT (id) DO UPDATE SET
        seen_at = excluded.seen_at, ended = 1, revision = '', issuer = '', subject = '', view = '',
        log_level = NULL, lists = $3, subscriptions = '', client_info = $3, capabilities = $3";

/// `$2` is no bytes at all.
pub(crate) const END_IDLE_SESSIONS: &str = "\
    UPDATE sessions SET ended = 1, revision = '', issuer = '', subject = '', view = '',
        log_level = NULL, lists = $2, subscriptions = '', client_info = $2, capabilities = $2
    WHERE ended = 0 AND seen_at < $1";

pub(crate) const FORGET_SESSIONS: &str = "DELETE FROM sessions WHERE ended = 1 AND seen_at < $1";

/// Keeps twice as many as may be open at once.
pub(crate) const BOUND_SESSIONS: &str = "\
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions ORDER BY ended, seen_at DESC LIMIT 9223372036854775807 OFFSET 200000
    )";

pub(crate) const RECORD: &str = "\
    SELECT key, value, expires_at FROM records
    WHERE kind = $1 AND owner = $2 AND key = $3 AND (expires_at IS NULL OR expires_at > $4)";

pub(crate) const RECORDS: &str = "\
    SELECT key, value, expires_at FROM records
    WHERE kind = $1 AND owner = $2 AND (expires_at IS NULL OR expires_at > $3)
    ORDER BY put DESC, key LIMIT $4";

pub(crate) const PUT_RECORD: &str = "\
    INSERT INTO records (kind, owner, key, put, size, written_at, expires_at, value)
    SELECT $1, $2, $3, COALESCE(MAX(put), 0) + 1, $4, $5, $6, $7
    FROM records WHERE kind = $1 AND owner = $2
    ON CONFLICT (kind, owner, key) DO UPDATE SET
        put = excluded.put,
        size = excluded.size,
        written_at = excluded.written_at,
        expires_at = excluded.expires_at,
        value = excluded.value";

/// Says whether room has to be made: cheap, because the index has all of it.
pub(crate) const RECORDS_TAKEN: &str = "\
    SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT)
    FROM records WHERE kind = $1 AND owner = $2";

/// Keeps `$3` records of a kind and owner, with `$4` bytes of values, the last ones put; and none
/// that have expired by `$5`.
pub(crate) const BOUND_RECORDS: &str = "\
    DELETE FROM records WHERE kind = $1 AND owner = $2 AND (
        expires_at <= $5 OR key IN (
            SELECT key FROM (
                SELECT key,
                    ROW_NUMBER() OVER (ORDER BY put DESC, key) AS place,
                    SUM(size) OVER (ORDER BY put DESC, key) AS total
                FROM records
                WHERE kind = $1 AND owner = $2 AND (expires_at IS NULL OR expires_at > $5)
            ) AS ordered WHERE place > $3 OR total > $4
        )
    )";

pub(crate) const REMOVE_RECORD: &str =
    "DELETE FROM records WHERE kind = $1 AND owner = $2 AND key = $3";

pub(crate) const EXPIRE_RECORDS: &str = "DELETE FROM records WHERE expires_at <= $1";

pub(crate) const PRUNE_RECORDS: &str = "\
    DELETE FROM records
    WHERE expires_at <= $2 OR (expires_at IS NULL AND written_at < $1)";

pub(crate) const SERVERS: &str = "SELECT name, entry FROM servers ORDER BY name";

pub(crate) const PUT_SERVER: &str = "\
    INSERT INTO servers (name, entry, made_at, changed_at)
    VALUES ($1, $2, $3, $3)
    ON CONFLICT (name) DO UPDATE SET
        entry = excluded.entry,
        changed_at = excluded.changed_at";

pub(crate) const REMOVE_SERVER: &str = "DELETE FROM servers WHERE name = $1";

/// What is there stays: the same line may come again after a commit whose answer was lost.
pub(crate) const PUT_AUDIT: &str = "\
    INSERT INTO audit (trail, seq, at, event, outcome, principal, name, request_id, line)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (trail, seq) DO UPDATE SET line = excluded.line
    WHERE audit.at = excluded.at AND audit.event = excluded.event AND audit.name = excluded.name
        AND audit.request_id = excluded.request_id AND audit.principal = excluded.principal
        AND audit.outcome = excluded.outcome";

pub(crate) const AUDIT_LAST: &str =
    "SELECT line FROM audit WHERE trail = $1 ORDER BY seq DESC LIMIT 1";

pub(crate) const AUDIT_AFTER: &str =
    "SELECT line FROM audit WHERE trail = $1 AND seq > $2 ORDER BY seq LIMIT $3";

pub(crate) const COUNT_OLD_AUDIT: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM audit WHERE at < $1 LIMIT $2)";

/// Takes the oldest of each trail, never its last.
pub(crate) const FORGET_AUDIT: &str = "\
    DELETE FROM audit WHERE (trail, seq) IN (
        SELECT trail, seq FROM audit AS old
        WHERE at < $1 AND seq < (SELECT MAX(seq) FROM audit WHERE trail = old.trail)
        ORDER BY at LIMIT $2
    )";

pub(crate) const AUDIT_TRAILS: &str = "SELECT DISTINCT trail FROM audit ORDER BY trail";

pub(crate) const KEYS: &str = "\
    SELECT id, digest, pepper, name, scopes, roles, tier, made_at, expires_at, used_at, revoked_at
    FROM api_keys ORDER BY made_at, id";

pub(crate) const MAKE_KEY: &str = "\
    INSERT INTO api_keys (id, digest, pepper, name, scopes, roles, tier, made_at, expires_at,
        used_at, revoked_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub(crate) const EXPIRE_KEY: &str = "\
    UPDATE api_keys SET expires_at = $2
    WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)";

pub(crate) const REVOKE_KEY: &str =
    "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

pub(crate) const FORGET_KEY: &str = "DELETE FROM api_keys WHERE id = $1";

pub(crate) const KEY_USED: &str =
    "UPDATE api_keys SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)";
