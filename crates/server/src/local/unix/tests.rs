//! Tests of [`super`]; what is said on the socket is tested with a running gateway.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

async fn endpoint_of(sent: &str) -> io::Result<(Box<str>, String)> {
    let mut reader = BufReader::new(sent.as_bytes());
    let view = endpoint(&mut reader).await?;
    let mut rest = String::new();
    reader.read_to_string(&mut rest).await?;
    Ok((view, rest))
}

#[tokio::test]
async fn the_first_line_may_name_the_endpoint() {
    for (sent, view, rest) in [
        ("/mcp\n{}", "", "{}"),
        ("/mcp/git\n{}", "git", "{}"),
        ("{\"a\":1}\n", "", "{\"a\":1}\n"),
        ("", "", ""),
    ] {
        let (found, left) = endpoint_of(sent).await.unwrap();
        assert_eq!((&*found, left.as_str()), (view, rest), "{sent:?}");
    }
    for sent in ["/other\n", "/mcpx\n", &format!("/mcp{}", "x".repeat(1000))] {
        assert!(endpoint_of(sent).await.is_err(), "{sent:?}");
    }
}

#[tokio::test]
async fn a_socket_is_its_owners_alone_and_a_stale_one_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let first = bind(folder.path()).unwrap();
    drop(first);
    assert!(connect(folder.path(), "").await.unwrap().is_none(), "nobody listens any more");
    let _second = bind(folder.path()).unwrap();
    let mode = std::fs::metadata(DataFolder::socket_of(folder.path())).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    assert!(connect(folder.path(), "").await.unwrap().is_some());
}

#[tokio::test]
async fn a_folder_may_have_a_long_name_or_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("x".repeat(120));
    assert!(connect(&deep, "").await.unwrap().is_none());
    std::fs::create_dir(&deep).unwrap();
    let _listener = bind(&deep).unwrap();
    assert!(connect(&deep, "").await.unwrap().is_some());
}
