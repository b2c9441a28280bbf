//! Patterns of questions: what is asked for, and how its parts hang together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::english::sentences;
use crate::folding::{fold, singular, words};

/// A kind of pattern.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Area {
    /// How the question is built.
    Structural,
    /// What it is about.
    Semantic,
    /// What brings about what.
    Causal,
}

/// A pattern that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pattern {
    /// What it is: `comparison`, `cause`, `condition` and so on.
    #[serde(rename = "pattern")]
    pub(super) name: String,
    /// The kind of pattern.
    pub(super) area: Area,
    /// How sure that is, from 0 to 1.
    pub(super) confidence: f64,
    /// The words that show it.
    pub(super) evidence: String,
}

/// A pattern by the words that show it; words with `^` in front stand at the beginning of a sentence.
struct Mark {
    pattern: &'static str,
    area: Area,
    confidence: f64,
    words: &'static [&'static str],
}

const MARKS: [Mark; 16] = [
    Mark {
        pattern: "comparison",
        area: Area::Structural,
        confidence: 0.95,
        words: &[
            "compare",
            "compared",
            "comparison",
            "versus",
            "vs",
            "difference between",
            "differences between",
            "better than",
            "worse than",
            "rather than",
        ],
    },
    Mark {
        pattern: "comparison",
        area: Area::Structural,
        confidence: 0.9,
        words: &["^which is", "more than", "less than", "er than"],
    },
    Mark {
        pattern: "choice",
        area: Area::Structural,
        confidence: 0.9,
        words: &["^which of", "^should we", "either", "whether to", "one of the"],
    },
    Mark {
        pattern: "condition",
        area: Area::Structural,
        confidence: 0.95,
        words: &["^if", "unless", "provided that", "assuming", "in case", "suppose", "given that"],
    },
    Mark {
        pattern: "sequence",
        area: Area::Structural,
        confidence: 0.9,
        words: &["^first", "then", "finally", "afterwards", "step", "before", "after", "next"],
    },
    Mark {
        pattern: "negation",
        area: Area::Structural,
        confidence: 0.85,
        words: &["not", "never", "no longer", "without", "nobody", "nothing", "none"],
    },
    Mark {
        pattern: "definition",
        area: Area::Semantic,
        confidence: 0.9,
        words: &[
            "^what is a",
            "^what is an",
            "^what are",
            "^what is the meaning",
            "define",
            "definition of",
            "^what does",
        ],
    },
    Mark {
        pattern: "quantity",
        area: Area::Semantic,
        confidence: 0.95,
        words: &[
            "how many",
            "how much",
            "how large",
            "how long",
            "how far",
            "how often",
            "how old",
            "number of",
            "percentage of",
        ],
    },
    Mark {
        pattern: "time",
        area: Area::Semantic,
        confidence: 0.95,
        words: &[
            "^when",
            "what year",
            "what time",
            "how long ago",
            "since when",
            "until when",
            "what date",
        ],
    },
    Mark {
        pattern: "place",
        area: Area::Semantic,
        confidence: 0.95,
        words: &["^where", "what country", "what city", "which country", "which city"],
    },
    Mark {
        pattern: "person",
        area: Area::Semantic,
        confidence: 0.95,
        words: &["^who", "whom", "whose"],
    },
    Mark {
        pattern: "process",
        area: Area::Semantic,
        confidence: 0.85,
        words: &["^how do", "^how does", "^how can", "^how did", "^how to", "^how is", "^how are"],
    },
    Mark {
        pattern: "cause",
        area: Area::Causal,
        confidence: 0.95,
        words: &[
            "^why",
            "cause",
            "causes",
            "caused",
            "because",
            "reason for",
            "reasons for",
            "due to",
            "leads to",
            "lead to",
            "result of",
            "results in",
            "what drove",
            "responsible for",
        ],
    },
    Mark {
        pattern: "effect",
        area: Area::Causal,
        confidence: 0.9,
        words: &[
            "affect",
            "affects",
            "effect of",
            "effects of",
            "impact",
            "consequence",
            "consequences",
            "what happens",
            "influence",
            "outcome of",
        ],
    },
    Mark {
        pattern: "purpose",
        area: Area::Causal,
        confidence: 0.85,
        words: &["in order to", "so that", "purpose of", "goal of", "what for"],
    },
    Mark {
        pattern: "trade_off",
        area: Area::Causal,
        confidence: 0.85,
        words: &[
            "advantages",
            "disadvantages",
            "pros",
            "cons",
            "trade off",
            "tradeoffs",
            "benefits",
            "drawbacks",
            "at the expense",
        ],
    },
];

