//! `preprocess_text_mcp`: the words of a text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{MAX_TEXT, text_within};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::text::{length, stop_words, words};
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "preprocess_text_mcp",
    alias: Some("preprocess_text"),
    title: "Take a text apart into words",
    description: "Takes a text of any language apart into words in lower case, without the common \
                  words of its language and without words that are too short.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "English",
            arguments: r#"{"text": "The quick brown Fox, and a dog!"}"#,
            answer: r#"{"processed_words": ["quick", "brown", "fox", "dog"], "language": "en",
                "original_word_count": 7, "processed_word_count": 4, "removed_count": 3}"#,
        },
        Example {
            title: "A script without spaces gives pairs of characters",
            arguments: r#"{"text": "東京都"}"#,
            answer: r#"{"processed_words": ["東京", "京都"], "language": null}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The text.
    text: String,
    /// Whether the common words of its language are left out.
    #[serde(default = "yes")]
    remove_stop_words: bool,
    /// The fewest characters of a word.
    #[serde(default = "two")]
    min_word_length: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The text as it was given.
    original_text: String,
    /// The words that are left, in their order.
    processed_words: Vec<String>,
    /// How many words the text has.
    original_word_count: usize,
    /// How many are left.
    processed_word_count: usize,
    /// How many were left out.
    removed_count: usize,
    /// The words that are left, each once, in their order.
    unique_words: Vec<String>,
    /// The language whose common words the text has (ISO 639-1); none if it has none of them.
    language: Option<&'static str>,
}

fn yes() -> bool {
    true
}

fn two() -> usize {
    2
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { text, remove_stop_words, min_word_length } = arguments;
    text_within("text", &text, MAX_TEXT)?;
    let all = words(&text);
    let language = stop_words::language_of(&all);
    let is_left = |word: &String| {
        let is_common = language.is_some_and(|language| language.is_stop_word(word));
        length(word) >= min_word_length && !(remove_stop_words && is_common)
    };
    let original_word_count = all.len();
    let processed_words: Vec<String> = all.into_iter().filter(is_left).collect();
    let unique: indexmap::IndexSet<String> = processed_words.iter().cloned().collect();
    Ok(Answer {
        original_text: text,
        original_word_count,
        processed_word_count: processed_words.len(),
        removed_count: original_word_count - processed_words.len(),
        unique_words: unique.into_iter().collect(),
        language: language.map(|language| language.code),
        processed_words,
    })
}
