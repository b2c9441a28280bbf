//! Taking a question apart into questions that can be answered one by one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::english::sentences;

/// What the parts are made by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Strategy {
    /// How the question is built: clauses, comparisons, conditions.
    #[default]
    Structural,
    /// What it is about: each term is defined first.
    Semantic,
    /// What brings about what: causes, then effects.
    Causal,
}

/// A part of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubQuestion {
    /// Its number, by which others name it.
    pub(super) id: usize,
    /// The question.
    pub(super) question: String,
    /// What it is for: `main`, `premise`, `compared`, `referent`, `term`, `cause`, `effect`.
    pub(super) role: String,
    /// The parts that have to be answered before.
    pub(super) depends_on: Vec<usize>,
}

/// Words with which a question begins.
const OPENERS: [&str; 30] = [
    "what", "why", "how", "who", "when", "where", "which", "whose", "whom", "is", "are", "was",
    "were", "do", "does", "did", "can", "could", "will", "would", "should", "has", "have", "had",
    "may", "might", "must", "compare", "explain", "describe",
];

/// Takes a question apart into at most `most` parts; the main question is the last.
pub(super) fn decompose(question: &str, strategy: Strategy, most: usize) -> Vec<SubQuestion> {
    let mut parts = Parts::default();
    for clause in clauses(question) {
        match strategy {
            Strategy::Structural => structural(&clause, &mut parts),
            Strategy::Semantic => semantic(&clause, &mut parts),
            Strategy::Causal => causal(&clause, &mut parts),
        }
    }
    let mut parts = parts.0;
    // What the others are for is kept where there is no room for all.
    while parts.len() > most.max(1) {
        let first = parts.iter().position(|part| part.role != "main").unwrap_or(0);
        parts.remove(first);
    }
    renumber(parts)
}

#[derive(Debug, Default)]
struct Parts(Vec<SubQuestion>);

impl Parts {
    fn add(&mut self, question: String, role: &str, depends_on: Vec<usize>) -> usize {
        let id = self.0.len() + 1;
        self.0.push(SubQuestion { id, question, role: role.to_owned(), depends_on });
        id
    }
}

/// Numbers parts anew and forgets what they named and is gone.
fn renumber(mut parts: Vec<SubQuestion>) -> Vec<SubQuestion> {
    let ids: Vec<usize> = parts.iter().map(|part| part.id).collect();
    let place = |id: &usize| ids.iter().position(|known| known == id).map(|at| at + 1);
    for (at, part) in parts.iter_mut().enumerate() {
        part.id = at + 1;
        part.depends_on = part.depends_on.iter().filter_map(place).collect();
    }
    parts
}

/// Splits a text into the questions that stand beside each other.
fn clauses(text: &str) -> Vec<String> {
    let sentences = sentences(text);
    let has_question = sentences.iter().any(|(_, is_question)| *is_question);
    let mut clauses = Vec::new();
    for (sentence, is_question) in sentences {
        if has_question && !is_question {
            continue;
        }
        let mut current: Vec<&str> = Vec::new();
        let words: Vec<&str> = sentence.split_whitespace().collect();
        for (at, word) in words.iter().enumerate() {
            let before = current.last().copied().unwrap_or_default();
            let begins = is_opener(word) && (before.ends_with(',') || before == "and");
            let joins = *word == "and" && words.get(at + 1).is_some_and(|next| is_opener(next));
            // `and how does`: a verb alone behind `and` may belong to the same clause.
            if begins && !current.is_empty() {
                push(&mut clauses, &mut current);
            }
            if joins && !current.is_empty() {
                push(&mut clauses, &mut current);
                continue;
            }
            current.push(word);
        }
        push(&mut clauses, &mut current);
    }
    clauses
}

fn push(clauses: &mut Vec<String>, current: &mut Vec<&str>) {
    while current.last() == Some(&"and") {
        current.pop();
    }
    let text = current.join(" ");
    let text = text.trim_matches([',', ' ']);
    if !text.is_empty() {
        clauses.push(text.to_owned());
    }
    current.clear();
}

fn is_opener(word: &str) -> bool {
    let word = bare(word);
    OPENERS.iter().take(8).any(|opener| *opener == word)
        || matches!(word.as_str(), "did" | "does" | "is" | "are" | "will")
}

fn bare(word: &str) -> String {
    word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase()
}

/// Writes a text as a question.
fn asked(text: &str) -> String {
    let text = text.trim().trim_end_matches(['.', ',', '?']);
    let mut characters = text.chars();
    let first: String =
        characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}?", characters.as_str())
}

fn structural(clause: &str, parts: &mut Parts) {
    if condition(clause, parts)
        || comparison(clause, parts)
        || both_sides(clause, parts)
        || alternatives(clause, parts)
        || referent(clause, parts)
        || span(clause, parts)
    {
        return;
    }
    parts.add(asked(clause), "main", Vec::new());
}

