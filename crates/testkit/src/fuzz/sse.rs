//! Event streams: how a stream is cut into pieces changes nothing of what is read.

use gantry_protocol::sse::{self, Event, Parser, SseError};

/// Sizes at which events are too large: one that inputs reach and one that they do not.
const LIMITS: [usize; 2] = [24, 1 << 20];

type Events = Vec<Result<Event, SseError>>;

/// Reads a stream whole, byte by byte, and in uneven pieces.
pub fn sse(data: &[u8]) {
    for limit in LIMITS {
        let (whole, end) = read(limit, [data]);
        let (bytewise, bytewise_end) = read(limit, data.chunks(1));
        assert_eq!(whole, bytewise, "byte by byte, limit {limit}");
        let (uneven, uneven_end) = read(limit, pieces(data));
        assert_eq!(whole, uneven, "in pieces, limit {limit}");
        assert_eq!(end, bytewise_end);
        assert_eq!(end, uneven_end);
        for event in whole.iter().flatten() {
            assert!(event.data.len() <= limit, "{} bytes above {limit}", event.data.len());
            check_encoding(event);
        }
    }
}

fn read<'a>(
    limit: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Events, (String, Option<u64>)) {
    let mut parser = Parser::new(limit);
    let mut events = Vec::new();
    for piece in pieces {
        parser.push(piece);
        events.extend(parser.by_ref());
    }
    let end = (parser.last_event_id().to_owned(), parser.retry());
    (events, end)
}

/// Cuts by the content itself, so that an input is its own description.
fn pieces(data: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = data;
    let mut state = data
        .iter()
        .fold(0x811c_9dc5_u32, |state, byte| (state ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Empty pieces occur too.
        let length = (state >> 28) as usize;
        let (piece, later) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = later;
    }
    pieces
}

/// What was read can be written, and reads the same.
fn check_encoding(event: &Event) {
    let written = sse::event(&event.data, event.id.as_deref(), event.event.as_deref());
    let (read, _) = read(1 << 24, [&written[..]]);
    // A NUL in a name is left out when written, and a name of nothing else with it.
    let name = event.event.as_deref().map(|name| name.replace('\0', ""));
    let name = name.filter(|name| !name.is_empty());
    let expected = Event { event: name, retry: None, ..event.clone() };
    assert_eq!(read, [Ok(expected)]);
}
