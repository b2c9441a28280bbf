//! Replays the corpora of the fuzz targets on the ordinary toolchain.

#[cfg(test)]
mod replay {
    use std::fs;
    use std::path::{Path, PathBuf};

    use gantry_testkit::fuzz;

    /// Needs the server, so the server's tests replay it.
    const ELSEWHERE: &[&str] = &["config"];

    fn corpus() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
    }

    /// Names in a folder, sorted.
    fn entries(folder: &Path) -> Vec<PathBuf> {
        let mut entries: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries
    }

    fn replay(target: &str, body: fn(&[u8])) {
        let inputs = entries(&corpus().join(target));
        assert!(inputs.len() >= 10, "`{target}` has only {} inputs", inputs.len());
        for input in inputs {
            // Shown when the body panics.
            println!("{}", input.display());
            body(&fs::read(&input).unwrap());
        }
    }

    #[test]
    fn every_known_envelope_is_read_and_edited_without_a_surprise() {
        replay("envelope", fuzz::envelope);
    }

    #[test]
    fn every_known_stream_reads_the_same_however_it_is_cut() {
        replay("sse", fuzz::sse);
    }

    #[test]
    fn no_corpus_is_forgotten() {
        for folder in entries(&corpus()) {
            let target = folder.file_name().unwrap().to_str().unwrap().to_owned();
            let is_replayed = ["envelope", "sse"].contains(&target.as_str());
            assert!(is_replayed || ELSEWHERE.contains(&target.as_str()), "{target}");
        }
    }
}
