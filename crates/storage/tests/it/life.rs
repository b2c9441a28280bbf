//! From the first open to the end, whichever end it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::store::{OfferStore as _, StoredVerdict};
use gantry_storage::Database as _;
use gantry_testkit::contract;

use crate::support::{NOW, Place, get, put};

#[tokio::test]
async fn what_was_put_is_there_after_a_restart() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    let verdict = StoredVerdict { verdict: "legacy".to_owned(), found_at: NOW };
    database.put_verdict("docs", verdict.clone()).await.unwrap();
    database.close().await;

    let (database, _tasks) = place.open(NOW).await;
    assert_eq!(get(&database, "docs").await.as_deref(), Some("offer"));
    assert_eq!(database.verdict("docs").await.unwrap(), Some(verdict));
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    // What the disk holds at this moment is what a killed process leaves.
    let after = Place::new();
    for suffix in ["", "-wal"] {
        let name = |place: &Place| format!("{}{suffix}", place.file().display());
        fs::copy(name(&place), name(&after)).unwrap();
    }
    let (survivor, _tasks) = after.open(NOW).await;
    assert_eq!(get(&survivor, "docs").await.as_deref(), Some("offer"));
}

#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    let place = Place::new();
    fs::write(place.file(), "").unwrap();
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    assert!(get(&database, "docs").await.is_some());
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", place.file().display());
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{path}");
    }
}

#[tokio::test]
async fn closing_commits_what_is_queued_and_refuses_the_rest() {
    let place = Place::new();
    let (database, tasks) = place.open(NOW).await;
    let puts: Vec<_> = (0..200)
        .map(|number| {
            let database = database.clone();
            tasks.spawn("put", async move {
                let name = format!("upstream-{number}");
                database.put_offer(&name, "", Bytes::from_static(b"offer")).await.is_ok()
            })
        })
        .collect();
    // Some are committed, some queued, some not yet begun.
    tokio::task::yield_now().await;
    database.close().await;
    let mut acknowledged = Vec::new();
    for put in puts {
        acknowledged.push(put.await.unwrap().unwrap());
    }
    let refusal = database.put_offer("late", "", Bytes::new()).await.unwrap_err();
    assert!(refusal.to_string().contains("closed"), "{refusal}");
    let refusal = database.offer("late", "").await.unwrap_err();
    assert!(refusal.to_string().contains("closed"), "{refusal}");
    database.close().await;

    let (database, _tasks) = place.open(NOW).await;
    for (number, acknowledged) in acknowledged.into_iter().enumerate() {
        let found = get(&database, &format!("upstream-{number}")).await;
        assert_eq!(found.is_some(), acknowledged, "{number}");
    }
    assert_eq!(get(&database, "late").await, None);
}

#[tokio::test]
async fn the_writer_ends_when_its_tasks_are_stopped() {
    let place = Place::new();
    let (database, tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    assert!(tasks.shut_down(Duration::from_secs(10)).await);
    assert!(database.put_offer("late", "", Bytes::new()).await.is_err());
    assert_eq!(get(&database, "docs").await.as_deref(), Some("offer"), "reading goes on");
    database.close().await;
}

#[tokio::test]
async fn the_writer_ends_when_every_handle_is_dropped() {
    let place = Place::new();
    let (database, tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    let beside = format!("{}-wal", place.file().display());
    assert!(fs::exists(&beside).unwrap());
    drop(database);
    // The last connection to close removes it; nobody told the tasks to stop.
    let is_closed = async {
        while fs::exists(&beside).unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), is_closed).await.unwrap();
    assert!(!tasks.stopping().is_cancelled());
}

#[tokio::test]
async fn a_closed_database_leaves_one_file() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    assert!(get(&database, "docs").await.is_some());
    database.close().await;
    let folder = place.file().parent().unwrap().to_owned();
    let names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["gantry.db"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_writers_do_not_hinder_each_other() {
    let place = Place::new();
    let (database, tasks) = place.open(NOW).await;
    let contract_database = database.clone();
    let contract = tasks.spawn("contract", async move {
        contract::offer_store(&contract_database).await;
    });
    let mut rounds = Vec::new();
    for worker in 0..8 {
        let database = database.clone();
        rounds.push(tasks.spawn("rounds", async move {
            let name = format!("worker-{worker}");
            for round in 0..50 {
                let offer = Bytes::from(format!("{round}"));
                database.put_offer(&name, "", offer.clone()).await.unwrap();
                assert_eq!(database.offer(&name, "").await.unwrap(), Some(offer));
            }
        }));
    }
    for round in rounds {
        round.await.unwrap().expect("no worker panicked");
    }
    contract.await.unwrap().expect("the contract holds");
    database.close().await;
}
