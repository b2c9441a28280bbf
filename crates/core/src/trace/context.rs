//! W3C Trace Context: the `traceparent` that stands in a header or in `_meta`.

use std::fmt;

/// A trace, a span of it, and whether it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace; never all zeros.
    pub trace: [u8; 16],
    /// The span that asks; never all zeros.
    pub span: [u8; 8],
    /// Whether whoever asks records it.
    pub is_sampled: bool,
}

/// Version, trace, span and flags, each after a `-`.
const LENGTH: usize = 55;

impl TraceContext {
    /// Reads a `traceparent` (W3C Trace Context, section 3.2). A version to come is read as far as
    /// it is like this one; what is malformed is none.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (head, rest) = bytes.split_at_checked(LENGTH)?;
        let version = hex::<1>(&head[..2])?[0];
        let is_shaped = [head[2], head[35], head[52]] == [b'-'; 3];
        let ends_well = rest.is_empty() || (version > 0 && rest[0] == b'-');
        if version == 0xff || !is_shaped || !ends_well {
            return None;
        }
        let trace = hex::<16>(&head[3..35])?;
        let span = hex::<8>(&head[36..52])?;
        let flags = hex::<1>(&head[53..55])?[0];
        let is_known = trace != [0; 16] && span != [0; 8];
        is_known.then_some(Self { trace, span, is_sampled: flags & 1 == 1 })
    }

    /// Returns the trace as 32 digits.
    pub fn trace_text(&self) -> String {
        text_of(&self.trace)
    }

    /// Returns the span as 16 digits.
    pub fn span_text(&self) -> String {
        text_of(&self.span)
    }
}

impl fmt::Display for TraceContext {
    /// Writes a `traceparent` of version 0.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.is_sampled { "01" } else { "00" };
        write!(formatter, "00-{}-{}-{flags}", self.trace_text(), self.span_text())
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub(super) fn text_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Reads lower-case hexadecimal digits; upper case is not allowed.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