/// Words with which a question begins that is answered with yes or no.
const YES_NO: [&str; 20] = [
    "is", "are", "was", "were", "do", "does", "did", "can", "could", "will", "would", "should",
    "has", "have", "had", "may", "might", "must", "am", "shall",
];

/// Finds the patterns of a text, the surest first.
pub(super) fn find(text: &str, areas: &[Area], threshold: f64) -> Vec<Pattern> {
    let sentences = sentences(text);
    let mut found: Vec<Pattern> = Vec::new();
    for (sentence, is_question) in &sentences {
        let folded = fold(sentence);
        for mark in &MARKS {
            if let Some(evidence) = mark.words.iter().find_map(|words| shown(&folded, words)) {
                found.push(pattern(mark.pattern, mark.area, mark.confidence, evidence));
            }
        }
        let first = words(&folded).first().copied().unwrap_or_default();
        if *is_question && YES_NO.contains(&first) {
            found.push(pattern("yes_no", Area::Structural, 0.95, first.to_owned()));
        }
        let alternatives = folded.contains(" or ") && sentence.contains(',');
        if *is_question && alternatives {
            found.push(pattern("choice", Area::Structural, 0.8, "or".to_owned()));
        }
    }
    found.extend(repetition(&sentences));
    found.retain(|pattern| areas.contains(&pattern.area) && pattern.confidence >= threshold);
    found.sort_by(|first, second| {
        second.confidence.total_cmp(&first.confidence).then(first.name.cmp(&second.name))
    });
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|pattern| seen.insert(pattern.name.clone()));
    found
}

fn pattern(name: &str, area: Area, confidence: f64, evidence: String) -> Pattern {
    Pattern { name: name.to_owned(), area, confidence, evidence }
}

/// Returns the words of a mark if a sentence has them.
fn shown(folded: &str, mark: &str) -> Option<String> {
    if let Some(begin) = mark.strip_prefix('^') {
        let begins =
            folded == begin || folded.strip_prefix(begin).is_some_and(|rest| rest.starts_with(' '));
        return begins.then(|| begin.to_owned());
    }
    if mark == "er than" {
        let padded = words(folded);
        let pair = padded.windows(2).find(|pair| pair[1] == "than" && pair[0].ends_with("er"));
        return pair.map(|pair| pair.join(" "));
    }
    format!(" {folded} ").contains(&format!(" {mark} ")).then(|| mark.to_owned())
}

/// Sentences that differ in one word alone repeat something.
fn repetition(sentences: &[(String, bool)]) -> Option<Pattern> {
    let folded: Vec<Vec<String>> = sentences
        .iter()
        .filter(|(_, is_question)| !is_question)
        .map(|(sentence, _)| words(&fold(sentence)).into_iter().map(singular).collect())
        .collect();
    let is_alike = |first: &Vec<String>, second: &Vec<String>| {
        let n_different = first.iter().zip(second).filter(|(one, other)| one != other).count();
        first.len() == second.len() && first.len() > 2 && n_different <= 1
    };
    let n_alike = folded.windows(2).filter(|pair| is_alike(&pair[0], &pair[1])).count();
    let evidence = format!("{} sentences differ in one word", n_alike + 1);
    (n_alike >= 2).then(|| pattern("repetition", Area::Structural, 0.85, evidence))
}

#[cfg(test)]
mod tests {
    use super::{Area, find};

    #[test]
    fn patterns_are_found_by_their_words() {
        let all = [Area::Structural, Area::Semantic, Area::Causal];
        for (text, expected) in [
            ("Why is the sky blue?", "cause"),
            ("Is tea better than coffee?", "comparison"),
            ("Where is Zug?", "place"),
            ("How many moons has Mars?", "quantity"),
            ("Can pigs fly?", "yes_no"),
        ] {
            let found = find(text, &all, 0.7);
            assert!(found.iter().any(|pattern| pattern.name == expected), "{text}: {found:?}");
        }
        assert!(find("Why is the sky blue?", &[Area::Semantic], 0.7).is_empty());
        assert!(find("", &all, 0.0).is_empty());
    }
}
