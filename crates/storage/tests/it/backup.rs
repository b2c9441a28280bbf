//! Backups of real databases: whole, or refused; into an empty place, of either back end.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use gantry_core::Principal;
use gantry_core::session::{Remembered, SessionChange, SessionRecord, SessionStore as _};
use gantry_core::store::{OfferStore as _, ServerStore as _, StoredVerdict};
use gantry_protocol::Revision;
use gantry_storage::Database;
use gantry_storage::backup::{
    BackupError, Contents, Fate, Passphrase, Place as Where, Summary, Target, make, restore, verify,
};
use gantry_testkit::postgres::PostgresServer;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use crate::postgres::{DATABASE, config, open as open_server};
use crate::support::{NOW, Place, put};

const SECRET: &str = "a-name-nobody-else-has";

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery")
}

/// A folder for backups, and a configuration beside them.
struct Shelf {
    folder: TempDir,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("gantry.yaml"), "servers: {}\n").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn save(
        &self,
        database: &Where,
        passphrase: Option<&Passphrase>,
    ) -> Result<Summary, BackupError> {
        let files = [("configuration/gantry.yaml".to_owned(), self.path("gantry.yaml"))];
        let contents = Contents { database, files: &files, release: "0.1.0", now: NOW };
        make(&self.path("backup"), true, passphrase, &contents).await
    }

    async fn put_back(&self, database: &Where, may_replace: bool) -> Result<(), BackupError> {
        let restored = self.path("restored.yaml");
        let files = |name: &str| match name {
            "configuration/gantry.yaml" => Fate::IfAbsent(restored.clone()),
            _ => Fate::Nowhere,
        };
        let target = Target { database, files: &files, may_replace, now: NOW };
        restore(&self.path("backup"), Some(&passphrase()), &target).await.map(drop)
    }
}

fn record() -> SessionRecord {
    SessionRecord {
        revision: Revision::V2025_11_25,
        principal: Principal::new("https://id.example.com/", SECRET),
        capabilities: Bytes::from((0..=u8::MAX).collect::<Vec<_>>()),
        client_info: Bytes::from_static(b"{}"),
        view: "".into(),
        log_level: None,
        subscriptions: vec!["a://\t\n\r\\N\\x".into()],
        lists: [1, 2, u64::MAX],
        seen_at: NOW,
    }
}

async fn fill(database: &dyn Database) {
    let every_byte = Bytes::from((0..=u8::MAX).collect::<Vec<_>>());
    database.put_offer("docs", "{\"a\":\"\\t\\\\\"}", every_byte).await.unwrap();
    database.put_offer("docs", &"p".repeat(60_000), Bytes::new()).await.unwrap();
    for number in 0..5 {
        let large = Bytes::from(vec![number; 700_000]);
        database.put_offer(&format!("large-{number}"), "", large).await.unwrap();
    }
    let verdict = StoredVerdict { verdict: "legacy".to_owned(), found_at: NOW };
    database.put_verdict("docs", verdict).await.unwrap();
    database.put_server("docs", "{\"url\":\"a\\tb\\n\\\\.é\"}").await.unwrap();
    let open = SessionChange::Put(Box::new(record()));
    database.write(vec![([1; 16], open), ([2; 16], SessionChange::Ended(NOW))]).await.unwrap();
}

async fn holds_it_all(database: &dyn Database) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let offer = database.offer("docs", "{\"a\":\"\\t\\\\\"}").await.unwrap();
    assert_eq!(offer.as_deref(), Some(&every_byte[..]));
    assert!(database.offer("docs", &"p".repeat(60_000)).await.unwrap().is_some());
    for number in 0..5 {
        let offer = database.offer(&format!("large-{number}"), "").await.unwrap().unwrap();
        assert!(offer.len() == 700_000 && offer.iter().all(|byte| *byte == number));
    }
    assert_eq!(database.verdict("docs").await.unwrap().unwrap().found_at, NOW);
    let servers = database.servers().await.unwrap();
    assert_eq!(servers[0].entry, "{\"url\":\"a\\tb\\n\\\\.é\"}");
    assert_eq!(database.get([1; 16]).await.unwrap(), Remembered::Open(Box::new(record())));
    assert_eq!(database.get([2; 16]).await.unwrap(), Remembered::Ended);
}

async fn filled() -> (Place, Where) {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    fill(&database).await;
    database.close().await;
    let at = Where::Sqlite(place.file());
    (place, at)
}

