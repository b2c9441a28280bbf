//! Tests of [`super`].

use std::fs;

use super::*;

async fn next(watch: &mut Watch) -> Change {
    tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.unwrap()
}

#[tokio::test]
async fn a_file_that_comes_is_changed_replaced_and_removed_is_seen_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gantry.yaml");
    let mut watch = Watch::new(file.clone());
    fs::write(&file, "a").unwrap();
    assert_eq!(next(&mut watch).await, Change::Content);
    // The same length within the same tick of the clock.
    fs::write(&file, "b").unwrap();
    assert_eq!(next(&mut watch).await, Change::Content);
    let beside = folder.path().join("new");
    fs::write(&beside, "c").unwrap();
    fs::rename(&beside, &file).unwrap();
    assert_eq!(next(&mut watch).await, Change::Content);
    fs::remove_file(&file).unwrap();
    assert_eq!(next(&mut watch).await, Change::Gone);
}

#[cfg(unix)]
#[tokio::test]
async fn a_swapped_folder_above_the_file_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (version, text) in [("v1", "one"), ("v2", "two")] {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("gantry.yaml"), text).unwrap();
    }
    std::os::unix::fs::symlink("v1", at("data")).unwrap();
    std::os::unix::fs::symlink("data/gantry.yaml", at("gantry.yaml")).unwrap();
    let mut watch = Watch::new(at("gantry.yaml"));
    std::os::unix::fs::symlink("v2", at("new")).unwrap();
    fs::rename(at("new"), at("data")).unwrap();
    assert_eq!(next(&mut watch).await, Change::Content);
}

#[tokio::test]
async fn a_touched_file_with_the_same_content_is_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gantry.yaml");
    fs::write(&file, "same").unwrap();
    let mut watch = Watch::new(file.clone());
    fs::write(&file, "same").unwrap();
    assert_eq!(watch.look_again().await, None);
}

#[tokio::test]
async fn other_files_and_the_names_in_a_folder_are_looked_at_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("more")).unwrap();
    fs::write(at("gantry.yaml"), "main").unwrap();
    let mut watch = Watch::new(at("gantry.yaml"));
    watch.follow(&[at("gantry.yaml"), at("more")]);
    fs::write(at("more/a.yml"), "a").unwrap();
    assert_eq!(next(&mut watch).await, Change::Content);
    watch.follow(&[at("more"), at("more/a.yml"), at("absent.yml")]);
    fs::write(at("more/a.yml"), "b").unwrap();
    assert_eq!(next(&mut watch).await, Change::Content);
    fs::write(at("absent.yml"), "c").unwrap();
    assert_eq!(next(&mut watch).await, Change::Content);
    fs::remove_file(at("absent.yml")).unwrap();
    assert_eq!(next(&mut watch).await, Change::Content, "only the main file can be gone");
    watch.follow(&[]);
    fs::write(at("more/a.yml"), "d").unwrap();
    assert_eq!(watch.look_again().await, None, "what has no say any more is not looked at");
    fs::remove_file(at("gantry.yaml")).unwrap();
    assert_eq!(next(&mut watch).await, Change::Gone);
}
