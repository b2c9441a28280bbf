//! `calculate_text_similarity_mcp` and `calculate_similarity`: two texts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measure::{Bag, Components, Method};
use super::texts::Texts;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool with all its choices.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_text_similarity_mcp",
    alias: Some("calculate_text_similarity"),
    title: "Compare two texts",
    description: "Says how alike two texts are, from 0 to 1, by their words (jaccard, cosine), by \
                  their meaning (semantic), or by all of that (hybrid).",
    annotations: Annotations::COMPUTES,
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "The words of both",
            arguments: r#"{"text1": "the red fox", "text2": "a red hound", "method": "jaccard"}"#,
            answer: r#"{"similarity": 0.3333333333333333, "method": "jaccard"}"#,
        },
        Example {
            title: "All of that, part by part",
            arguments: r#"{"text1": "We build cars.", "text2": "They make automobiles.",
                "return_components": true}"#,
            answer: r#"{"similarity": 0.32, "method": "hybrid",
                "components": {"jaccard": 0, "cosine": 0, "semantic": 0.8},
                "common_concepts": {"common_words": [],
                    "shared_categories": {"creation": ["build", "make"],
                        "nature": ["automobiles", "cars"]}}}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

/// The plain tool.
pub(super) const PLAIN: Tool = Tool {
    name: "calculate_similarity",
    alias: None,
    title: "Compare two texts by one number",
    description: "Says how alike two texts are, from 0 to 1, by their words and their meaning.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Waits,
    input_schema: schema::input::<Two>,
    output_schema: schema::output::<Similarity>,
    examples: &[Example {
        title: "Synonyms",
        arguments: r#"{"text1": "We build cars.", "text2": "They make automobiles."}"#,
        answer: r#"{"similarity": 0.32}"#,
    }],
    run: |context, raw| {
        tool::run(context, raw, |context, two: Two| {
            let texts = two_texts(context, Method::Hybrid, &two.text1, &two.text2)?;
            Ok(Similarity { similarity: texts.compare(Method::Hybrid, 0, 1) })
        })
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The first text.
    #[schemars(length(min = 1))]
    text1: String,
    /// The second text.
    #[schemars(length(min = 1))]
    text2: String,
    /// How they are compared.
    #[serde(default)]
    method: Method,
    /// Whether the answer has the parts of a hybrid similarity, and what the texts have in common.
    #[serde(default)]
    return_components: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Two {
    /// The first text.
    #[schemars(length(min = 1))]
    text1: String,
    /// The second text.
    #[schemars(length(min = 1))]
    text2: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Similarity {
    /// How alike they are, from 0 to 1.
    similarity: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// How alike they are, from 0 to 1.
    similarity: f64,
    /// How they were compared.
    method: Method,
    /// What compared their meaning: `lexical`, or the name of the model; none if nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    semantic_measure: Option<String>,
    /// The parts, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Components>,
    /// What the texts have in common, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    common_concepts: Option<Common>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Common {
    /// The telling words that are in both.
    common_words: Vec<String>,
    /// What words of both are about, with these words.
    shared_categories: BTreeMap<&'static str, Vec<String>>,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { text1, text2, method, return_components } = arguments;
    let texts = two_texts(context, method, &text1, &text2)?;
    let wants_parts = return_components && method == Method::Hybrid;
    Ok(Answer {
        similarity: texts.compare(method, 0, 1),
        method,
        components: wants_parts.then(|| texts.components(0, 1)),
        common_concepts: return_components.then(|| common(texts.bag(0), texts.bag(1))),
        semantic_measure: texts.measure,
    })
}

fn two_texts(
    context: &Context<'_>,
    method: Method,
    text1: &str,
    text2: &str,
) -> Result<Texts, ToolError> {
    let fields = [("text1".to_owned(), text1), ("text2".to_owned(), text2)];
    let texts = Texts::new(context, method, &fields)?;
    for (at, (field, _)) in fields.iter().enumerate() {
        texts.check_words(at, field)?;
    }
    Ok(texts)
}

fn common(left: &Bag, right: &Bag) -> Common {
    let of_right: Vec<&str> = right.words().collect();
    let mut common_words: Vec<String> =
        left.words().filter(|word| of_right.contains(word)).map(str::to_owned).collect();
    common_words.sort_unstable();
    let (left, mut right) = (by_category(left), by_category(right));
    let mut shared_categories = BTreeMap::new();
    for (category, mut words) in left {
        let Some(more) = right.remove(category) else { continue };
        words.extend(more);
        words.sort_unstable();
        words.dedup();
        shared_categories.insert(category, words);
    }
    Common { common_words, shared_categories }
}

/// Returns what the words of a text are about.
pub(super) fn by_category(bag: &Bag) -> BTreeMap<&'static str, Vec<String>> {
    let mut categories: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (term, _) in bag.terms() {
        let Some(entry) = term.entry else { continue };
        categories.entry(entry.category).or_default().push(term.word.clone());
    }
    for words in categories.values_mut() {
        words.sort_unstable();
    }
    categories
}
