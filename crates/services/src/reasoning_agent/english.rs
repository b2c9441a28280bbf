//! Statements and questions in plain English, as facts, rules and goals.
//!
//! Only a few forms are understood, and what is not understood is left out and told: `X is a Y`,
//! `Xs are afraid of Ys`, `all X are Y`, `no X is Y`, `if ... then ...`, `X is the R of Y`,
//! `X is larger than Y`; `is X a Y?`, `what is X afraid of?`, `who is the R of X?`.

use std::collections::BTreeMap;

use crate::folding::{fold, singular};

mod question;

pub(super) use question::{Asked, asked};

/// What was understood of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Understood {
    /// Facts as the logic reads them.
    pub(super) facts: Vec<String>,
    /// Rules as the logic reads them.
    pub(super) rules: Vec<String>,
    /// Sentences that fit no form.
    pub(super) left_out: Vec<String>,
    /// The question at the end, if it fits a form.
    pub(super) asked: Option<Asked>,
    /// How a name was written where it was met first.
    pub(super) shown: BTreeMap<String, String>,
}

/// Words that make a class and say nothing of it.
const ANYBODY: [&str; 12] = [
    "someone",
    "somebody",
    "something",
    "people",
    "person",
    "thing",
    "things",
    "they",
    "anyone",
    "it",
    "everything",
    "everyone",
];

/// Reads a text.
pub(super) fn understand(text: &str) -> Understood {
    let mut understood = Understood::default();
    for (sentence, is_question) in sentences(text) {
        let words = lower_words(&sentence, &mut understood.shown);
        if words.is_empty() {
            continue;
        }
        if is_question {
            understood.asked = asked(&words);
            if understood.asked.is_none() {
                understood.left_out.push(sentence);
            }
            continue;
        }
        if !state(&words, &mut understood) {
            understood.left_out.push(sentence);
        }
    }
    understood
}

/// Splits a text into sentences, and says which are questions.
pub(super) fn sentences(text: &str) -> Vec<(String, bool)> {
    let mut sentences = Vec::new();
    let mut current = String::new();
    let characters: Vec<char> = text.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        // 3.5 and e.g. do not end a sentence.
        let ends = match character {
            '?' | '!' | '\n' | ';' => true,
            '.' => {
                characters.get(at + 1).is_none_or(|next| next.is_whitespace())
                    && !current.ends_with(" e.g")
                    && !current.ends_with(" i.e")
            }
            _ => false,
        };
        if !ends {
            current.push(*character);
            continue;
        }
        if !current.trim().is_empty() {
            sentences.push((current.trim().to_owned(), *character == '?'));
        }
        current.clear();
    }
    if !current.trim().is_empty() {
        sentences.push((current.trim().to_owned(), false));
    }
    sentences
}

/// Returns the words of a sentence in lower case, commas as words of their own.
fn lower_words(sentence: &str, shown: &mut BTreeMap<String, String>) -> Vec<String> {
    let spaced = sentence.replace(',', " , ");
    let mut words = Vec::new();
    for word in spaced.split_whitespace() {
        if word == "," {
            words.push(",".to_owned());
            continue;
        }
        let clean = word.trim_matches(|character: char| !character.is_alphanumeric());
        let folded = fold(&clean.replace('-', "_")).replace(' ', "_");
        if folded.is_empty() {
            continue;
        }
        shown.entry(folded.clone()).or_insert_with(|| clean.to_owned());
        words.push(folded);
    }
    words
}

/// Reads a statement; tells whether it fits a form.
fn state(words: &[String], understood: &mut Understood) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let rule = conditional(&words).or_else(|| general(&words)).or_else(|| of_kind(&words));
    if let Some(rules) = rule {
        understood.rules.extend(rules);
        return true;
    }
    let facts = particular(&words, understood);
    let is_understood = !facts.is_empty();
    understood.facts.extend(facts);
    is_understood
}

