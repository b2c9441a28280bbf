//! Tests of [`super`].

use super::super::tree::{self, Data};
use super::*;

fn expand_in(text: &str, env: &Env) -> Result<String, String> {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR"));
    expand(text, &Path::root().key("key"), env, folder).map_err(|problem| problem.message)
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let env = Env::from_pairs([("NAME", "value"), ("EMPTY", ""), ("NESTED", "${NAME}")]);
    assert_eq!(expand_in(text, &env).as_deref(), Ok(expected));
}

#[test]
fn variables_are_put_in() {
    check("${NAME}", "value");
    check("a-${NAME}-${NAME}-b", "a-value-value-b");
    check("${ABSENT:default}", "default");
    check("${ABSENT:}", "");
    check("${ABSENT:http://localhost:1/}", "http://localhost:1/");
    check("${NAME:default}", "value");
    check("${EMPTY:default}", "default");
    check("${EMPTY}", "");
}

#[test]
fn what_is_put_in_is_not_searched_again() {
    check("${NESTED}", "${NAME}");
}

#[test]
fn dollars_stay_unless_they_open_a_variable() {
    check("$NAME $ $$", "$NAME $ $$");
    check("$${NAME}", "${NAME}");
    check("$$${NAME}", "$${NAME}");
    check("a $${b} ${NAME}", "a ${b} value");
}

#[test]
fn a_file_gives_its_text_without_the_last_line_break() {
    let folder = std::env::temp_dir().join(format!("gantry-variables-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("token"), "secret\n").unwrap();
    let read = |name: &str| expand(name, &Path::root(), &Env::default(), &folder);
    assert_eq!(read("Bearer ${file:token}").unwrap(), "Bearer secret");
    std::fs::write(folder.join("large"), "x".repeat(70_000)).unwrap();
    assert!(read("${file:large}").unwrap_err().message.contains("larger"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_missing_is_named_and_no_value_is_shown() {
    let env = Env::from_pairs([("GITHUB_TOKEN", "hunter2")]);
    let problem =
        expand("${GITHUB_TOKN}", &Path::root().key("token"), &env, FilePath::new(".")).unwrap_err();
    assert_eq!(problem.message, "`token` needs the variable `GITHUB_TOKN`, which is not set");
    assert_eq!(problem.hint.as_deref(), Some("did you mean `GITHUB_TOKEN`?"));
    assert!(expand_in("${file:/does/not/exist}", &env).unwrap_err().contains("/does/not/exist"));
    assert!(expand_in("${OPEN", &env).unwrap_err().contains("does not close"));
    assert!(expand_in("${not a name}", &env).unwrap_err().contains("no variable name"));
}

#[test]
fn a_value_cannot_change_the_structure_of_the_file() {
    let mut report = Report::default();
    let mut root = tree::parse("a: ${EVIL}\n", &mut report).unwrap().unwrap();
    let env = Env::from_pairs([("EVIL", "x\nb: {c: d}")]);
    substitute(&mut root, &env, FilePath::new("."), &mut report);
    let Data::Scalar(scalar) = &root.entry("a").unwrap().value.data else { panic!("no scalar") };
    assert_eq!(scalar.text, "x\nb: {c: d}");
    assert_eq!(scalar.written.as_deref(), Some("${EVIL}"));
    assert!(root.entry("b").is_none() && report.is_empty());
}
