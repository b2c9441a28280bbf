//! What rows of every back end have in common: their bounds, how times and sessions are written.

use std::fmt::Write as _;

use bytes::Bytes;
use gantry_core::Principal;
use gantry_core::audit::Query;
use gantry_core::keys::{KeyChange, StoredKey};
use gantry_core::session::{Lists, Remembered, SessionRecord};
use gantry_core::store::{StoreError, StoredRecord};
use gantry_protocol::Revision;
use sqlx::{ColumnIndex, Decode, Row, Type};

/// Largest offer, in bytes.
pub(crate) const MOST_OFFER: usize = 16 * 1024 * 1024;
/// Longest upstream key or verdict, in bytes.
pub(crate) const MOST_KEY: usize = 1024;
/// Longest profile, in bytes.
pub(crate) const MOST_PROFILE: usize = 64 * 1024;
/// Longest name of a server, in bytes.
pub(crate) const MOST_NAME: usize = 64;
/// Largest entry of a server, in bytes.
pub(crate) const MOST_ENTRY: usize = 256 * 1024;
/// Largest entry of an audit trail, in bytes.
pub(crate) const MOST_LINE: usize = 1024 * 1024;
/// Longest text of an API key, in bytes: its scopes and roles may be many.
const MOST_KEY_TEXT: usize = 16 * 1024;
/// Longest kind of a record, in bytes.
pub(crate) const MOST_KIND: usize = 64;
/// Longest owner or key of a record, in bytes.
pub(crate) const MOST_RECORD_NAME: usize = 1024;
/// Largest value of a record, in bytes.
pub(crate) const MOST_RECORD: usize = 1024 * 1024;
/// Most records of one kind and owner.
pub(crate) const MOST_RECORDS: i64 = 2_000;
/// Most bytes of their values.
pub(crate) const MOST_RECORD_BYTES: i64 = 64 * 1024 * 1024;
/// Seconds after which what nobody touched is forgotten.
pub(crate) const KEPT: u64 = 90 * DAY;
/// A read within a day of the last touch writes nothing.
pub(crate) const DAY: u64 = 24 * 60 * 60;

/// What stands in the place of a client's facts once they are gone.
pub(crate) const NOTHING: &[u8] = &[];

/// SQL has no unsigned integers; the year 292 billion is far away.
pub(crate) fn seconds(unix: u64) -> i64 {
    i64::try_from(unix).unwrap_or(i64::MAX)
}

/// Refuses what is larger than a row may be.
pub(crate) fn bounded(
    action: &'static str,
    what: &str,
    found: usize,
    most: usize,
) -> Result<(), StoreError> {
    if found <= most {
        return Ok(());
    }
    Err(StoreError {
        action,
        cause: format!("{what} of {found} bytes is above the {most} allowed"),
    })
}

/// Returns the moment to write down for a row last touched then, if a day has passed.
pub(crate) fn touch_due(touched_at: i64, now: u64) -> Option<i64> {
    (touched_at < seconds(now.saturating_sub(DAY))).then_some(seconds(now))
}

/// Reads a session.
pub(crate) fn remembered<'r, R>(row: &'r R) -> Result<Remembered, sqlx::Error>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    if row.try_get::<i64, _>("ended")? != 0 {
        return Ok(Remembered::Ended);
    }
    let text = |column: &'static str| row.try_get::<String, _>(column);
    let bytes = |column: &'static str| row.try_get::<Vec<u8>, _>(column).map(Bytes::from);
    let foreign = |column: &str| {
        let source = format!("`{column}` of a session is not what this version writes").into();
        sqlx::Error::ColumnDecode { index: column.to_owned(), source }
    };
    let revision = Revision::parse(&text("revision")?).ok_or_else(|| foreign("revision"))?;
    let subscriptions = serde_json::from_str(&text("subscriptions")?);
    Ok(Remembered::Open(Box::new(SessionRecord {
        revision,
        principal: Principal::new(&text("issuer")?, &text("subject")?),
        capabilities: bytes("capabilities")?,
        client_info: bytes("client_info")?,
        view: text("view")?.into_boxed_str(),
        log_level: row.try_get::<Option<String>, _>("log_level")?.map(String::into_boxed_str),
        subscriptions: subscriptions.map_err(|_| foreign("subscriptions"))?,
        lists: lists_of(&bytes("lists")?).ok_or_else(|| foreign("lists"))?,
        seen_at: u64::try_from(row.try_get::<i64, _>("seen_at")?).unwrap_or(0),
    })))
}

fn lists_of(bytes: &[u8]) -> Option<Lists> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    let [tools, prompts, resources] = numbers else { return None };
    let number = |bytes: &[u8; 8]| u64::from_be_bytes(*bytes);
    rest.is_empty().then(|| [number(tools), number(prompts), number(resources)])
}

/// Writes down what a client knows of the lists.
pub(crate) fn bytes_of(lists: Lists) -> Vec<u8> {
    lists.map(u64::to_be_bytes).concat()
}

