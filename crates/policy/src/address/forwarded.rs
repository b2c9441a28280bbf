//! What proxies write of those for whom they speak: `X-Forwarded-For`, and `Forwarded` (RFC 7239).
//!
//! Each proxy appends whom it saw, so that the list is read from its end. Whatever stands before the
//! first address that is no trusted proxy's was written by strangers.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::Unreadable;

/// Reads the entries of all lines of `X-Forwarded-For`, the last one first. They are texts: most of
/// them are never looked at.
pub(super) fn x_forwarded_for<'a>(
    lines: &'a [&'a [u8]],
) -> impl Iterator<Item = Result<IpAddr, Unreadable>> + 'a {
    lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')).map(|entry| {
        let text = std::str::from_utf8(entry).ok().map(str::trim);
        text.and_then(node).ok_or_else(|| Unreadable::entry(entry))
    })
}

/// What one proxy says of whom it saw.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) node: Result<IpAddr, Unreadable>,
    /// Whether that one's connection was encrypted, if it says so.
    pub(super) is_https: Option<bool>,
}

/// Reads the elements of all lines of `Forwarded`, the last one first.
///
/// # Errors
///
/// A line does not follow the grammar. Since what is in quotes may hold a comma, nothing of such a
/// line can be told apart, not even its end.
pub(super) fn forwarded(lines: &[&[u8]]) -> Result<Vec<Element>, Unreadable> {
    let mut found = Vec::new();
    for line in lines {
        let text = std::str::from_utf8(line).map_err(|_| Unreadable::entry(line))?;
        elements(text, &mut found).ok_or_else(|| Unreadable::entry(line))?;
    }
    found.reverse();
    Ok(found)
}

/// Reads one line into its elements.
fn elements(line: &str, found: &mut Vec<Element>) -> Option<()> {
    let mut rest = line;
    let (mut node_of_element, mut is_https) = (None, None);
    loop {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_start();
        if !is_token(name) {
            return None;
        }
        let (value, after) = value(after)?;
        if name.eq_ignore_ascii_case("proto") {
            let is_other = is_https.replace(value.eq_ignore_ascii_case("https")).is_some();
            if is_other {
                return None;
            }
        } else if name.eq_ignore_ascii_case("for") && node_of_element.replace(value).is_some() {
            return None;
        }
        let after = after.trim_start();
        let end = after.chars().next();
        if end != Some(';') {
            let text = node_of_element.take().unwrap_or_default();
            let node = node(&text).ok_or_else(|| Unreadable::entry(text.as_bytes()));
            found.push(Element { node, is_https: is_https.take() });
        }
        match end {
            None => return Some(()),
            Some(';' | ',') => rest = after.get(1..)?,
            Some(_) => return None,
        }
    }
}

/// Reads a token or a text in quotes; returns it and what follows.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|letter: char| !is_token_letter(letter)).unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        return (!token.is_empty()).then(|| (token.to_owned(), rest));
    };
    let mut plain = String::new();
    let mut letters = quoted.chars();
    loop {
        match letters.next()? {
            '"' => return Some((plain, letters.as_str())),
            '\\' => plain.push(letters.next()?),
            letter => plain.push(letter),
        }
    }
}

/// Reads an address with or without a port. `unknown` and names of a proxy's own are none.
fn node(text: &str) -> Option<IpAddr> {
    let address = if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else if let Ok(address) = text.parse::<SocketAddr>() {
        address.ip()
    } else {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        IpAddr::V6(inside.parse::<Ipv6Addr>().ok()?)
    };
    let address = address.to_canonical();
    // Nobody's address. Somebody who says so wants to be taken for somebody else.
    (!address.is_unspecified() && !address.is_multicast()).then_some(address)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_letter)
}

/// RFC 9110, section 5.6.2.
fn is_token_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter)
}
