//! Decisions, sight and explanations; the conditions are tried through them.

use std::net::IpAddr;

use gantry_core::Grants;
use proptest::prelude::*;

use super::*;

fn rule(name: &str, effect: Effect, when: Option<&str>) -> RuleSpec {
    RuleSpec { when: when.map(str::to_owned), ..RuleSpec::new(name, effect) }
}

fn access(rules: Vec<RuleSpec>) -> Access {
    Access::compile(AccessSpec { rules, ..AccessSpec::default() }).unwrap()
}

fn tool(name: &str) -> Thing<'_> {
    let hints = Hints::default();
    Thing { kind: Kind::Tool, name, server: "git", view: "", hints }
}

fn asker(principal: &Principal) -> Asker<'_> {
    // A Thursday, 01:46:40 in UTC.
    Asker { principal, address: None, unix_seconds: 1_000_000_000 + 4 * 86_400 }
}

fn ask(access: &Access, subject: &str, name: &str, arguments: &str) -> Effect {
    let principal = Principal::of_gantry(subject);
    let arguments = Arguments::read(arguments.as_bytes()).unwrap();
    access.decide(&asker(&principal), &tool(name), &arguments).effect
}

#[test]
fn the_first_rule_that_matches_decides() {
    let mut allow = rule("reads", Effect::Allow, None);
    allow.tools = vec!["git__log".to_owned()];
    let mut deny = rule("no-git", Effect::Deny, None);
    deny.tools = vec!["git__*".to_owned()];
    let access = access(vec![allow, deny]);
    assert_eq!(ask(&access, "ada", "git__log", "{}"), Effect::Allow);
    assert_eq!(ask(&access, "ada", "git__push", "{}"), Effect::Deny);
    assert_eq!(ask(&access, "ada", "docs__search", "{}"), Effect::Allow);
}

#[test]
fn a_rule_is_about_whom_it_names() {
    let principal = |issuer: &str, subject: &str, role: &str, tier: &str| {
        let grants =
            Grants { roles: [role.into()].into(), tier: Some(tier.into()), ..Grants::default() };
        Principal { grants, ..Principal::new(issuer, subject) }
    };
    let ci = principal("gantry", "ci", "robot", "free");
    let ada = principal("https://id.example.com/", "ada", "dev", "gold");
    let near: IpAddr = "10.1.2.3".parse().unwrap();
    let base = || rule("r", Effect::Deny, None);
    let texts = |text: &str| vec![text.to_owned()];
    for (spec, for_ci, for_ada) in [
        (RuleSpec { principals: texts("ci"), ..base() }, true, false),
        (RuleSpec { principals: texts("https://id.example.com/#ada"), ..base() }, false, true),
        (RuleSpec { principals: texts("https://id.example.com/#*"), ..base() }, false, true),
        // A name alone is one of the gateway's own, whoever else is called so.
        (RuleSpec { principals: texts("ada"), ..base() }, false, false),
        (RuleSpec { roles: texts("dev"), ..base() }, false, true),
        (RuleSpec { tiers: texts("free"), ..base() }, true, false),
        (RuleSpec { addresses: vec!["10.0.0.0/8".parse().unwrap()], ..base() }, true, false),
        (RuleSpec { principals: texts("ci"), tiers: texts("gold"), ..base() }, false, false),
    ] {
        let access = access(vec![spec]);
        let asked = |principal, address| {
            let asker = Asker { principal, address, unix_seconds: 0 };
            access.decide(&asker, &tool("git__log"), &Arguments::none()).effect == Effect::Deny
        };
        assert_eq!(asked(&ci, Some(near)), for_ci, "{access:?}");
        assert_eq!(asked(&ada, None), for_ada, "{access:?}");
    }
}