/// Writes down what a session subscribed to.
pub(crate) fn subscriptions_of(record: &SessionRecord) -> Result<String, sqlx::Error> {
    serde_json::to_string(&record.subscriptions)
        .map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// A value that a search compares a column with.
#[derive(Debug)]
pub(crate) enum Sought {
    Moment(i64),
    Text(String),
}

/// Returns the condition of a search in the audit trails, from `$1` on, and its values; empty if
/// everything is looked for.
pub(crate) fn audit_condition(query: &Query) -> (String, Vec<Sought>) {
    let moment = |moment: Option<u64>| moment.map(|moment| Sought::Moment(seconds(moment)));
    let text = |text: &Option<String>| text.clone().map(Sought::Text);
    let conditions = [
        ("at >=", moment(query.since)),
        ("at <", moment(query.until)),
        ("principal =", text(&query.principal)),
        ("name =", text(&query.name)),
        ("event =", text(&query.event)),
        ("outcome =", text(&query.outcome)),
        ("request_id =", text(&query.request_id)),
    ];
    let (mut condition, mut values) = (String::new(), Vec::new());
    for (column, value) in conditions {
        let Some(value) = value else { continue };
        values.push(value);
        let joint = if values.len() == 1 { " WHERE" } else { " AND" };
        // Writing to a string cannot fail.
        let _ = write!(condition, "{joint} {column} ${}", values.len());
    }
    (condition, values)
}

/// Reads an API key.
pub(crate) fn stored_key<'r, R>(row: &'r R) -> Result<StoredKey, sqlx::Error>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    let text = |column: &'static str| row.try_get::<String, _>(column).map(String::into_boxed_str);
    let maybe = |column: &'static str| row.try_get::<Option<String>, _>(column);
    let unsigned = |at: i64| u64::try_from(at).unwrap_or(0);
    let moment =
        |column: &'static str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(unsigned));
    let foreign = |column: &str| {
        let source = format!("`{column}` of a key is not what this version writes").into();
        sqlx::Error::ColumnDecode { index: column.to_owned(), source }
    };
    let digest = row.try_get::<Vec<u8>, _>("digest")?;
    let pepper = row.try_get::<i64, _>("pepper")?;
    Ok(StoredKey {
        id: text("id")?,
        digest: digest.try_into().map_err(|_| foreign("digest"))?,
        pepper: u32::try_from(pepper).map_err(|_| foreign("pepper"))?,
        name: text("name")?,
        scopes: maybe("scopes")?.as_deref().map(words),
        roles: words(&text("roles")?),
        tier: maybe("tier")?.map(String::into_boxed_str),
        made_at: unsigned(row.try_get::<i64, _>("made_at")?),
        expires_at: moment("expires_at")?,
        used_at: moment("used_at")?,
        revoked_at: moment("revoked_at")?,
    })
}

/// Refuses keys that are larger than a row may be.
pub(crate) fn check_keys(action: &'static str, changes: &[KeyChange]) -> Result<(), StoreError> {
    let mut sizes = changes.iter().map(size_of_change);
    sizes.try_for_each(|size| bounded(action, "a key", size, MOST_KEY_TEXT))
}

/// Returns about how many bytes a change of the keys holds.
pub(crate) fn size_of_change(change: &KeyChange) -> usize {
    let KeyChange::Make(key) = change else { return 0 };
    let of_words = |words: &[Box<str>]| words.iter().map(|word| word.len() + 1).sum::<usize>();
    let scopes = key.scopes.as_deref().map_or(0, of_words);
    let tier = key.tier.as_deref().map_or(0, str::len);
    key.id.len() + key.name.len() + tier + scopes + of_words(&key.roles)
}

fn words(text: &str) -> Box<[Box<str>]> {
    text.split_ascii_whitespace().map(Box::from).collect()
}

/// Refuses a record that is larger than a row may be.
pub(crate) fn bounded_record(
    kind: &str,
    owner: &str,
    record: &StoredRecord,
) -> Result<(), StoreError> {
    const ACTION: &str = "keep a record";
    bounded(ACTION, "a kind", kind.len(), MOST_KIND)?;
    bounded(ACTION, "an owner", owner.len(), MOST_RECORD_NAME)?;
    bounded(ACTION, "a key", record.key.len(), MOST_RECORD_NAME)?;
    bounded(ACTION, "a record", record.value.len(), MOST_RECORD)
}

/// Tells whether there are more records of one kind and owner, or more bytes, than are kept.
pub(crate) fn are_too_many((records, bytes): (i64, i64)) -> bool {
    records > MOST_RECORDS || bytes > MOST_RECORD_BYTES
}

/// Key, value, unix seconds at which it expires.
pub(crate) type RecordRow = (String, Vec<u8>, Option<i64>);

/// Reads a record.
pub(crate) fn record((key, value, expires_at): RecordRow) -> StoredRecord {
    let expires_at = expires_at.map(|at| u64::try_from(at).unwrap_or(0));
    StoredRecord { key, value: value.into(), expires_at }
}