/// `If A, B`: what A means, then B.
fn condition(clause: &str, parts: &mut Parts) -> bool {
    let Some(rest) = clause.strip_prefix("If ").or_else(|| clause.strip_prefix("if ")) else {
        return false;
    };
    let Some((premise, main)) = rest.split_once(", ").or_else(|| rest.split_once(" then ")) else {
        return false;
    };
    let first = parts.add(
        format!("Under what circumstances is it true that {}?", premise.trim()),
        "premise",
        Vec::new(),
    );
    parts.add(asked(main), "main", vec![first]);
    true
}

/// `Compare the A of B and C`, `the difference between B and C`, `which is A, B or C`.
fn comparison(clause: &str, parts: &mut Parts) -> bool {
    let lower = clause.to_lowercase();
    let rest = [
        "compare ",
        "what is the difference between ",
        "what are the differences between ",
        "difference between ",
    ]
    .iter()
    .find_map(|mark| {
        let at = lower.find(mark)?;
        clause.get(at + mark.len()..)
    });
    let rest = rest.map(|rest| rest.trim_end_matches(['.', '?']));
    let (what, first, second) = if let Some(rest) = rest {
        let Some((left, second)) = rest
            .split_once(" and ")
            .or_else(|| rest.split_once(" with "))
            .or_else(|| rest.split_once(" to "))
        else {
            return false;
        };
        let (what, first) =
            left.rsplit_once(" of ").map_or(("", left), |(what, first)| (what, first));
        // `solar and wind energy`: the last word belongs to both.
        let shared = second
            .split_whitespace()
            .last()
            .filter(|_| second.contains(' ') && !first.contains(' ') && !what.is_empty());
        let first = shared.map_or_else(|| first.to_owned(), |shared| format!("{first} {shared}"));
        (what.to_owned(), first, second.to_owned())
    } else if lower.starts_with("which is ")
        || lower.starts_with("who is ")
        || lower.starts_with("what is ")
    {
        let Some((head, options)) = clause.split_once(", ") else { return false };
        let Some((first, second)) = options.split_once(" or ") else { return false };
        let what = head.split_whitespace().skip(2).collect::<Vec<_>>().join(" ");
        (
            format!("how {what}"),
            first.trim_end_matches(',').to_owned(),
            second.trim_end_matches('?').to_owned(),
        )
    } else {
        return false;
    };
    let ask = |thing: &str| match what.strip_prefix("how ") {
        Some(measure) => format!("How does {thing} measure up in being {measure}?"),
        None if what.is_empty() => format!("What characterises {thing}?"),
        None => format!("What is {what} of {thing}?"),
    };
    let (one, other) = (ask(&first), ask(&second));
    let one = parts.add(one, "compared", Vec::new());
    let other = parts.add(other, "compared", Vec::new());
    parts.add(asked(clause), "main", vec![one, other]);
    true
}

/// `the advantages and disadvantages of A`.
fn both_sides(clause: &str, parts: &mut Parts) -> bool {
    let Some((before, after)) = clause.split_once(" and ") else { return false };
    let Some((second, topic)) = after.split_once(" of ") else { return false };
    let Some(first) = before.split_whitespace().last() else { return false };
    if second.contains(' ') || first.chars().count() < 3 || before.split_whitespace().count() > 6 {
        return false;
    }
    let topic = topic.trim_end_matches('?');
    let one = parts.add(format!("What are the {first} of {topic}?"), "compared", Vec::new());
    let other = parts.add(format!("What are the {second} of {topic}?"), "compared", Vec::new());
    parts.add(asked(clause), "main", vec![one, other]);
    true
}

/// `Should we A or B`.
fn alternatives(clause: &str, parts: &mut Parts) -> bool {
    let lower = clause.to_lowercase();
    let Some(subject) = ["should we ", "should i ", "shall we ", "should they "]
        .iter()
        .find(|begin| lower.starts_with(**begin))
    else {
        return false;
    };
    let Some((first, second)) =
        clause.get(subject.len()..).and_then(|rest| rest.split_once(" or "))
    else {
        return false;
    };
    let one = parts.add(
        format!("What speaks for and against the choice to {}?", first.trim()),
        "compared",
        Vec::new(),
    );
    let other = parts.add(
        format!(
            "What speaks for and against the choice to {}?",
            second.trim().trim_end_matches('?')
        ),
        "compared",
        Vec::new(),
    );
    parts.add(asked(clause), "main", vec![one, other]);
    true
}

/// `the company that acquired Skype`: which company, then the rest.
fn referent(clause: &str, parts: &mut Parts) -> bool {
    let words: Vec<&str> = clause.trim_end_matches('?').split_whitespace().collect();
    let Some(at) = words
        .iter()
        .position(|word| matches!(*word, "that" | "who" | "which"))
        .filter(|at| *at >= 2)
    else {
        return false;
    };
    let Some(article) = words[..at]
        .iter()
        .rposition(|word| matches!(word.to_lowercase().as_str(), "the" | "a" | "an"))
    else {
        return false;
    };
    let noun = words[article + 1..at].join(" ");
    let rest = &words[at + 1..];
    if rest.is_empty() || noun.is_empty() {
        return false;
    }
    // `How many ... does the company that acquired Skype have`: the last verb belongs to the main one.
    let is_inverted =
        words.iter().any(|word| matches!(word.to_lowercase().as_str(), "does" | "do" | "did"));
    let ends_main = ["have", "do", "make", "cost", "live", "need", "use"];
    let tail = usize::from(is_inverted && rest.last().is_some_and(|last| ends_main.contains(last)));
    let (relative, tail) = rest.split_at(rest.len() - tail);
    let first = parts.add(format!("Which {noun} {}?", relative.join(" ")), "referent", Vec::new());
    let main =
        format!("{} the {noun} of part {first} {}", words[..article].join(" "), tail.join(" "));
    parts.add(asked(main.trim()), "main", vec![first]);
    true
}