#[test]
fn a_rule_that_names_things_is_about_those_alone() {
    let access = access(vec![RuleSpec {
        tools: vec!["*".to_owned()],
        resources: vec!["file:///etc/*".to_owned()],
        ..rule("r", Effect::Deny, None)
    }]);
    let principal = Principal::anonymous();
    for (kind, name, expected) in [
        (Kind::Tool, "git__log", Effect::Deny),
        (Kind::Prompt, "git__log", Effect::Allow),
        (Kind::Resource, "file:///etc/passwd", Effect::Deny),
        (Kind::Resource, "file:///tmp/x", Effect::Allow),
        (Kind::Server, "", Effect::Allow),
    ] {
        let thing = Thing { kind, ..tool(name) };
        let ruling = access.decide(&asker(&principal), &thing, &Arguments::none());
        assert_eq!(ruling.effect, expected, "{name}");
    }
}

#[track_caller]
fn condition(text: &str, arguments: &str, expected: bool) {
    let access = access(vec![rule("r", Effect::Allow, Some(text)), rule("no", Effect::Deny, None)]);
    let effect = ask(&access, "ada", "git__log", arguments);
    assert_eq!(effect == Effect::Allow, expected, "{text} {arguments}");
}

#[test]
fn conditions_look_at_everything_that_is_known() {
    let arguments = r#"{"path":"/tmp/a","n":4,"x":1.5,"list":["a","b"],"deep":{"k":[{"v":1}]}}"#;
    for text in [
        r#"arguments.path.startsWith("/tmp")"#,
        r#"arguments.path.matches("^/tmp/[a-z]+$")"#,
        "arguments.n == 4 && arguments.n > 3.5 && arguments.n < 10",
        "arguments.x > 1",
        "arguments.list.all(x, x.size() == 1)",
        "'a' in arguments.list && !('c' in arguments.list)",
        "arguments.deep.k[0].v == 1",
        "!has(arguments.missing)",
        "principal.subject == 'ada' && principal.issuer == 'gantry'",
        "principal.roles.size() == 0 && '*:*' in principal.scopes",
        "tool == 'git__log' && server == 'git' && view == '' && prompt == ''",
        "address == ''",
        "time.hour == 1 && time.minute == 46 && time.weekday == 4",
    ] {
        condition(text, arguments, true);
        condition(&format!("!({text})"), arguments, false);
    }
}

