//! Finds and changes whole lines of a text. The text's own line breaks are kept and followed.

use super::super::tree::Entry;

/// Returns where the line of `offset` begins.
pub(super) fn start_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

/// Returns where the line after that of `offset` begins; the end of the text for the last one.
pub(super) fn end_after(text: &str, offset: usize) -> usize {
    let rest = &text.as_bytes()[offset..];
    rest.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| offset + at + 1)
}

/// Returns where the lines of an entry end, with the comments that are indented like its members.
pub(super) fn end_of_entry(text: &str, entry: &Entry, indent: usize) -> usize {
    let value = &entry.value.bytes;
    let end = if value.is_empty() { entry.key_bytes.end } else { value.end };
    // A block of text ends behind its own line break.
    let is_line_start = end > 0 && text.as_bytes().get(end - 1) == Some(&b'\n');
    let mut end = if is_line_start { end } else { end_after(text, end) };
    while end < text.len() {
        let next = end_after(text, end);
        let line = &text.as_bytes()[end..next];
        let blanks = line.iter().take_while(|byte| **byte == b' ').count();
        if blanks <= indent || line.get(blanks) != Some(&b'#') {
            break;
        }
        end = next;
    }
    end
}

/// Puts whole lines in at `offset`, which is the start of a line or the end of the text.
pub(super) fn insert(text: &mut String, offset: usize, lines: &str) {
    let line_break = line_break(text);
    let mut piece = String::new();
    if offset > 0 && text.as_bytes().get(offset - 1) != Some(&b'\n') {
        piece.push_str(line_break);
    }
    piece.push_str(&lines.replace('\n', line_break));
    text.insert_str(offset, &piece);
}

/// Puts whole lines at the end, after a blank one if there is anything before.
pub(super) fn append(text: &mut String, lines: &str) {
    let is_open = text.lines().last().is_some_and(|last| !last.trim().is_empty());
    let end = text.len();
    if is_open {
        insert(text, end, &format!("\n{lines}"));
    } else {
        insert(text, end, lines);
    }
}

fn line_break(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