/// `if X is the R of Y and ... then X is the T of Z`, `if someone is A and B then they are C`.
fn conditional(words: &[&str]) -> Option<Vec<String>> {
    let rest = words.strip_prefix(&["if"])?;
    let then = rest
        .iter()
        .position(|word| *word == "then")
        .or_else(|| rest.iter().position(|word| *word == ","))?;
    let (premises, conclusion) = (&rest[..then], &rest[then + 1..]);
    let premises = premises.strip_suffix(&[","]).unwrap_or(premises);
    let mut body: Vec<String> = Vec::new();
    for clause in premises.split(|word| *word == "and" || *word == ",") {
        if clause.is_empty() {
            continue;
        }
        // `someone is big and rough`: the second word continues the first clause.
        let is_whole = clause.contains(&"is") || clause.contains(&"are");
        match (is_whole, clause) {
            (true, clause) => body.push(clause_atom(clause)?),
            (false, [word]) => body.push(format!("{}(X)", class(word))),
            (false, ["not", word]) => body.push(format!("not_{}(X)", class(word))),
            _ => return None,
        }
    }
    Some(vec![format!("{} :- {}", clause_atom(conclusion)?, body.join(", "))])
}

/// Reads `X is the R of Y`, `X is A`, `they are A`, with single letters as variables.
fn clause_atom(clause: &[&str]) -> Option<String> {
    let at = clause.iter().position(|word| matches!(*word, "is" | "are"))?;
    let (subject, predicate) = (clause.get(..at)?, clause.get(at + 1..)?);
    let [subject] = subject else { return None };
    let subject = variable(subject);
    match predicate {
        ["the" | "a" | "an", relation, "of", object] => {
            Some(format!("{}({subject}, {})", class(relation), variable(object)))
        }
        ["not", word] | ["not", "a" | "an", word] => {
            Some(format!("not_{}({subject})", class(word)))
        }
        [word] | ["a" | "an", word] => Some(format!("{}({subject})", class(word))),
        [word, "than", object] => Some(format!("{}({subject}, {})", class(word), variable(object))),
        _ => None,
    }
}

/// Single letters and words for anybody are variables; all else is a name.
fn variable(word: &str) -> String {
    if word.chars().count() == 1 {
        word.to_uppercase()
    } else if ANYBODY.contains(&word) {
        "X".to_owned()
    } else {
        word.to_owned()
    }
}

/// `all A, B people are C`, `every A is a B`, `no A is a B`.
fn general(words: &[&str]) -> Option<Vec<String>> {
    let (first, rest) = words.split_first()?;
    let is_negative = match *first {
        "all" | "every" | "each" | "any" => false,
        "no" => true,
        _ => return None,
    };
    let at = rest.iter().position(|word| matches!(*word, "is" | "are"))?;
    let (subject, predicate) = (rest.get(..at)?, rest.get(at + 1..)?);
    let body: Vec<String> = subject
        .iter()
        .filter(|word| !matches!(**word, "," | "and") && !ANYBODY.contains(word))
        .map(|word| format!("{}(X)", class(word)))
        .collect();
    let body = if body.is_empty() { return None } else { body.join(", ") };
    let is_denied = is_negative || predicate.first() == Some(&"not");
    let predicate = predicate.strip_prefix(&["not"]).unwrap_or(predicate);
    let predicate = predicate
        .strip_prefix(&["a"])
        .or_else(|| predicate.strip_prefix(&["an"]))
        .unwrap_or(predicate);
    let [word] = predicate else {
        let [word, preposition, object] = predicate else { return None };
        return Some(vec![format!("{word}_{preposition}(X, {}) :- {body}", class(object))]);
    };
    let mut rules =
        vec![format!("{}{}(X) :- {body}", if is_denied { "not_" } else { "" }, class(word))];
    // `no reptile is a mammal`: no mammal is a reptile, either.
    if is_negative && subject.len() == 1 {
        rules.push(format!("not_{}(X) :- {}(X)", class(subject[0]), class(word)));
    }
    Some(rules)
}

/// `mice are afraid of cats`, `whales are mammals`.
fn of_kind(words: &[&str]) -> Option<Vec<String>> {
    let [subject, "are", predicate @ ..] = words else { return None };
    let subject = class(subject);
    match predicate {
        [word, preposition @ ("of" | "to" | "with" | "by" | "in"), object] => {
            Some(vec![format!("{word}_{preposition}(X, {}) :- {subject}(X)", class(object))])
        }
        ["not", word] => Some(vec![format!("not_{}(X) :- {subject}(X)", class(word))]),
        [word] => Some(vec![format!("{}(X) :- {subject}(X)", class(word))]),
        _ => None,
    }
}

