//! What holds of `sse`, and what must be refused.

use proptest::prelude::*;

use super::*;

fn all(stream: &[u8], limit: usize) -> Vec<Result<Event, SseError>> {
    let mut parser = Parser::new(limit);
    parser.push(stream);
    parser.by_ref().collect()
}

fn pieces(stream: &[u8], cuts: &[usize], limit: usize) -> Vec<Result<Event, SseError>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.sort_unstable();
    let mut parser = Parser::new(limit);
    let mut events = Vec::new();
    let mut from = 0;
    for cut in cuts.into_iter().chain([stream.len()]) {
        parser.push(&stream[from..cut]);
        events.extend(parser.by_ref());
        from = cut;
    }
    events
}

fn data(text: &'static str) -> Event {
    Event { data: Bytes::from_static(text.as_bytes()), ..Event::default() }
}

#[track_caller]
fn check(stream: &str, expected: &[Event]) {
    let expected: Vec<_> = expected.iter().cloned().map(Ok).collect();
    assert_eq!(all(stream.as_bytes(), 1000), expected, "{stream:?}");
}

#[test]
fn fields_are_read_as_the_standard_says() {
    check("data: a\n\n", &[data("a")]);
    check("data:a\n\ndata:  b\n\n", &[data("a"), data(" b")]);
    check("data: a\ndata\ndata: b\n\n", &[data("a\n\nb")]);
    check("data\n\n", &[data("")]);
    check(": note\n\n:\nid\n\nother: x\n\n", &[]);
    check("data: unfinished\n", &[]);
    check(
        "event: endpoint\nid: 7\nretry: 1500\ndata: /x\n\n",
        &[Event {
            id: Some("7".to_owned()),
            event: Some("endpoint".to_owned()),
            data: Bytes::from_static(b"/x"),
            retry: Some(1500),
        }],
    );
    check("event:\nretry: 1x\nid: a\0b\ndata: d\n\n", &[data("d")]);
}

#[test]
fn every_line_end_and_a_mark_are_understood() {
    check("\u{feff}data: a\r\n\r\ndata: b\r\rdata: c\n\n", &[data("a"), data("b"), data("c")]);
    check("data: a\r\ndata: b\n\r\n", &[data("a\nb")]);
    check("\u{feff}\u{feff}data: a\n\ndata: b\n\n", &[data("b")]);
}

#[test]
fn a_cr_at_the_end_of_a_piece_does_not_hold_the_event_back() {
    let mut parser = Parser::new(100);
    parser.push(b"data: a\r\n\r");
    assert_eq!(parser.next(), Some(Ok(data("a"))));
    parser.push(b"\ndata: b\n\n");
    assert_eq!(parser.next(), Some(Ok(data("b"))));
}

#[test]
fn an_id_stays_in_force_until_the_next() {
    let mut parser = Parser::new(100);
    parser.push(b"id: 1\nretry: 5\n\ndata: a\n\n");
    assert_eq!(parser.next(), Some(Ok(data("a"))));
    assert_eq!((parser.last_event_id(), parser.retry()), ("1", Some(5)));
    parser.push(b"id\ndata: b\n\n");
    assert_eq!(parser.next().unwrap().unwrap().id.as_deref(), Some(""));
    assert_eq!(parser.last_event_id(), "");
}

#[test]
fn an_event_that_is_too_large_is_skipped_and_reading_goes_on() {
    let too_large = Err(SseError::TooLarge { limit: 10 });
    let stream = b"id: 9\ndata: 0123456789\ndata: x\n\ndata: ok\n\n";
    assert_eq!(all(stream, 10), [too_large.clone(), Ok(data("ok"))]);
    let stream = b"data: 012\ndata: 345\ndata: 678\n\ndata: ok\n\n";
    assert_eq!(all(stream, 10), [too_large.clone(), Ok(data("ok"))]);
    let mut parser = Parser::new(10);
    parser.push(b"data: 0123456789");
    assert_eq!(parser.next(), Some(too_large));
    for _ in 0..1000 {
        parser.push(&[b'x'; 1000]);
        assert_eq!(parser.next(), None);
    }
    assert!(parser.input.is_empty(), "what is skipped is not kept");
    parser.push(b"\n\ndata: ok\n\n");
    assert_eq!(parser.next(), Some(Ok(data("ok"))));
}

