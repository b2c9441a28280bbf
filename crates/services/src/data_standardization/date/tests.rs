//! Tests of dates.

use super::{Order, read};

fn month_first(text: &str) -> Option<String> {
    read(text, Order::MonthFirst, 2026).standard
}

#[test]
fn dates_are_read_however_they_are_written() {
    for (text, expected) in [
        ("2024-02-29", "2024-02-29"),
        ("29.02.2024", "2024-02-29"),
        ("3/14/15", "2015-03-14"),
        ("14/3/2015", "2015-03-14"),
        ("20240229", "2024-02-29"),
        ("Feb 29th, 2024", "2024-02-29"),
        ("29 février 2024", "2024-02-29"),
        ("29. Februar 2024", "2024-02-29"),
        ("29 февраля 2024 г.", "2024-02-29"),
        ("2024年2月29日", "2024-02-29"),
        ("2024년 2월 29일", "2024-02-29"),
        ("1 Jan '99", "1999-01-01"),
        ("2024-02-29T10:15:30Z", "2024-02-29T10:15:30"),
        ("20240229T101530", "2024-02-29T10:15:30"),
        ("Thu, 29 Feb 2024 10:15:30 +0200", "2024-02-29T10:15:30"),
        ("February 29, 2024 at 3:05 p.m.", "2024-02-29T15:05:00"),
        ("29 Feb 2024 12 am", "2024-02-29"),
        ("29 Feb 2024, 3.05 pm.", "2024-02-29T15:05:00"),
        ("29 Feb 2024 8:00 in the evening", "2024-02-29T20:00:00"),
        ("29/02/2024 8:00 de la tarde", "2024-02-29T20:00:00"),
        ("2024年2月29日晚8:00", "2024-02-29T20:00:00"),
        ("29 февраля 2024 7 часов 10 минут", "2024-02-29T07:10:00"),
        ("29 ก.พ. 2024", "2024-02-29"),
        ("13. veljače 2024. u podne", "2024-02-13T12:00:00"),
        ("13/2024/10", "2024-10-13"),
        ("28. u studenom 2017.", "2017-11-28"),
        ("25 ян 2016", "2016-01-25"),
        ("12 de junio del 2012", "2012-06-12"),
        ("٢٩/٠٢/٢٠٢٤", "2024-02-29"),
    ] {
        assert_eq!(month_first(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn what_is_no_date_is_none() {
    for text in ["", "soon", "2023-02-29", "32.01.2024", "10:15", "2024", "May", "13/13/2024"] {
        assert_eq!(month_first(text), None, "{text}");
    }
}

#[test]
fn an_order_that_could_be_another_is_less_sure() {
    let american = read("03/04/2024", Order::MonthFirst, 2026);
    let european = read("03/04/2024", Order::DayFirst, 2026);
    assert_eq!(american.standard.as_deref(), Some("2024-03-04"));
    assert_eq!(european.standard.as_deref(), Some("2024-04-03"));
    assert!(american.confidence < read("03/24/2024", Order::MonthFirst, 2026).confidence);
    assert!(american.reason.contains("exchanged"));
}

#[test]
fn a_zone_tells_the_moment_in_utc_beside_what_was_written() {
    for (text, utc) in [
        ("Thu, 29 Feb 2024 22:15:30 -0500 (CDT)", Some("2024-03-01T03:15:30Z")),
        ("2024-02-29T10:15:30+05:30", Some("2024-02-29T04:45:30Z")),
        ("29 Feb 2024 10:15 EDT", Some("2024-02-29T14:15:00Z")),
        ("29 Feb 2024 10:15:00 GMT+0800", Some("2024-02-29T02:15:00Z")),
        ("2024-02-29T10:15:30Z", Some("2024-02-29T10:15:30Z")),
        ("29 Feb 2024 10:15", None),
        // No zone is so far away.
        ("2024-02-29T10:15:30+15:30", None),
        ("2024-02-29T10:15:30+02:75", None),
    ] {
        let reading = read(text, Order::MonthFirst, 2026);
        assert_eq!(reading.parts.get("utc").map(String::as_str), utc, "{text}");
    }
}
