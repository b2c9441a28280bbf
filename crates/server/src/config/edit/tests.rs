//! Tests of [`super`].

use proptest::prelude::*;

use super::*;

fn stdio(command: &str, args: &[&str]) -> NewServer {
    NewServer::Stdio {
        command: command.to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: Vec::new(),
    }
}

#[track_caller]
fn added(text: &str, expected: &str) {
    assert_eq!(add_server(text, "new", &stdio("run", &["-x"])).unwrap(), expected);
}

#[track_caller]
fn removed(text: &str, expected: &str) {
    assert_eq!(remove_server(text, "old").unwrap(), expected);
}

#[track_caller]
fn refused(result: Result<String, EditError>, expected: &str) {
    assert_eq!(result.unwrap_err().to_string(), expected);
}

#[test]
fn servers_are_made_where_there_are_none() {
    added("", "servers:\n  new:\n    command: run\n    args: [\"-x\"]\n");
    added("# comment", "# comment\n\nservers:\n  new:\n    command: run\n    args: [\"-x\"]\n");
    added(
        "log:\n    level: info # why\n",
        "log:\n    level: info # why\n\nservers:\n    new:\n        command: run\n        args: [\"-x\"]\n",
    );
    for nothing in
        ["servers:\n", "servers: # none yet\n", "servers: {} # none yet\n", "servers: ~\nlog: {}\n"]
    {
        let text = add_server(nothing, "new", &stdio("run", &[])).unwrap();
        assert!(text.contains("\n  new:\n    command: run\n"), "{text}");
        assert_eq!(text.contains("# none yet"), nothing.contains("# none yet"));
    }
}

#[test]
fn an_entry_follows_the_last_one_and_its_comments() {
    added(
        "servers:\n  # first\n  a:\n    url: http://a/ # one\n    # headers: {}\n\n  # b:\n  #   url: x\nlog: {}\n",
        "servers:\n  # first\n  a:\n    url: http://a/ # one\n    # headers: {}\n  new:\n    command: run\n    args: [\"-x\"]\n\n  # b:\n  #   url: x\nlog: {}\n",
    );
}

#[test]
fn indentation_and_line_breaks_are_followed() {
    added(
        "servers:\r\n   a:\r\n       url: http://a/",
        "servers:\r\n   a:\r\n       url: http://a/\r\n   new:\r\n       command: run\r\n       args: [\"-x\"]\r\n",
    );
    added(
        "servers:\n    a:\n        env:\n            TEXT: |\n                one\n\n                two\n\nlog: {}\n",
        "servers:\n    a:\n        env:\n            TEXT: |\n                one\n\n                two\n\n    new:\n        command: run\n        args: [\"-x\"]\nlog: {}\n",
    );
}

#[test]
fn an_entry_goes_with_its_comments_and_nothing_else() {
    removed(
        "servers:\n  # about old\n  old:\n    url: http://a/ # one\n    # headers: {}\n  # about b\n  b:\n    url: http://b/\n",
        "servers:\n  # about old\n  # about b\n  b:\n    url: http://b/\n",
    );
    removed("log: {}\nservers:\n  old: {command: x}\n", "log: {}\nservers:\n");
    removed(
        "servers:\n  old:\n    command: x\n    args:\n    - y\nlog: {}\n",
        "servers:\nlog: {}\n",
    );
    removed("servers:\n  a: {command: x}\n  old:\n    command: y", "servers:\n  a: {command: x}\n");
}

#[test]
fn names_are_checked() {
    let text = "servers:\n  old: {command: x}\n";
    refused(add_server(text, "old", &stdio("y", &[])), "`servers.old` is already there, in line 2");
    refused(
        add_server(text, "gantry", &stdio("y", &[])),
        "the name `gantry` in `servers.gantry` is reserved",
    );
    let error = remove_server(text, "odl").unwrap_err();
    assert!(
        matches!(&error, EditError::UnknownName { hint: Some(hint), .. } if hint == "did you mean `old`?")
    );
    refused(remove_server("", "old"), "there is no `servers.old`");
}

