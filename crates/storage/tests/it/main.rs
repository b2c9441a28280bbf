//! The databases, SQLite on a real disk and a real PostgreSQL: contract, files, damage, pruning,
//! other releases, backups, outage, shutdown, crash.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod life;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod pruning;
#[cfg(test)]
mod records;
#[cfg(test)]
mod releases;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod support;

use gantry_storage::Database as _;
use support::{NOW, Place};

#[tokio::test]
async fn it_keeps_the_contract_of_the_offer_store() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    gantry_testkit::contract::offer_store(&database).await;
    database.close().await;
}