/// `Gertrude is a mouse`, `Bob is big`, `Anna is the mother of Ben`, `Ann is taller than Bob`.
fn particular(words: &[&str], understood: &mut Understood) -> Vec<String> {
    let Some(at) = words.iter().position(|word| matches!(*word, "is" | "was")) else {
        return Vec::new();
    };
    let subject = words[..at].join("_").replace("the_", "");
    if subject.is_empty() || subject.contains(',') {
        return Vec::new();
    }
    let subject = subject.as_str();
    match &words[at + 1..] {
        ["the" | "a" | "an", relation, "of", object] => {
            vec![format!("{}({subject}, {object})", class(relation))]
        }
        ["not", "a" | "an", word] | ["not", word] => {
            vec![format!("not_{}({subject})", class(word))]
        }
        ["a" | "an", word] => vec![format!("{}({subject})", class(word))],
        [word, "than", object] => {
            // What is larger than something larger is larger.
            let word = class(word);
            let rule = format!("{word}(X, Z) :- {word}(X, Y), {word}(Y, Z)");
            if !understood.rules.contains(&rule) {
                understood.rules.push(rule);
            }
            vec![format!("{word}({subject}, {object})")]
        }
        [word, preposition @ ("of" | "to" | "with" | "by" | "in"), object] => {
            vec![format!("{word}_{preposition}({subject}, {})", class(object))]
        }
        [word] => vec![format!("{}({subject})", class(word))],
        [first, "and", second] => {
            vec![format!("{}({subject})", class(first)), format!("{}({subject})", class(second))]
        }
        _ => Vec::new(),
    }
}

/// Returns the name of a class: the singular of its noun.
pub(super) fn class(word: &str) -> String {
    for (plural, one) in [
        ("mice", "mouse"),
        ("men", "man"),
        ("women", "woman"),
        ("children", "child"),
        ("wolves", "wolf"),
        ("geese", "goose"),
        ("feet", "foot"),
        ("people", "person"),
        ("sheep", "sheep"),
        ("fish", "fish"),
    ] {
        if word == plural {
            return one.to_owned();
        }
    }
    let one = singular(word);
    // A predicate begins with a letter.
    if one.starts_with(|character: char| character.is_ascii_digit()) {
        format!("n_{one}")
    } else {
        one
    }
}

#[cfg(test)]
mod tests {
    use super::understand;

    #[test]
    fn statements_become_facts_and_rules() {
        for (text, facts, rules) in [
            ("Gertrude is a mouse.", vec!["mouse(gertrude)"], vec![]),
            ("Mice are afraid of cats.", vec![], vec!["afraid_of(X, cat) :- mouse(X)"]),
            ("All men are mortal.", vec![], vec!["mortal(X) :- man(X)"]),
            ("All big, rough people are kind.", vec![], vec!["kind(X) :- big(X), rough(X)"]),
            (
                "If someone is big and rough then they are kind.",
                vec![],
                vec!["kind(X) :- big(X), rough(X)"],
            ),
            ("Anna is the mother of Ben.", vec!["mother(anna, ben)"], vec![]),
            (
                "If X is the mother of Y and Y is the father of Z then X is the grandmother of Z.",
                vec![],
                vec!["grandmother(X, Z) :- mother(X, Y), father(Y, Z)"],
            ),
            (
                "No reptile is a mammal.",
                vec![],
                vec!["not_mammal(X) :- reptile(X)", "not_reptile(X) :- mammal(X)"],
            ),
            (
                "Ann is taller than Bob.",
                vec!["taller(ann, bob)"],
                vec!["taller(X, Z) :- taller(X, Y), taller(Y, Z)"],
            ),
        ] {
            let understood = understand(text);
            assert_eq!(understood.facts, facts, "{text}");
            assert_eq!(understood.rules, rules, "{text}");
            assert!(understood.left_out.is_empty(), "{text}");
        }
        assert_eq!(understand("Colourless green ideas sleep furiously.").left_out.len(), 1);
    }
}
