//! `extract_semantic_features_mcp`: what a text is about.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation as _;

use super::measure::Bag;
use super::pair::by_category;
use super::thesaurus;
use crate::arguments::{MAX_TEXT, text_within};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::text::{self, stop_words};
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most words that are named as those that a text uses most.
const MAX_KEY_TERMS: usize = 20;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "extract_semantic_features_mcp",
    alias: Some("extract_semantic_features"),
    title: "Say what a text is about",
    description: "Says which telling words a text has and which it uses most, what they are about, \
                  which synonyms they have, and in which language and how richly it is written.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A sentence",
        arguments: r#"{"text": "The company buys new software. New tools help."}"#,
        answer: r#"{"word_count": 6, "sentence_count": 2, "language": "en",
            "key_terms": [{"word": "new", "count": 2}, {"word": "buys", "count": 1},
                {"word": "company", "count": 1}, {"word": "help", "count": 1},
                {"word": "software", "count": 1}, {"word": "tools", "count": 1}],
            "semantic_categories": {"commerce": ["buys", "company"], "technology": ["software"],
                "temporal": ["new"], "use": ["help"]},
            "synonym_matches": [{"word": "company"}, {"word": "buys"}, {"word": "new",
                "synonyms": ["recent", "fresh", "modern"]}, {"word": "software"},
                {"word": "help"}]}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The text.
    text: String,
    /// Whether the answer says what words are about.
    #[serde(default = "yes")]
    include_categories: bool,
    /// Whether the answer has synonyms of words.
    #[serde(default = "yes")]
    include_synonyms: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// How many different telling words there are.
    word_count: usize,
    /// The telling words, each once, in their order.
    unique_words: Vec<String>,
    /// The words that are used most, and how often.
    key_terms: Vec<KeyTerm>,
    /// How many words there are in all.
    total_words: usize,
    /// How many sentences there are.
    sentence_count: usize,
    /// How many characters a telling word has on average.
    average_word_length: f64,
    /// The different words, divided by all words: the nearer to 1, the less is repeated.
    lexical_diversity: f64,
    /// The language whose common words the text has (ISO 639-1); none if it has none of them.
    language: Option<&'static str>,
    /// What words are about, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    semantic_categories: Option<BTreeMap<&'static str, Vec<String>>>,
    /// The synonyms of words, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    synonym_matches: Option<Vec<Match>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct KeyTerm {
    /// The word.
    word: String,
    /// How often it is used.
    count: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Match {
    /// The word.
    word: String,
    /// The number of its group.
    synonym_group: usize,
    /// The other words of the group.
    synonyms: Vec<&'static str>,
}

fn yes() -> bool {
    true
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { text, include_categories, include_synonyms } = arguments;
    text_within("text", &text, MAX_TEXT)?;
    let all = text::words(&text);
    let bag = Bag::new(&text);
    let unique_words: Vec<String> = bag.words().map(str::to_owned).collect();
    let n_letters: usize = unique_words.iter().map(|word| text::length(word)).sum();
    let mut different = all.clone();
    different.sort_unstable();
    different.dedup();
    Ok(Answer {
        word_count: bag.len(),
        key_terms: key_terms(&bag),
        total_words: all.len(),
        sentence_count: text.unicode_sentences().count(),
        average_word_length: ratio(n_letters, unique_words.len()),
        lexical_diversity: ratio(different.len(), all.len()),
        language: stop_words::language_of(&all).map(|language| language.code),
        semantic_categories: include_categories.then(|| by_category(&bag)),
        synonym_matches: include_synonyms.then(|| synonyms(&bag)),
        unique_words,
    })
}

fn key_terms(bag: &Bag) -> Vec<KeyTerm> {
    let terms = bag.terms().map(|(term, count)| KeyTerm { word: term.word.clone(), count });
    let mut terms: Vec<KeyTerm> = terms.collect();
    terms.sort_by(|left, right| {
        right.count.total_cmp(&left.count).then_with(|| left.word.cmp(&right.word))
    });
    terms.truncate(MAX_KEY_TERMS);
    terms
}

fn synonyms(bag: &Bag) -> Vec<Match> {
    let known = bag.terms().filter_map(|(term, _)| Some((term, term.entry?)));
    known
        .map(|(term, entry)| {
            let group = thesaurus::group(entry.group).iter().copied();
            Match {
                word: term.word.clone(),
                synonym_group: entry.group,
                synonyms: group.filter(|synonym| *synonym != term.word).collect(),
            }
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "no text has 2^53 words")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