/// `between 2020 and 2023`.
fn span(clause: &str, parts: &mut Parts) -> bool {
    let Some((before, after)) = clause.split_once(" between ") else { return false };
    let Some((first, second)) = after.split_once(" and ") else { return false };
    let second =
        second.split(|character: char| !character.is_alphanumeric()).next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(first) || !is_number(second) {
        return false;
    }
    let topic = before
        .split_whitespace()
        .filter(|word| !OPENERS.contains(&bare(word).as_str()) && bare(word) != "change")
        .collect::<Vec<_>>()
        .join(" ");
    let one =
        parts.add(format!("What was the state of {topic} in {first}?"), "compared", Vec::new());
    let other =
        parts.add(format!("What was the state of {topic} in {second}?"), "compared", Vec::new());
    parts.add(asked(clause), "main", vec![one, other]);
    true
}

/// Every term is defined before the question.
fn semantic(clause: &str, parts: &mut Parts) {
    let terms = terms(clause);
    let ids = terms
        .into_iter()
        .map(|term| parts.add(format!("What does `{term}` mean here?"), "term", Vec::new()))
        .collect();
    parts.add(asked(clause), "main", ids);
}

/// Causes and effects come before the question.
fn causal(clause: &str, parts: &mut Parts) {
    let topic = terms(clause).join(", ");
    if topic.is_empty() {
        parts.add(asked(clause), "main", Vec::new());
        return;
    }
    let cause = parts.add(format!("What brings about {topic}?"), "cause", Vec::new());
    let effect = parts.add(format!("What follows from {topic}?"), "effect", Vec::new());
    parts.add(asked(clause), "main", vec![cause, effect]);
}

/// Words that are no terms.
const FUNCTION_WORDS: [&str; 50] = [
    "the", "a", "an", "of", "and", "or", "in", "on", "at", "to", "for", "with", "by", "from", "it",
    "its", "this", "that", "these", "those", "we", "you", "i", "they", "he", "she", "be", "been",
    "not", "between", "about", "into", "than", "then", "if", "as", "there", "their", "our", "your",
    "my", "me", "us", "them", "his", "her", "so", "but", "any", "some",
];

/// Returns the terms of a clause: runs of words that are neither openers nor small words.
fn terms(clause: &str) -> Vec<String> {
    let mut terms: Vec<String> = Vec::new();
    let mut run: Vec<String> = Vec::new();
    for word in clause.split_whitespace() {
        let plain = bare(word);
        let ends = FUNCTION_WORDS.contains(&plain.as_str())
            || OPENERS.contains(&plain.as_str())
            || plain.is_empty();
        if !ends {
            run.push(plain);
        }
        if (ends || word.ends_with(',')) && !run.is_empty() {
            terms.push(run.join(" "));
            run.clear();
        }
    }
    if !run.is_empty() {
        terms.push(run.join(" "));
    }
    terms.dedup();
    terms
}

#[cfg(test)]
mod tests {
    use super::{Strategy, decompose};

    #[test]
    fn questions_are_taken_apart_by_how_they_are_built() {
        for (question, expected) in [
            ("What is a mutex?", vec!["What is a mutex?"]),
            ("Why did it fail, and who approved it?", vec!["Why did it fail?", "Who approved it?"]),
            (
                "Which is heavier, lead or gold?",
                vec![
                    "How does lead measure up in being heavier?",
                    "How does gold measure up in being heavier?",
                    "Which is heavier, lead or gold?",
                ],
            ),
            (
                "Who founded the company that bought Skype?",
                vec!["Which company bought Skype?", "Who founded the company of part 1?"],
            ),
        ] {
            let found: Vec<String> = decompose(question, Strategy::Structural, 5)
                .into_iter()
                .map(|part| part.question)
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_main_question_stays_where_there_is_no_room() {
        let parts = decompose("Compare the cost of tea and coffee.", Strategy::Structural, 2);
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1].role, "main");
        assert_eq!(parts[1].depends_on, [1]);
        assert!(decompose("", Strategy::Structural, 5).is_empty());
    }

    #[test]
    fn other_strategies_ask_for_terms_and_causes() {
        let terms = decompose("Does caffeine affect sleep?", Strategy::Semantic, 5);
        assert_eq!(terms[0].question, "What does `caffeine affect sleep` mean here?");
        let causes = decompose("Does caffeine affect sleep?", Strategy::Causal, 5);
        assert_eq!(causes[0].role, "cause");
    }
}