#[test]
fn a_condition_that_cannot_be_told_counts_against_the_caller() {
    let text = "arguments.path == '/tmp'";
    condition(text, "{}", false);
    let denies = access(vec![rule("r", Effect::Deny, Some(text))]);
    assert_eq!(ask(&denies, "ada", "git__log", "{}"), Effect::Deny);
    assert_eq!(ask(&denies, "ada", "git__log", r#"{"path":"/etc"}"#), Effect::Allow);
    let asks = access(vec![rule("r", Effect::Approve, Some("arguments.n > 1"))]);
    assert_eq!(ask(&asks, "ada", "git__log", r#"{"n":"many"}"#), Effect::Approve);
}

#[test]
fn mistakes_in_conditions_are_found_when_they_are_read() {
    for (text, expected) in [
        ("1 +", "line 1, column 4"),
        ("", "line 1"),
        ("user.name == 'a'", "there is no `user`"),
        ("principal.name == 'a'", "the principal has no `name`; it has: issuer"),
        ("time.year > 2000", "the time has no `year`"),
        ("tool + 1 == 'a'", "`+` cannot be used with a text and a number"),
        ("tool == 1", "`==` cannot be used with a text and a number"),
        ("time.hour && true", "`&&` cannot be used with a number and true or false"),
        ("tool", "it is a text, and must be true or false"),
        ("time.hour + 1", "it is a number"),
        ("arguments.x.frobnicate()", "there is no function `frobnicate`"),
        ("tool.matches(arguments.pattern)", "must be a text in quotes"),
        ("tool.matches('(')", "cannot be used"),
        ("'a' in tool", "`in` cannot be used with"),
        ("arguments.a.all(x, arguments.b.all(y, x == y))", "stands inside another"),
        ("Foo{}.x == 1", "there is no type"),
    ] {
        let spec = AccessSpec {
            rules: vec![rule("r", Effect::Deny, Some(text))],
            ..AccessSpec::default()
        };
        let errors = Access::compile(spec).unwrap_err();
        let message = errors[0].source.to_string();
        assert!(message.contains(expected), "{text}: {message}");
        assert_eq!((errors[0].index, &*errors[0].rule), (0, "r"));
    }
}

#[test]
fn no_text_exhausts_the_stack() {
    // On the small stack of a test: what is not refused is evaluated as well.
    for text in [
        format!("{}true{}", "(".repeat(500), ")".repeat(500)),
        format!("{}true", "!".repeat(2000)),
        format!("{}time.hour == 1", "-".repeat(2000)),
        format!("{}true", "true?true:".repeat(200)),
        format!("{}true", "true&&".repeat(300)),
        format!("1 == {}1", "1+".repeat(900)),
        format!("arguments{} == 1", ".a".repeat(900)),
        format!("arguments{} == 1", "[1]".repeat(600)),
        format!("size({}) == 1", "[".repeat(600) + &"]".repeat(600)),
        "[".repeat(1000),
        format!("{}true{}", "size([".repeat(150), "])".repeat(150)),
    ] {
        if Condition::compile(&text).is_ok() {
            let access = access(vec![rule("r", Effect::Deny, Some(&text))]);
            ask(&access, "ada", "git__log", "{}");
        }
    }
}

#[test]
fn long_conditions_are_refused() {
    for text in ["x".repeat(5000), format!("1 == {}1", "1+".repeat(900))] {
        assert!(Condition::compile(&text).is_err(), "{text}");
    }
    assert!(Condition::compile(&format!("{}true", "true&&".repeat(90))).is_ok());
}

#[test]
fn arguments_with_a_key_twice_are_not_looked_at() {
    for raw in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":{"b":[{"c":1,"c":1}]}}"#,
        r#"{"a":1,"\u0061":2}"#,
        "[1]",
        "1",
        "{",
        "{} {}",
    ] {
        assert!(Arguments::read(raw.as_bytes()).is_err(), "{raw}");
    }
    assert!(Arguments::read(br#"{"a":1,"b":{"a":1}}"#).is_ok());
    assert!(Arguments::read(b"null").is_ok());
}

#[test]
fn arguments_beyond_a_bound_are_not_looked_at() {
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let many = format!(r#"{{"a":[{}1]}}"#, "1,".repeat(20_000));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(300 << 10));
    for raw in [deep, many, long] {
        assert!(Arguments::read(raw.as_bytes()).is_err());
    }
}

#[test]
fn what_can_never_be_used_is_hidden_and_what_depends_is_shown() {
    let args = Some("arguments.n == 1");
    let (allow, deny, ask) = (Effect::Allow, Effect::Deny, Effect::Approve);
    for (rules, by_default, expected) in [
        (vec![(deny, None)], false, Sight::Hidden),
        (vec![(deny, args)], false, Sight::AtCall),
        (vec![(allow, args)], true, Sight::AtCall),
        // Whatever the arguments are, it is denied.
        (vec![(deny, args)], true, Sight::Hidden),
        (vec![(deny, args), (deny, None)], false, Sight::Hidden),
        (vec![(deny, args), (allow, None)], true, Sight::AtCall),
        (vec![(allow, None)], true, Sight::Free),
        (vec![(ask, None)], false, Sight::AtCall),
        (vec![(deny, Some("tool == 'git__log'"))], false, Sight::Hidden),
        (vec![], true, Sight::Hidden),
        (vec![], false, Sight::Free),
    ] {
        let rules = rules.into_iter().map(|(effect, when)| rule("r", effect, when)).collect();
        let spec = AccessSpec { denies_by_default: by_default, rules, ..AccessSpec::default() };
        let access = Access::compile(spec).unwrap();
        let principal = Principal::anonymous();
        assert_eq!(access.sight(&asker(&principal), &tool("git__log")), expected, "{access:?}");
    }
}

#[test]
fn scopes_and_roles_both_limit() {
    let roles = [("reader".to_owned(), vec!["mcp:read".to_owned()])].into();
    let access = Access::compile(AccessSpec { roles, ..AccessSpec::default() }).unwrap();
    let by = |scopes: Option<&[&str]>, roles: &[&str]| {
        let boxed = |texts: &[&str]| -> Box<[Box<str>]> {
            texts.iter().map(|text| Box::from(*text)).collect()
        };
        let grants = Grants {
            scopes: scopes.map(boxed).map(Into::into),
            roles: boxed(roles),
            ..Grants::default()
        };
        let principal = Principal { grants, ..Principal::anonymous() };
        access.decide(&asker(&principal), &tool("git__push"), &Arguments::none()).by
    };
    assert_eq!(by(None, &[]), By::Default);
    assert_eq!(by(Some(&["mcp:read"]), &[]), By::Scopes);
    assert_eq!(by(Some(&["mcp:write"]), &[]), By::Default);
    assert_eq!(by(None, &["reader"]), By::Roles);
    assert_eq!(by(Some(&["mcp:write"]), &["reader"]), By::Roles);
    // A role that nobody defined grants and limits nothing.
    assert_eq!(by(None, &["unheard-of"]), By::Default);
}

#[test]
fn the_administrator_sees_everything() {
    let spec = AccessSpec { denies_by_default: true, ..AccessSpec::default() };
    let access = Access::compile(spec).unwrap();
    let sight = |principal: Principal| access.sight(&asker(&principal), &tool("git__log"));
    assert_eq!(sight(Principal::administrator()), Sight::Free);
    assert_eq!(sight(Principal::local()), Sight::Hidden);
}

#[test]
fn destructive_tools_are_what_no_rule_decides_on() {
    let hints = Hints { destructive: true, read_only: false };
    for (destructive, expected) in [
        (Destructive::Allow, Effect::Allow),
        (Destructive::Ask, Effect::Approve),
        (Destructive::Refuse, Effect::Deny),
    ] {
        let mut known = rule("known", Effect::Allow, None);
        known.tools = vec!["git__reset".to_owned()];
        let spec = AccessSpec { destructive, rules: vec![known], ..AccessSpec::default() };
        let access = Access::compile(spec).unwrap();
        let principal = Principal::anonymous();
        let effect = |name| {
            let thing = Thing { hints, ..tool(name) };
            access.decide(&asker(&principal), &thing, &Arguments::none()).effect
        };
        assert_eq!(effect("git__clean"), expected);
        assert_eq!(effect("git__reset"), Effect::Allow);
    }
}

#[test]
fn an_explanation_names_the_rule_and_what_kept_the_others() {
    let mut first = rule("robots", Effect::Deny, None);
    first.principals = vec!["ci".to_owned()];
    let second = rule("small", Effect::Deny, Some("arguments.n > 3"));
    let access = access(vec![first, second, rule("rest", Effect::Allow, None)]);
    let principal = Principal::of_gantry("ada");
    let explain = |raw: &str| {
        let arguments = Arguments::read(raw.as_bytes()).unwrap();
        access.explain(&asker(&principal), &tool("git__log"), &arguments)
    };
    let explanation = explain(r#"{"n":1}"#);
    assert_eq!((explanation.effect, explanation.rule.as_deref()), ("allow", Some("rest")));
    let steps: Vec<_> =
        explanation.rules.iter().map(|step| (step.matches, step.why.as_deref())).collect();
    assert_eq!(steps, [("no", Some("principals")), ("no", Some("when")), ("yes", None)]);
    let explanation = explain("{}");
    assert_eq!((explanation.effect, explanation.rule.as_deref()), ("deny", Some("small")));
    assert!(explanation.reason.contains("could not be told"), "{}", explanation.reason);
}

#[test]
fn callers_of_one_class_see_the_same() {
    let mut about_ci = rule("ci", Effect::Deny, None);
    about_ci.principals = vec!["ci".to_owned()];
    let plain = access(vec![about_ci]);
    let class =
        |access: &Access, subject: &str| access.class(&asker(&Principal::of_gantry(subject)));
    assert_eq!(class(&plain, "ada"), class(&plain, "bob"));
    assert_ne!(class(&plain, "ada"), class(&plain, "ci"));
    let looks = access(vec![rule("r", Effect::Deny, Some("principal.subject.startsWith('a')"))]);
    assert_ne!(class(&looks, "ada"), class(&looks, "bob"));
}

fn any_rule() -> impl Strategy<Value = RuleSpec> {
    let effects = prop_oneof![Just(Effect::Allow), Just(Effect::Deny), Just(Effect::Approve)];
    let conditions = prop_oneof![
        Just(None),
        Just(Some("arguments.n == 1")),
        Just(Some("arguments.n > 1 || time.hour < 12")),
        Just(Some("principal.subject == 'ada'")),
        Just(Some("arguments.missing.deeper")),
    ];
    let tools =
        prop_oneof![Just(vec![]), Just(vec!["git__*".to_owned()]), Just(vec!["x".to_owned()])];
    let principals = prop_oneof![Just(vec![]), Just(vec!["ada".to_owned()])];
    (effects, conditions, tools, principals).prop_map(|(effect, when, tools, principals)| {
        RuleSpec { tools, principals, ..rule("r", effect, when) }
    })
}

proptest! {
    /// What is hidden is refused whatever the arguments are, and what is free is allowed.
    #[test]
    fn sight_agrees_with_every_decision(
        rules in prop::collection::vec(any_rule(), 0..6),
        denies_by_default: bool,
        subject in "(ada|bob)",
        unix_seconds in 0_u64..200_000,
    ) {
        let access =
            Access::compile(AccessSpec { denies_by_default, rules, ..AccessSpec::default() }).unwrap();
        let principal = Principal::of_gantry(&subject);
        let asker = Asker { principal: &principal, address: None, unix_seconds };
        let sight = access.sight(&asker, &tool("git__log"));
        let mut effects = Vec::new();
        for raw in ["{}", r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":"x"}"#, r#"{"missing":{"deeper":true}}"#] {
            let arguments = Arguments::read(raw.as_bytes()).unwrap();
            effects.push(access.decide(&asker, &tool("git__log"), &arguments).effect);
        }
        match sight {
            Sight::Hidden => prop_assert!(effects.iter().all(|effect| *effect == Effect::Deny)),
            Sight::Free => prop_assert!(effects.iter().all(|effect| *effect == Effect::Allow)),
            Sight::AtCall => {}
        }
    }

    /// Whoever is of one class sees the same of everything.
    #[test]
    fn a_class_tells_what_is_seen(
        rules in prop::collection::vec(any_rule(), 0..6),
        one in "(ada|bob|eve)",
        other in "(ada|bob|eve)",
        name in "(git__log|x|y)",
    ) {
        let access = access(rules);
        let (one, other) = (Principal::of_gantry(&one), Principal::of_gantry(&other));
        let (one, other) = (asker(&one), asker(&other));
        if access.class(&one) == access.class(&other) {
            prop_assert_eq!(access.sight(&one, &tool(&name)), access.sight(&other, &tool(&name)));
        }
    }

    #[test]
    fn no_text_makes_the_compiler_fail_otherwise_than_by_an_error(text in "[a-z0-9 .()\\[\\]{}!&|=<>+*?:,'\"-]{0,200}") {
        let _ = Condition::compile(&text);
    }
}
