//! What nobody touches is forgotten; what somebody reads is kept.

use gantry_core::store::{OfferStore as _, StoredVerdict};
use gantry_storage::Database as _;

use crate::support::{DAY, NOW, Place, get, put};

fn verdict() -> StoredVerdict {
    StoredVerdict { verdict: "legacy".to_owned(), found_at: NOW }
}

#[tokio::test]
async fn what_nobody_touched_for_90_days_is_forgotten() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    database.put_verdict("docs", verdict()).await.unwrap();
    database.close().await;

    let (database, _tasks) = place.open(NOW + 90 * DAY).await;
    // Reading would touch, so this only opens and closes.
    database.close().await;
    let (database, _tasks) = place.open(NOW + 90 * DAY + 1).await;
    assert_eq!(get(&database, "docs").await, None);
    assert_eq!(database.verdict("docs").await.unwrap(), None);
}

#[tokio::test]
async fn what_is_read_now_and_then_is_kept() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    database.put_verdict("docs", verdict()).await.unwrap();
    database.close().await;

    for month in 1..=12 {
        let (database, _tasks) = place.open(NOW + month * 30 * DAY).await;
        assert_eq!(get(&database, "docs").await.as_deref(), Some("offer"), "month {month}");
        assert_eq!(database.verdict("docs").await.unwrap(), Some(verdict()));
        database.close().await;
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_forgets_nothing() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    database.close().await;
    place.visit(0).await;
    let (database, _tasks) = place.open(NOW).await;
    assert_eq!(get(&database, "docs").await.as_deref(), Some("offer"));
}
