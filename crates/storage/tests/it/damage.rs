//! Files that are not what we wrote: a clear error that names the file, and no panic.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use gantry_core::Tasks;
use gantry_core::store::OfferStore as _;
use gantry_storage::{Database as _, OpenError};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::support::{NOW, Place, get, put};

async fn refusal(place: &Place) -> OpenError {
    let tasks = Tasks::new();
    let error = place.try_open(NOW, &tasks).await.expect_err("the file is not usable");
    let text = error.to_string();
    assert!(text.contains(&place.file().display().to_string()), "{text}");
    error
}

async fn full(place: &Place) {
    let (database, _tasks) = place.open(NOW).await;
    for number in 0..100 {
        put(&database, &format!("upstream-{number}"), "some offer").await;
    }
    database.close().await;
}

#[tokio::test]
async fn rubbish_is_no_database() {
    let place = Place::new();
    fs::write(place.file(), "this is no database, and longer than the header is ".repeat(100))
        .unwrap();
    let error = refusal(&place).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("move it away"));
    assert!(fs::read_to_string(place.file()).unwrap().starts_with("this is no"), "left as it is");
}

#[tokio::test]
async fn an_overwritten_schema_is_found_at_the_start() {
    let place = Place::new();
    full(&place).await;
    let mut bytes = fs::read(place.file()).unwrap();
    bytes[100..4096].fill(0xa5);
    fs::write(place.file(), bytes).unwrap();
    let error = refusal(&place).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_cut_file_is_found_at_the_start() {
    let place = Place::new();
    full(&place).await;
    let bytes = fs::read(place.file()).unwrap();
    fs::write(place.file(), &bytes[..4096 + 17]).unwrap();
    let error = refusal(&place).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn damage_at_any_page_is_an_error_and_never_a_panic() {
    let place = Place::new();
    full(&place).await;
    let whole = fs::read(place.file()).unwrap();
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(place.file(), bytes).unwrap();
        let tasks = Tasks::new();
        match place.try_open(NOW, &tasks).await {
            Err(error) => assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}"),
            Ok(database) => {
                // Found when it is read, or the page was not needed.
                if let Err(error) = database.offer("upstream-7", "").await {
                    assert!(error.to_string().contains("damaged"), "{error}");
                }
                database.close().await;
            }
        }
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{suffix}", place.file().display()));
        }
    }
}

#[tokio::test]
async fn an_empty_file_is_a_new_database() {
    let place = Place::new();
    fs::write(place.file(), "").unwrap();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    assert_eq!(get(&database, "docs").await.as_deref(), Some("offer"));
}

#[tokio::test]
async fn a_folder_in_its_place_is_named() {
    let place = Place::new();
    fs::create_dir(place.file()).unwrap();
    assert!(matches!(refusal(&place).await, OpenError::File { .. }));
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let place = Place::new();
    fs::remove_dir(place.file().parent().unwrap()).unwrap();
    assert!(matches!(refusal(&place).await, OpenError::File { .. }));
}

#[tokio::test]
async fn a_database_of_something_else_is_not_taken_over() {
    let place = Place::new();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.file());
    let mut connection = options.create_if_missing(true).connect().await.unwrap();
    sqlx::query("CREATE TABLE offers (price INTEGER)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let error = refusal(&place).await;
    assert!(matches!(error, OpenError::Failed { action: "migrate", .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_may_only_be_read_is_named() {
    let place = Place::new();
    full(&place).await;
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o400)).unwrap();
    let tasks = Tasks::new();
    // The superuser may write to it all the same.
    match place.try_open(NOW, &tasks).await {
        Ok(database) => database.close().await,
        Err(error) => assert!(matches!(error, OpenError::File { .. }), "{error:?}"),
    }
}
