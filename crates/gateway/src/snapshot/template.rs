//! Whether a URI can have come from a URI template (RFC 6570), for routing alone.

/// Matches a URI against a template: an expression stands for any run of characters that is not
/// empty; one that starts with an operator for query or fragment may be empty.
pub(super) fn matches(template: &str, uri: &str) -> bool {
    let Some((head, rest)) = template.split_once('{') else { return template == uri };
    let Some(uri) = uri.strip_prefix(head) else { return false };
    let Some((expression, tail)) = rest.split_once('}') else { return false };
    let optional = expression.starts_with(['?', '&', '#', ';', '/', '.']);
    let least = usize::from(!optional);
    uri.char_indices()
        .map(|(at, _)| at)
        .chain([uri.len()])
        .filter(|at| *at >= least)
        .any(|at| uri.get(at..).is_some_and(|after| matches(tail, after)))
}

/// Returns the scheme of a URI.
pub(super) fn scheme(uri: &str) -> Option<&str> {
    uri.split_once(':').map(|(scheme, _)| scheme)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn expressions_stand_for_runs() {
        for (template, uri, expected) in [
            ("file:///{path}", "file:///a/b", true),
            ("file:///{path}", "file:///", false),
            ("test://{id}/data", "test://7/data", true),
            ("test://{id}/data", "test://7/other", false),
            ("a://x{?q}", "a://x", true),
            ("a://{b}-{c}", "a://1-2", true),
            ("plain", "plain", true),
            ("broken{", "brokenx", false),
        ] {
            assert_eq!(matches(template, uri), expected, "{template} {uri}");
        }
    }
}
