//! Replays the corpus of the fuzz target `config` on the ordinary toolchain.

#[cfg(test)]
#[path = "../../../fuzz/bodies/config.rs"]
mod body;

use std::fs;
use std::path::Path;

#[test]
fn every_known_configuration_is_understood_or_refused_without_a_surprise() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/config");
    let mut inputs: Vec<_> =
        fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() >= 10, "only {} inputs", inputs.len());
    for input in inputs {
        // Shown when the body panics.
        println!("{}", input.display());
        body::config(&fs::read(&input).unwrap());
    }
}
