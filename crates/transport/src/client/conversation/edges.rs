//! What a line was that is too long to be kept, told by its two ends.
//!
//! Writers put the id first or last, so one of the ends shows it nearly always. What cannot be told
//! for sure is not guessed here.

use gantry_protocol::{Id, Object};

/// What can be told of a message by its ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It answers the request of that id.
    Answer(Id),
    /// It is a request or a notification.
    Speech,
    /// It may be anything.
    Unknown,
}

/// Tells what a line was by its first and its last bytes.
pub(super) fn read(head: &[u8], tail: &[u8]) -> Line {
    let ends = [members_of_head(head), members_of_tail(tail)];
    let mut id = None;
    for bytes in ends.into_iter().flatten() {
        let Ok(object) = Object::read(&bytes, 0..bytes.len()) else { continue };
        if object.get("method").is_some() {
            return Line::Speech;
        }
        id = id.or_else(|| object.raw(&bytes, "id").and_then(Id::read));
    }
    id.map_or(Line::Unknown, Line::Answer)
}

/// Returns the members that stand whole at the beginning, as an object.
fn members_of_head(head: &[u8]) -> Option<Vec<u8>> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut is_escaped = false;
    let mut end = None;
    for (at, byte) in head.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b',' if depth == 1 => end = Some(at),
            _ => {}
        }
    }
    Some([&head[..end?], b"}"].concat())
}

/// Returns the members behind the last value that has parts of its own, as an object.
fn members_of_tail(tail: &[u8]) -> Option<Vec<u8>> {
    let rest = tail.trim_ascii_end().strip_suffix(b"}")?;
    let start = rest.iter().rposition(|byte| matches!(byte, b'}' | b']'))? + 1;
    let members = rest[start..].trim_ascii_start().strip_prefix(b",")?;
    Some([b"{", members, b"}"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read_cut(line: &str) -> Line {
        let bytes = line.as_bytes();
        let edge = bytes.len().min(64);
        read(&bytes[..edge], &bytes[bytes.len() - edge..])
    }

    #[test]
    fn an_id_is_found_at_either_end_and_at_the_top_alone() {
        let long = "x".repeat(200);
        let answer = |id: u64| Line::Answer(Id::from(id));
        for (line, expected) in [
            (format!(r#"{{"jsonrpc":"2.0","id":5,"result":{{"a":"{long}"}}}}"#), answer(5)),
            (format!(r#"{{"result":{{"a":"{long}"}},"jsonrpc":"2.0","id":7}}"#), answer(7)),
            (format!("{{\"result\":[\"{long}\"] , \"id\" : 7 }}\r"), answer(7)),
            (format!(r#"{{"error":{{"message":"{long}"}},"id":8,"jsonrpc":"2.0"}}"#), answer(8)),
            (format!(r#"{{"result":{{"id":5,"a":"{long}"}}}}"#), Line::Unknown),
            (format!(r#"{{"result":{{"a":"{long},\"id\":5"}}}}"#), Line::Unknown),
            (format!(r#"{{"a":"\",\"id\":5,","result":{{"a":"{long}"}}}}"#), Line::Unknown),
            (format!(r#"{{"result":{{"a":"{long}","b":[]}},"jsonrpc":"2.0"}}"#), Line::Unknown),
            (format!(r#"{{"id":5,"method":"a","params":{{"a":"{long}"}}}}"#), Line::Speech),
            (format!(r#"{{"id":5,"params":{{"a":"{long}"}},"method":"a"}}"#), Line::Speech),
            ("}".repeat(200), Line::Unknown),
            (long, Line::Unknown),
        ] {
            assert_eq!(read_cut(&line), expected, "{line}");
        }
    }
}
