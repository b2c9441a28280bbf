//! `gantry man`.

use insta::assert_snapshot;

use super::Desk;
use crate::support::process;

#[tokio::test]
async fn the_pages_of_all_commands_are_written_and_can_be_read() {
    let desk = Desk::new();
    let page = desk.run(&["man"]).await;
    assert!(page.starts_with("exit code 0\n----- stdout\n"), "{page}");
    assert!(page.contains(".TH gantry 1 \"\" \"Gantry "), "{page}");
    let written = desk.run(&["man", "pages/man1"]).await;
    assert!(written.contains(" pages to `pages/man1`."), "{written}");
    let mut pages: Vec<_> = std::fs::read_dir(desk.folder.path().join("pages/man1"))
        .expect("the folder was made")
        .map(|entry| entry.expect("an entry can be read").path())
        .collect();
    pages.sort();
    let names: Vec<_> = pages.iter().filter_map(|page| page.file_stem()?.to_str()).collect();
    for name in ["gantry", "gantry-serve", "gantry-tools-call", "gantry-connect"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("__")), "{names:?}");
    let mut lint = process::command("mandoc");
    lint.args(["-Tlint", "-W", "error"]).args(&pages);
    let linted = process::run(lint, super::COMMAND).await;
    let linted = linted.expect("`mandoc` is there; `cargo xtask setup` installs it");
    assert!(linted.status.success(), "{linted}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told() {
    let desk = Desk::with("servers: {}\n");
    assert_snapshot!(desk.run(&["man", "gantry.yaml/man1"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot write the manual pages to `gantry.yaml/man1`
      caused by: Not a directory (os error 20)
    ");
}
