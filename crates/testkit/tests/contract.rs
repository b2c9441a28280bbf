//! The stores of `core` that live in memory keep the contract, too.

use gantry_core::session::MemorySessions;

#[tokio::test]
async fn the_sessions_in_memory_keep_the_contract() {
    gantry_testkit::contract::session_store(&MemorySessions::default()).await;
}
