//! Scopes, roles and tiers as words: what may stand in a credential (RFC 6749, section 3.3).
//!
//! What a scope opens is decided where access is; here only the words are read.

/// Most words of one list.
pub const MOST_WORDS: usize = 64;
/// Most characters of one word.
pub const LONGEST_WORD: usize = 128;

/// Words that other systems use for what has a longer name here.
const OTHERS: [(&str, &[&str]); 3] =
    [("read", &["mcp:read"]), ("write", &["mcp:write"]), ("admin", &["mcp:read", "mcp:write"])];

/// Why a list of words is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWords {
    /// One is no word.
    #[error(
        "`{}` is no word: 1 to {LONGEST_WORD} visible ASCII characters without spaces, `\"` and `\\`",
        shown(word)
    )]
    Word {
        /// It.
        word: String,
    },
    /// There are too many.
    #[error("{found} words are more than the {MOST_WORDS} allowed")]
    TooMany {
        /// How many.
        found: usize,
    },
}

/// Reads scopes; `read`, `write` and `admin`, which other systems have, become `mcp:read` and
/// `mcp:write`.
///
/// # Errors
/// [`BadWords`].
pub fn scopes<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Box<[Box<str>]>, BadWords> {
    let full = |word: &'a str| -> Vec<&'a str> {
        let other = OTHERS.iter().find(|(theirs, _)| *theirs == word);
        other.map_or_else(|| vec![word], |(_, ours)| ours.to_vec())
    };
    words_of(words.into_iter().flat_map(full))
}

/// Reads roles or other words, each once, in their order.
///
/// # Errors
/// [`BadWords`].
pub fn words_of<'a>(
    written: impl IntoIterator<Item = &'a str>,
) -> Result<Box<[Box<str>]>, BadWords> {
    let mut words: Vec<Box<str>> = Vec::new();
    for word in written {
        check_word(word)?;
        if words.iter().any(|known| **known == *word) {
            continue;
        }
        words.push(word.into());
    }
    if words.len() > MOST_WORDS {
        return Err(BadWords::TooMany { found: words.len() });
    }
    Ok(words.into())
}

/// Checks one word.
///
/// # Errors
/// [`BadWords::Word`].
pub fn check_word(word: &str) -> Result<(), BadWords> {
    let is_good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    if !word.is_empty() && word.len() <= LONGEST_WORD && word.bytes().all(is_good) {
        return Ok(());
    }
    Err(BadWords::Word { word: word.to_owned() })
}

fn shown(word: &str) -> String {
    word.chars().take(LONGEST_WORD).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_systems_become_ours_and_none_stands_twice() {
        let read = |words: &[&str]| scopes(words.iter().copied()).map(|scopes| scopes.join(" "));
        assert_eq!(read(&["read", "write"]).unwrap(), "mcp:read mcp:write");
        assert_eq!(read(&["admin", "read", "tools:git__log:call"]).unwrap().split(' ').count(), 3);
        assert_eq!(read(&["tools:*", "*:*", "reads"]).unwrap(), "tools:* *:* reads");
        assert_eq!(read(&[]).unwrap(), "");
    }

    #[test]
    fn what_could_be_no_scope_is_refused() {
        let long = "x".repeat(129);
        for word in ["", "two words", "quo\"te", "back\\slash", "é", "new\nline", &long] {
            assert_eq!(scopes([word]), Err(BadWords::Word { word: word.to_owned() }), "{word}");
        }
        let many: Vec<_> = (0..65).map(|number| number.to_string()).collect();
        let refused = scopes(many.iter().map(String::as_str)).unwrap_err();
        assert_eq!(refused, BadWords::TooMany { found: 65 });
    }
}