#[test]
fn both_ends_of_an_event_that_is_too_large_are_told_when_it_is_over() {
    let long = format!("{{\"a\":\"{}\",\"id\":5}}", "x".repeat(3000));
    for size in [1, 7, 600, 10_000] {
        let mut parser = Parser::new(1000);
        parser.tell_at_end();
        let stream = format!("event: message\ndata: {long}\n\ndata: ok\n\n");
        let mut found = Vec::new();
        for piece in stream.as_bytes().chunks(size) {
            parser.push(piece);
            while let Some(event) = parser.next() {
                if event.is_err() {
                    let (head, tail) = parser.skipped();
                    assert_eq!(head.trim_ascii_start()[..500], long.as_bytes()[..500], "{size}");
                    assert_eq!(tail[12..], long.as_bytes()[long.len() - 500..], "{size}");
                }
                found.push(event);
            }
        }
        assert_eq!(found, [Err(SseError::TooLarge { limit: 1000 }), Ok(data("ok"))], "{size}");
    }
    let mut parser = Parser::new(10);
    parser.push(b"data: 0123\ndata: 456789abc\n\n");
    assert_eq!(parser.next(), Some(Err(SseError::TooLarge { limit: 10 })));
    assert_eq!(parser.skipped().0, b"0123 456789abc");
}

#[test]
fn one_line_of_data_is_not_copied() {
    let mut parser = Parser::new(100);
    parser.push(b"data: abc\n\n");
    let address = parser.input[6..].as_ptr();
    assert_eq!(parser.next().unwrap().unwrap().data.as_ptr(), address);
}

#[test]
fn events_are_written_so_that_nothing_can_be_injected() {
    assert_eq!(&event(b"{}", None, None)[..], b"data: {}\n\n");
    assert_eq!(
        &event(b"a\r\nb\rc\n", Some("1\ndata: x"), Some("message"))[..],
        b"event: message\nid: 1data: x\ndata: a\ndata: b\ndata: c\ndata: \n\n"
    );
    assert_eq!(&primer("s1", Some(500))[..], b"id: s1\nretry: 500\ndata: \n\n");
    assert!(all(&comment(), 10).is_empty());
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just("data: a".to_owned()),
        Just("data".to_owned()),
        Just("data:\u{e9}\u{4e16}".to_owned()),
        Just("id: 5".to_owned()),
        Just("event: x".to_owned()),
        Just("retry: 10".to_owned()),
        Just(": c".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("data: 0123456789012345".to_owned()),
        "[a-z:]{0,6}",
    ];
    let end =
        prop_oneof![Just("\n"), Just("\r"), Just("\r\n"), Just("\n\n"), Just("\r\r"), Just("")];
    proptest::collection::vec((token, end), 0..20).prop_map(|lines| {
        lines.into_iter().map(|(line, end)| line + end).collect::<String>().into_bytes()
    })
}

proptest! {
    #[test]
    fn where_the_stream_is_cut_makes_no_difference(
        stream in stream(),
        cuts in proptest::collection::vec(0..200usize, 0..12),
        limit in prop_oneof![Just(14usize), Just(1000usize)],
    ) {
        prop_assert_eq!(pieces(&stream, &cuts, limit), all(&stream, limit));
    }

    #[test]
    fn what_is_written_is_read(
        lines in proptest::collection::vec("[^\r\n]{0,20}", 1..5),
        id in proptest::option::of("[a-z0-9]{1,8}"),
        name in proptest::option::of("[a-z]{1,8}"),
        ends in proptest::collection::vec(prop_oneof![Just("\n"), Just("\r"), Just("\r\n")], 5),
    ) {
        let mut sent = lines[0].clone();
        for (line, end) in lines[1..].iter().zip(&ends) {
            sent += end;
            // A CR end and an empty line before an LF end would be read as one CRLF.
            if line.is_empty() { sent += "."; }
            sent += line;
        }
        let expected = sent.replace("\r\n", "\n").replace('\r', "\n");
        let bytes = event(sent.as_bytes(), id.as_deref(), name.as_deref());
        let read = all(&bytes, 10_000);
        let event = Event { id, event: name, data: Bytes::from(expected), retry: None };
        prop_assert_eq!(read, vec![Ok(event)]);
    }

    #[test]
    fn rubbish_never_panics(bytes in any::<Vec<u8>>(), cuts in any::<[usize; 3]>()) {
        let _ = pieces(&bytes, &cuts, 20);
    }
}
