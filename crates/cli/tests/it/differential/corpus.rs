//! The exchanges of the corpus.
//!
//! They stand in `corpus/*.txt`: each begins with a line `# title`, and every other line begins with
//! what it is. A line that begins with none of these marks goes on with the line before it.
//!
//! | mark | what it is |
//! |---|---|
//! | `> ` | what the client sends |
//! | `~ ` | what the upstream says before it answers |
//! | `? ` | what the upstream asks before it answers |
//! | `= ` | what the client answers to that |
//! | `< ` | what the upstream answers |
//! | `^ ` | what the upstream sees through Gantry, where that differs; `^ nothing` |
//! | `v ` | what the client gets through Gantry, where that differs: the messages in order, `error CODE` for an error of Gantry's own; of a list the items that differ, `legacy`, `modern` or `since REVISION` before them, or `without NAME` for one that is left out |
//! | `@ ` | `only legacy` or `only modern`; `single`: only where the upstream has its own names; `http`: only over HTTP; `asked` or `unasked`: only with a client that can be asked, or that cannot; `stream`: answered on an event stream although nothing is said before; `answers STATUS`: the upstream's HTTP status; `gets STATUS`: the one through Gantry; `differs ID`: which difference of `docs/differences.md` it shows |
//!
//! In all of them stand for something else: `$ID`, `$TOKEN` and `$ASK` the id, the progress token
//! and the id of a question as they were received; `$N` the prefix of a public name; `$E` the
//! members of an envelope and `$R` those of a result that the era asks for (in the legacy one some
//! that mean nothing); `$LONG` a very long string without its quotes, `$DEEP` a deeply nested value.

use super::differences::Difference;

/// Which of the two eras is spoken on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    Legacy,
    Modern,
}

/// One exchange.
#[derive(Clone, Debug, Default)]
pub(super) struct Case {
    pub(super) title: String,
    pub(super) only: Option<Era>,
    /// Only where the upstream has its own names.
    pub(super) single: bool,
    pub(super) http: bool,
    /// Only with a client that can be asked, or only with one that cannot.
    pub(super) asked: Option<bool>,
    pub(super) stream: bool,
    /// The HTTP status of the upstream's answer.
    pub(super) answers: Option<u16>,
    /// The HTTP status that the client gets through Gantry.
    pub(super) gets: Option<u16>,
    pub(super) differs: Vec<Difference>,
    pub(super) request: String,
    pub(super) steps: Vec<Step>,
    pub(super) answer: Option<String>,
    pub(super) sees: Option<String>,
    pub(super) hears: Vec<String>,
}

/// What happens between a request and its answer.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Say(String),
    Ask(String),
    Reply(String),
}

impl Case {
    /// The method of the request.
    pub(super) fn method(&self) -> String {
        super::json::string(&self.request, &["method"]).unwrap_or_default()
    }

    pub(super) fn is_list(&self) -> bool {
        self.method().ends_with("/list")
    }

    pub(super) fn asks(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Ask(_)))
    }

    pub(super) fn differs_by(&self, difference: Difference) -> bool {
        self.differs.contains(&difference)
    }
}

/// The exchanges of an era, with everything filled in that does not depend on the leg.
pub(super) fn of(era: Era) -> Vec<Case> {
    let files = [
        include_str!("corpus/calls.txt"),
        include_str!("corpus/content.txt"),
        include_str!("corpus/errors.txt"),
        include_str!("corpus/legacy.txt"),
        include_str!("corpus/lists.txt"),
        include_str!("corpus/modern.txt"),
        include_str!("corpus/odd_json.txt"),
        include_str!("corpus/refused.txt"),
    ];
    let filled = files.into_iter().map(|file| fill(file, era));
    let cases: Vec<_> = filled.flat_map(|file| read(&file)).collect();
    cases.into_iter().filter(|case| super::is_of(case, era)).collect()
}

fn fill(file: &str, era: Era) -> String {
    let (envelope, result) = match era {
        Era::Legacy => (r#""x.example/a":1.50"#, r#""x":0.10"#),
        Era::Modern => (
            r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"x":1.0}"#,
            r#""resultType":"complete""#,
        ),
    };
    let long = r"a long text: \u00e9 é \t 漢字 \ud83d\ude00 ".repeat(6_000);
    let deep = format!("{}1.0{}", r#"[{"a": "#.repeat(2_000), "} ]".repeat(2_000));
    let filled = file.replace("$E", envelope).replace("$R", result);
    filled.replace("$LONG", &long).replace("$DEEP", &deep)
}

/// Reads a file.
fn read(file: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (mark, text) in parts(file) {
        if mark == '#' {
            cases.push(Case { title: text, ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a file begins with a title");
        match mark {
            '>' => case.request = text,
            '~' => case.steps.push(Step::Say(text)),
            '?' => case.steps.push(Step::Ask(text)),
            '=' => case.steps.push(Step::Reply(text)),
            '<' => case.answer = Some(text),
            '^' => case.sees = Some(text),
            'v' => case.hears.push(text),
            _ => case.set(&text),
        }
    }
    for case in &cases {
        assert!(!case.request.is_empty(), "`{}` sends nothing", case.title);
        let is_marked = case.sees.is_some() || !case.hears.is_empty() || case.gets.is_some();
        let has_difference = !case.differs.is_empty();
        assert!(
            !is_marked || has_difference,
            "`{}` does not say which difference it shows",
            case.title
        );
    }
    cases
}

/// The marked parts of a file, lines that go on put together.
fn parts(file: &str) -> Vec<(char, String)> {
    let mut parts: Vec<(char, String)> = Vec::new();
    for line in file.lines() {
        let mut characters = line.chars();
        let mark = characters.next().filter(|mark| "#>~?=<^v@".contains(*mark));
        let is_marked = characters.next() == Some(' ');
        match (mark, parts.last_mut()) {
            (Some(mark), _) if is_marked => parts.push((mark, characters.as_str().to_owned())),
            (None, _) if line.is_empty() => {}
            (_, Some((_, text))) => {
                text.push('\n');
                text.push_str(line);
            }
            _ => panic!("a file of the corpus begins with `{line}`"),
        }
    }
    parts
}

impl Case {
    fn set(&mut self, option: &str) {
        let (name, value) = option.split_once(' ').unwrap_or((option, ""));
        match (name, value) {
            ("only", "legacy") => self.only = Some(Era::Legacy),
            ("only", "modern") => self.only = Some(Era::Modern),
            ("single", _) => self.single = true,
            ("http", _) => self.http = true,
            ("asked", _) => self.asked = Some(true),
            ("unasked", _) => self.asked = Some(false),
            ("stream", _) => self.stream = true,
            ("answers", status) => self.answers = status.parse().ok(),
            ("gets", status) => self.gets = status.parse().ok(),
            ("differs", id) => {
                let difference = Difference::ALL.into_iter().find(|known| known.id() == id);
                let difference = difference.unwrap_or_else(|| panic!("no difference `{id}`"));
                self.differs.push(difference);
            }
            _ => panic!("`{}` has an unknown option `{option}`", self.title),
        }
    }
}
