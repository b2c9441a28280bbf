//! Putting an answer together out of what sources say, each part with where it comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contradict;
use super::english::sentences;
use crate::folding::{fold, singular, words};

/// The most pieces of evidence of an answer.
const MAX_EVIDENCE: usize = 5;
/// Below this share of the question's words a sentence is not about it.
const LEAST: f64 = 0.3;

/// A source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Its name, which evidence cites.
    pub(super) id: String,
    /// What it says.
    pub(super) text: String,
}

/// A sentence that speaks to a question.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Evidence {
    /// The source.
    pub(super) source: String,
    /// What it says, word for word.
    pub(super) quote: String,
    /// How much of the question's words it has, by their rarity, from 0 to 1.
    pub(super) relevance: f64,
}

/// An answer out of sources.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Synthesis {
    /// The sentences that answer, each with its source in brackets; empty if no source speaks to the
    /// question.
    pub(super) answer: String,
    /// How sure it is, from 0 to 1: the relevance of the best evidence, more for agreement of
    /// several sources, less for contradictions.
    pub(super) confidence: f64,
    /// What it rests on, the most relevant first.
    pub(super) evidence: Vec<Evidence>,
    /// Pieces of evidence that cannot both be true, by their places in `evidence`.
    pub(super) contradictions: Vec<contradict::Contradiction>,
}

/// Answers a question out of sources.
pub(super) fn synthesize(question: &str, sources: &[Source]) -> Synthesis {
    let asked = terms(question);
    let mut quoted: Vec<(String, String, Vec<String>)> = Vec::new();
    for source in sources {
        for (sentence, is_question) in sentences(&source.text) {
            if !is_question {
                let terms = terms(&sentence);
                quoted.push((source.id.clone(), sentence, terms));
            }
        }
    }
    let total = to_float(quoted.len().max(1));
    let weight = |term: &String| {
        let n_with = quoted.iter().filter(|(_, _, terms)| terms.contains(term)).count();
        (1.0 + total / (1.0 + to_float(n_with))).ln()
    };
    let weights: Vec<f64> = asked.iter().map(weight).collect();
    let all: f64 = weights.iter().sum();
    let mut evidence: Vec<Evidence> = quoted
        .iter()
        .map(|(source, sentence, terms)| {
            let shared: f64 = asked
                .iter()
                .zip(&weights)
                .filter(|(term, _)| terms.contains(term))
                .map(|(_, weight)| weight)
                .sum();
            let relevance = if all > 0.0 { (shared / all * 1e4).round() / 1e4 } else { 0.0 };
            Evidence { source: source.clone(), quote: sentence.clone(), relevance }
        })
        .filter(|evidence| evidence.relevance >= LEAST)
        .collect();
    evidence.sort_by(|first, second| second.relevance.total_cmp(&first.relevance));
    evidence.truncate(MAX_EVIDENCE);
    let quotes: Vec<String> = evidence.iter().map(|evidence| evidence.quote.clone()).collect();
    let contradictions = contradict::find(&quotes);
    let answer: Vec<String> = evidence
        .iter()
        .map(|evidence| format!("{}. [{}]", evidence.quote.trim_end_matches('.'), evidence.source))
        .collect();
    let confidence = confidence(&evidence, contradictions.len());
    Synthesis { answer: answer.join(" "), confidence, evidence, contradictions }
}

fn confidence(evidence: &[Evidence], n_contradictions: usize) -> f64 {
    let Some(best) = evidence.first() else { return 0.0 };
    let mut names: Vec<&str> = evidence.iter().map(|evidence| evidence.source.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let agreement = 0.05 * to_float(names.len() - 1);
    let doubt = if n_contradictions == 0 { 1.0 } else { 0.6 };
    (((best.relevance * 0.8 + agreement) * doubt).clamp(0.0, 0.95) * 1e4).round() / 1e4
}

/// Words that every question and every sentence has.
const SMALL: [&str; 48] = [
    "the", "a", "an", "is", "are", "was", "were", "be", "do", "does", "did", "has", "have", "had",
    "of", "to", "in", "on", "at", "by", "for", "with", "and", "or", "it", "its", "this", "that",
    "what", "why", "how", "who", "when", "where", "which", "will", "would", "can", "could",
    "should", "as", "from", "there", "their", "i", "you", "we", "they",
];

fn terms(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut terms: Vec<String> =
        words(&folded).into_iter().filter(|word| !SMALL.contains(word)).map(singular).collect();
    terms.sort();
    terms.dedup();
    terms
}

fn to_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Source, synthesize};

    fn source(id: &str, text: &str) -> Source {
        Source { id: id.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn an_answer_cites_what_it_rests_on() {
        let sources = [
            source("atlas", "Zug lies in Switzerland. Zug has 30,000 people."),
            source("menu", "Soup is served at noon."),
        ];
        let found = synthesize("How many people has Zug?", &sources);
        assert_eq!(found.evidence[0].quote, "Zug has 30,000 people");
        assert!(found.answer.starts_with("Zug has 30,000 people. [atlas]"), "{}", found.answer);
        assert!(found.evidence.iter().all(|evidence| evidence.source == "atlas"));
    }

    #[test]
    fn contradictions_are_told_and_cost_confidence() {
        let one = synthesize("Is the valve open?", &[source("a", "The valve is open.")]);
        let both = synthesize(
            "Is the valve open?",
            &[source("a", "The valve is open."), source("b", "The valve is not open.")],
        );
        assert_eq!(both.contradictions.len(), 1);
        assert!(both.confidence < one.confidence);
    }

    #[test]
    fn nothing_is_said_where_no_source_speaks_to_the_question() {
        let found = synthesize("Who won?", &[source("menu", "Soup is served at noon.")]);
        assert_eq!((found.answer.as_str(), found.confidence), ("", 0.0));
        assert!(synthesize("", &[]).evidence.is_empty());
    }
}