#[test]
fn what_cannot_be_edited_safely_is_refused() {
    let add = |text: &str| add_server(text, "new", &stdio("x", &[])).unwrap_err().code();
    for text in [
        "{servers: {}}\n",
        "servers: {a: {command: x}}\n",
        "servers: &all\n  a: {command: x}\n",
        "other: &all {a: {command: x}}\nservers: *all\n",
        "&all\nservers: {}\n",
        "&nothing ",
        "servers: &nothing\n",
        "servers: [a]\n",
        "- a\n",
        "log: {}\n...\n",
    ] {
        assert_eq!(add(text), ErrorCode::ConfigNotEditable, "{text}");
    }
    assert_eq!(add("servers: [\n"), ErrorCode::ConfigSyntax);
    // A line may also end in a carriage return alone, which is not followed.
    let returns = "servers:\r  \r  old:\n   a: b\r  c:\n   d: e";
    assert_eq!(remove_server(returns, "old").unwrap_err().code(), ErrorCode::ConfigNotEditable);
    let shared = "servers:\n  old: &it\n    command: x\n  b: *it\n";
    assert_eq!(remove_server(shared, "old").unwrap_err().code(), ErrorCode::ConfigNotEditable);
}

#[test]
fn a_file_is_replaced_as_a_whole_and_keeps_its_mode_and_its_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::env::temp_dir().join(format!("gantry-edit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (target, link) = (folder.join("target.yaml"), folder.join("gantry.yaml"));
    let add = |name: &'static str| move |text: &str| add_server(text, name, &stdio("x", &[]));
    edit_file(&target, add("one")).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("target.yaml", &link).unwrap();
    edit_file(&link, add("two")).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    let text = std::fs::read_to_string(&target).unwrap();
    assert!(text.contains("one:") && text.contains("two:"));
    assert!(matches!(edit_file(&link, add("two")), Err(FileError::Refused { .. })));
    let interrupted = edit_file(&link, |text| {
        std::fs::write(&target, "log: {}\n").unwrap();
        add_server(text, "three", &stdio("x", &[]))
    });
    assert!(matches!(interrupted, Err(FileError::Changed { .. })));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "no draft is left");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Files as people write them: comments, blank lines, any order, several styles.
fn any_file() -> impl Strategy<Value = String> {
    let comment = prop_oneof![Just(String::new()), Just(" # note".to_owned())];
    let entry = (0_usize..5, comment, prop::bool::ANY).prop_map(|(kind, comment, blank)| {
        let body = match kind {
            0 => format!(":{comment}\n    command: run\n    args:\n      - a\n      - 'b # c'\n"),
            1 => format!(": {{command: run, args: [a, b]}}{comment}\n"),
            2 => format!(":\n    url: http://a/{comment}\n    headers:\n      A: |\n        text\n\n        more\n"),
            3 => format!(":\n    # inside\n    command: \"run\"{comment}\n    # after\n"),
            _ => format!(":{comment}\n    command: run\n    description: several\n      lines of\n\n      text\n"),
        };
        if blank { format!("{body}\n") } else { body }
    });
    let servers = prop::collection::vec(entry, 0..5).prop_map(|entries| {
        let entries = entries.iter().enumerate();
        let lines = entries.map(|(index, entry)| format!("  # number {index}\n  s{index}{entry}"));
        std::iter::once("servers:\n".to_owned()).chain(lines).collect::<Vec<_>>().concat()
    });
    let part = prop_oneof![
        Just("# only a comment\n\n".to_owned()),
        Just("log:\n  level: info\n".to_owned()),
        Just("views: {a: [b__*]}\n".to_owned()),
        Just("list_ttl: 5s # short\n".to_owned()),
    ];
    (
        prop::collection::vec(part.clone(), 0..2),
        servers,
        prop::collection::vec(part, 0..2),
        any::<bool>(),
    )
        .prop_map(|(before, servers, after, has_servers)| {
            let mut before = before;
            before.dedup();
            let after: Vec<_> =
                after.into_iter().filter(|part| !before.contains(part)).take(1).collect();
            let servers = if has_servers { servers } else { String::new() };
            format!("{}{servers}{}", before.concat(), after.concat())
        })
}

proptest! {
    #[test]
    fn an_edit_adds_exactly_the_entry_and_keeps_every_line(
        text in any_file(),
        args in prop::collection::vec(any::<String>(), 0..3),
        value in "[ -~]{0,20}",
    ) {
        let server = NewServer::Stdio {
            command: "run it".to_owned(),
            args,
            env: vec![("KEY".to_owned(), value)],
        };
        let new = add_server(&text, "new", &server).unwrap();
        let mut expected = content(read(&text).unwrap().as_ref());
        entry_of(&mut expected, "servers").insert("new".to_owned(), server.to_json());
        prop_assert_eq!(content(read(&new).unwrap().as_ref()), expected);
        // Every old line is still there, byte for byte and in order.
        let mut lines = new.split_inclusive('\n');
        for line in text.split_inclusive('\n') {
            prop_assert!(lines.any(|kept| kept == line), "{line:?} is gone from\n{new}");
        }
        let back = remove_server(&new, "new").unwrap();
        if text.contains("servers:") {
            prop_assert_eq!(back, text);
        }
    }

    #[test]
    fn removing_takes_away_exactly_the_entry(text in any_file(), index in 0_usize..5) {
        let name = format!("s{index}");
        let mut expected = content(read(&text).unwrap().as_ref());
        let is_there = entry_of(&mut expected, "servers").shift_remove(&name).is_some();
        match remove_server(&text, &name) {
            Ok(new) => {
                let mut found = content(read(&new).unwrap().as_ref());
                entry_of(&mut found, "servers");
                prop_assert!(is_there);
                prop_assert_eq!(found, expected);
            }
            Err(error) => prop_assert!(!is_there, "{error}"),
        }
    }
}

#[track_caller]
fn switched(text: &str, enabled: bool, expected: &str) {
    assert_eq!(set_enabled(text, "b", enabled).unwrap(), expected);
}

#[test]
fn a_server_is_switched_off_and_on_and_everything_else_stays() {
    let block = "# all\nservers:\n  a: {command: a}\n  b: # mine\n    command: b\n    tools:\n      \
                 deny: [x] # no\n    # end of b\n\n# the rest\nlog: {level: warn}\n";
    let off = block.replace("    # end of b\n", "    # end of b\n    enabled: false\n");
    switched(block, false, &off);
    switched(block, true, block);
    switched(&off, false, &off);
    switched(&off, true, &off.replace("enabled: false", "enabled: true"));
    let flow = "servers: {a: {command: a}, b: {command: b} } # one line\n";
    switched(
        flow,
        false,
        "servers: {a: {command: a}, b: {command: b, enabled: false} } # one line\n",
    );
    let windows = "servers:\r\n  b:\r\n    enabled: true # on\r\n    url: http://b/";
    switched(windows, false, &windows.replace("true", "false"));
    switched(
        "servers:\r\n  b:\r\n    url: x",
        false,
        "servers:\r\n  b:\r\n    url: x\r\n    enabled: false\r\n",
    );
}

#[test]
fn a_switch_that_is_no_word_of_its_own_is_left_alone() {
    for text in [
        "servers: {b: {command: b, enabled: '${ON}'}}",
        "servers: {b: &x {command: b}}",
        "servers: {b: x}",
        "servers: {b: {}}",
        "servers: {b: {enabled: [true]}}",
    ] {
        let refused = set_enabled(text, "b", false).unwrap_err();
        assert!(matches!(refused, EditError::NotEditable { .. }), "{text}: {refused}");
    }
    let unknown = set_enabled("servers:\n  git: {command: git}\n", "gti", true).unwrap_err();
    assert!(
        matches!(&unknown, EditError::UnknownName { hint: Some(hint), .. } if hint.contains("git"))
    );
    assert!(has_server("servers: {b: x}", "b") && !has_server("", "b"));
}
