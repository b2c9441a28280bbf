//! Questions that can be goals.

use super::class;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::reasoning_agent) enum Asked {
    /// Whether something is true; the second atom would make it false.
    Whether {
        /// What has to be true.
        goal: String,
        /// What must not be.
        opposite: Option<String>,
    },
    /// What makes something true.
    What {
        /// The goal, with a variable in the place of what is asked for.
        goal: String,
        /// Whether a class is asked for, which is told in the plural.
        is_class: bool,
    },
}

/// Reads a question.
pub(in crate::reasoning_agent) fn asked(words: &[String]) -> Option<Asked> {
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != ",").collect();
    match words.as_slice() {
        ["is" | "was", subject, "a" | "an", class_name] => Some(whether(subject, class_name)),
        ["is" | "was", subject, "the" | "a" | "an", relation, "of", object] => {
            Some(Asked::Whether {
                goal: format!("{}({subject}, {object})", class(relation)),
                opposite: None,
            })
        }
        ["is" | "was", subject, word, "than", object] => Some(Asked::Whether {
            goal: format!("{}({subject}, {object})", class(word)),
            opposite: Some(format!("{}({object}, {subject})", class(word))),
        }),
        [
            "is" | "was",
            subject,
            word,
            preposition @ ("of" | "to" | "with" | "by" | "in"),
            object,
        ] => Some(Asked::Whether {
            goal: format!("{word}_{preposition}({subject}, {})", class(object)),
            opposite: None,
        }),
        ["is" | "was", subject, word] => Some(whether(subject, word)),
        [
            "what" | "whom",
            "is",
            subject,
            word,
            preposition @ ("of" | "to" | "with" | "by" | "in"),
        ] => Some(Asked::What {
            goal: format!("{word}_{preposition}({subject}, A)"),
            is_class: true,
        }),
        ["who" | "what", "is", "the" | "a" | "an", relation, "of", object] => {
            Some(Asked::What { goal: format!("{}(A, {object})", class(relation)), is_class: false })
        }
        ["who" | "what", "is", word, "than", object] => {
            Some(Asked::What { goal: format!("{}(A, {object})", class(word)), is_class: false })
        }
        ["who", "is", word] | ["who", "is", "a" | "an", word] => {
            Some(Asked::What { goal: format!("{}(A)", class(word)), is_class: false })
        }
        _ => None,
    }
}

fn whether(subject: &str, word: &str) -> Asked {
    let word = class(word);
    Asked::Whether {
        goal: format!("{word}({subject})"),
        opposite: Some(format!("not_{word}({subject})")),
    }
}
