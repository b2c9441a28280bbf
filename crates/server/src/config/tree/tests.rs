//! Tests of [`super`].

use super::*;

fn read(text: &str) -> (Option<Node>, Vec<Problem>) {
    let mut report = Report::default();
    let node = parse(text, &mut report).unwrap();
    (node, report.into_problems())
}

#[track_caller]
fn refused(text: &str) -> Problem {
    parse(text, &mut Report::default()).unwrap_err()
}

fn scalar(node: &Node) -> &str {
    match &node.data {
        Data::Scalar(scalar) => &scalar.text,
        other => panic!("no scalar: {other:?}"),
    }
}

#[test]
fn nodes_know_their_place_in_characters_and_in_bytes() {
    let text = "a: 1\n\u{00e9}\u{00e9}:\n  b: [x, 'y z']\n";
    let root = read(text).0.unwrap();
    let list = &root.entry("\u{00e9}\u{00e9}").unwrap().value.entry("b").unwrap().value;
    assert_eq!(list.at, Location::new(3, 6));
    assert_eq!(text.get(list.bytes.clone()), Some("[x, 'y z']"));
    assert_eq!(text.get(root.bytes.clone()), Some(text.trim_end()));
}

#[test]
fn an_empty_file_and_one_of_comments_hold_nothing() {
    assert!(read("").0.is_none());
    assert!(read("# nothing\n\n  # here\n").0.is_none_or(|node| node.is_null()));
}

#[test]
fn a_key_given_twice_is_reported_with_the_first_one() {
    let (root, problems) = read("a: 1\nb: 2\na: 3\n");
    assert_eq!(scalar(&root.unwrap().entry("a").unwrap().value), "1");
    assert_eq!(problems[0].code, ErrorCode::ConfigDuplicateKey);
    assert_eq!(problems[0].location, Some(Location::new(3, 1)));
    assert_eq!(problems[0].hint.as_deref(), Some("the first is in line 1"));
}

#[test]
fn an_alias_stands_for_its_value() {
    let root = read("a: &x [1, 2]\nb: *x\n").0.unwrap();
    let alias = &root.entry("b").unwrap().value;
    assert!(alias.is_shared && root.entry("a").unwrap().value.is_shared);
    assert!(matches!(&alias.data, Data::Sequence { entries } if entries.len() == 2));
    assert_eq!(alias.at, Location::new(2, 4));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut lines = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned()];
    for level in 1..10 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        lines.push(format!("a{level}: &a{level} [{inner}]\n"));
    }
    assert!(refused(&lines.concat()).message.contains("more than"));
}

#[test]
fn an_alias_inside_its_own_value_is_refused() {
    assert!(refused("a: &x [1, *x]\n").message.contains("inside the value"));
}

#[test]
fn depth_is_limited_in_both_styles() {
    assert!(refused(&"[".repeat(100_000)).code == ErrorCode::ConfigSyntax);
    let block: Vec<_> = (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert!(refused(&block.concat()).message.contains("deeper"));
}

#[test]
fn what_would_need_guessing_is_refused() {
    assert!(refused("a: 1\n---\nb: 2\n").message.contains("second document"));
    assert!(refused("? [a]\n: 1\n").message.contains("a key is a list"));
    assert!(refused("%YAML 1.1\n---\na: 1\n").code == ErrorCode::ConfigSyntax);
    assert!(read("a: !!int 1\n").1[0].message.contains("tag"));
    assert!(read("a: &x {b: 1}\nc:\n  <<: *x\n").1[0].message.contains("merge keys"));
}

#[test]
fn a_place_that_does_not_exist_is_that_of_the_nearest_key() {
    let root = read("servers:\n  docs:\n    url: x\n").0.unwrap();
    let docs = Path::root().key("servers").key("docs");
    assert_eq!(root.locate(&docs.key("url")), Some(Location::new(3, 10)));
    assert_eq!(root.locate(&docs.key("timeout")), Some(Location::new(2, 3)));
    assert_eq!(root.locate(&Path::root().key("log")), None);
}

#[test]
fn syntax_errors_name_the_place() {
    let problem = refused("a:\n  - b\n c: d\n");
    assert_eq!(problem.location.map(|at| at.line), Some(3));
}