fn contains(path: &Path, text: &str) -> bool {
    let bytes = fs::read(path).unwrap();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_backup_is_restored_as_it_was_and_is_no_file_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let (shelf, (_place, from)) = (Shelf::new(), filled().await);
    let made = shelf.save(&from, Some(&passphrase())).await.unwrap();
    let path = shelf.path("backup");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!contains(&path, SECRET) && !contains(&path, "servers"));
    let seen = verify(&path, Some(&passphrase())).await.unwrap();
    assert_eq!((seen.rows, seen.is_encrypted), (made.rows, true));
    assert_eq!(seen.files, ["configuration/gantry.yaml"]);
    assert_eq!((seen.header.release.as_str(), seen.header.made_at), ("0.1.0", NOW));
    let to = Place::new();
    shelf.put_back(&Where::Sqlite(to.file()), false).await.unwrap();
    let (database, _tasks) = to.open(NOW).await;
    holds_it_all(&database).await;
    database.close().await;
    assert_eq!(fs::read_to_string(shelf.path("restored.yaml")).unwrap(), "servers: {}\n");
    let left = fs::read_dir(shelf.folder.path()).unwrap().count();
    assert_eq!(left, 3, "nothing half made is left beside");
}

#[tokio::test]
async fn it_goes_from_one_back_end_to_the_other_and_back() {
    let server = PostgresServer::start();
    server.create_database(DATABASE);
    let there = Where::Postgres(Box::new(config(&server)));
    let (shelf, (_place, from)) = (Shelf::new(), filled().await);
    shelf.save(&from, Some(&passphrase())).await.unwrap();
    shelf.put_back(&there, false).await.unwrap();
    let database = open_server(&config(&server), NOW).await.unwrap();
    holds_it_all(&database).await;
    // A gateway is there, and then its rows are.
    let error = shelf.put_back(&there, false).await.unwrap_err();
    assert!(matches!(error, BackupError::InUse { .. }), "{error:?}");
    database.close().await;
    let error = shelf.put_back(&there, false).await.unwrap_err();
    assert!(matches!(error, BackupError::Occupied { .. }), "{error:?}");
    shelf.put_back(&there, true).await.unwrap();
    shelf.save(&there, Some(&passphrase())).await.unwrap();
    let to = Place::new();
    shelf.put_back(&Where::Sqlite(to.file()), false).await.unwrap();
    let (database, _tasks) = to.open(NOW).await;
    let servers = database.servers().await.unwrap();
    assert_eq!(servers[0].entry, "{\"url\":\"a\\tb\\n\\\\.é\"}");
    assert_eq!(database.get([1; 16]).await.unwrap(), Remembered::Open(Box::new(record())));
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_shows_one_moment_while_the_gateway_writes() {
    let (shelf, place) = (Shelf::new(), Place::new());
    let (database, tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    let writing = database.clone();
    let writer = tasks.spawn_until_stop("writer", async move {
        for number in 0_u64.. {
            let pair = [[1; 16], [2; 16]].map(|id| {
                let seen_at = NOW + number;
                (id, SessionChange::Put(Box::new(SessionRecord { seen_at, ..record() })))
            });
            if writing.write(pair.to_vec()).await.is_err() {
                return;
            }
        }
    });
    let mut moments = Vec::new();
    for _ in 0..10 {
        shelf.save(&Where::Sqlite(place.file()), None).await.unwrap();
        let to = Place::new();
        shelf.put_back(&Where::Sqlite(to.file()), false).await.unwrap();
        let (copy, _tasks) = to.open(NOW).await;
        let (first, second) = (copy.get([1; 16]).await.unwrap(), copy.get([2; 16]).await.unwrap());
        assert_eq!(first, second, "the two were written together");
        if let Remembered::Open(record) = first {
            moments.push(record.seen_at);
        }
        copy.close().await;
    }
    assert!(moments.is_sorted() && moments.last() > moments.first(), "{moments:?}");
    assert!(tasks.shut_down(std::time::Duration::from_secs(10)).await);
    drop(writer);
    database.close().await;
}

#[tokio::test]
async fn damage_anywhere_is_found_before_anything_is_written() {
    let (shelf, place) = (Shelf::new(), Place::new());
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    database.close().await;
    let from = Where::Sqlite(place.file());
    let path = shelf.path("backup");
    let to = Place::new();
    for passphrase in [None, Some(passphrase())] {
        shelf.save(&from, passphrase.as_ref()).await.unwrap();
        let whole = fs::read(&path).unwrap();
        // Each attempt on an encrypted one costs what guessing a passphrase should.
        let steps = if passphrase.is_some() { 8 } else { whole.len() };
        for at in (0..whole.len()).step_by(whole.len().div_ceil(steps)) {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            for (bytes, is_cut) in [(&changed[..], false), (&whole[..at], true)] {
                fs::write(&path, bytes).unwrap();
                let outcome = verify(&path, passphrase.as_ref()).await;
                match outcome {
                    // Compressed bytes may say the same in two ways, and gzip's head says little.
                    Ok(seen) => {
                        assert!(passphrase.is_none() && !is_cut, "{at}");
                        assert_eq!((seen.rows, seen.header.made_at), (1, NOW), "{at}");
                    }
                    Err(
                        BackupError::Damaged { .. }
                        | BackupError::PassphraseWrong { .. }
                        | BackupError::Newer { .. },
                    ) => {}
                    Err(error) => panic!("{at}: {error:?}"),
                }
                if is_cut && passphrase.is_none() {
                    shelf.put_back(&Where::Sqlite(to.file()), false).await.unwrap_err();
                    assert!(!to.file().exists());
                }
            }
        }
        fs::write(&path, [&whole[..], b"more"].concat()).unwrap();
        assert!(verify(&path, passphrase.as_ref()).await.is_err());
    }
}

#[tokio::test]
async fn who_has_no_passphrase_or_a_wrong_one_is_told_so() {
    let (shelf, (_place, from)) = (Shelf::new(), filled().await);
    let short = Passphrase::new("hunter2");
    let error = shelf.save(&from, Some(&short)).await.unwrap_err();
    assert!(matches!(error, BackupError::PassphraseShort), "{error:?}");
    assert!(!shelf.path("backup").exists());
    shelf.save(&from, Some(&passphrase())).await.unwrap();
    let path = shelf.path("backup");
    let error = verify(&path, None).await.unwrap_err();
    assert!(matches!(error, BackupError::PassphraseMissing { .. }), "{error:?}");
    let wrong = Passphrase::new("incorrect horse battery");
    let error = verify(&path, Some(&wrong)).await.unwrap_err();
    assert!(matches!(error, BackupError::PassphraseWrong { .. }), "{error:?}");
    assert!(!format!("{wrong:?} {error:?}").contains("horse"));
}

#[tokio::test]
async fn nothing_is_replaced_unless_it_may_be() {
    let (shelf, (place, from)) = (Shelf::new(), filled().await);
    shelf.save(&from, Some(&passphrase())).await.unwrap();
    let contents = Contents { database: &from, files: &[], release: "0.1.0", now: NOW };
    let again = make(&shelf.path("backup"), false, Some(&passphrase()), &contents).await;
    assert!(matches!(again, Err(BackupError::Occupied { .. })), "{again:?}");
    // Something newer is there.
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "newer", "offer").await;
    database.close().await;
    let error = shelf.put_back(&from, false).await.unwrap_err();
    assert!(matches!(error, BackupError::Occupied { .. }), "{error:?}");
    fs::write(shelf.path("restored.yaml"), "mine").unwrap();
    fs::write(format!("{}-wal", place.file().display()), "of the one before").unwrap();
    shelf.put_back(&from, true).await.unwrap();
    let (database, _tasks) = place.open(NOW).await;
    holds_it_all(&database).await;
    assert_eq!(database.offer("newer", "").await.unwrap(), None);
    database.close().await;
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_brought_up_to_date_and_one_of_a_newer_is_refused() {
    let (shelf, (place, from)) = (Shelf::new(), filled().await);
    let change = async |statements: &'static str| {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.file());
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    };
    change("DROP TABLE meta; DELETE FROM migrations WHERE version > 3").await;
    shelf.save(&from, Some(&passphrase())).await.unwrap();
    let to = Place::new();
    shelf.put_back(&Where::Sqlite(to.file()), false).await.unwrap();
    let (database, _tasks) = to.open(NOW).await;
    holds_it_all(&database).await;
    database.close().await;
    change("INSERT INTO migrations (version, name, applied_at) VALUES (1007, 'later', 0)").await;
    shelf.save(&from, Some(&passphrase())).await.unwrap();
    let to = Place::new();
    let error = shelf.put_back(&Where::Sqlite(to.file()), false).await.unwrap_err();
    assert!(matches!(error, BackupError::Newer { .. }), "{error:?}");
    assert!(!to.file().exists());
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let shelf = Shelf::new();
    let absent = Where::Sqlite(shelf.path("nothing.db"));
    let error = shelf.save(&absent, Some(&passphrase())).await.unwrap_err();
    assert!(gantry_core::chain(&error).contains("nothing.db"), "{error:?}");
    assert!(!shelf.path("nothing.db").exists(), "and is not made");
    let error = verify(&shelf.path("no-backup"), None).await.unwrap_err();
    assert!(matches!(error, BackupError::Unreadable { .. }), "{error:?}");
}
