//! The database on a real disk: contract, files, damage, pruning, shutdown, crash.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod life;
#[cfg(test)]
mod pruning;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod support;

use support::{NOW, Place};

#[tokio::test]
async fn it_keeps_the_contract_of_the_offer_store() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    gantry_testkit::contract::offer_store(&database).await;
    database.close().await;
}
