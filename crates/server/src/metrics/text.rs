//! The two texts in which Prometheus takes figures: `OpenMetrics`, and its own older format 0.0.4.
//!
//! The library writes the first; the second is made of it, line by line. They differ in how
//! families of counters are called, in types that only the first has, and in the end mark.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderValue, header::ACCEPT};

/// A format of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// The Prometheus text format, version 0.0.4.
    Plain,
}

const OPEN_METRICS: &str = "application/openmetrics-text";
const TEXT: &str = "text/plain";

impl Format {
    /// Chooses by `Accept` (RFC 9110, section 12.5.1): `OpenMetrics` for whoever names it and does
    /// not like plain text better.
    pub(crate) fn wanted(headers: &HeaderMap) -> Self {
        let (mut open, mut plain) = (0.0, 0.0);
        for part in headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()) {
            for range in part.split(',') {
                let mut parameters = range.split(';').map(str::trim);
                let name = parameters.next().unwrap_or_default();
                let quality = parameters.find_map(|parameter| parameter.strip_prefix("q="));
                let quality: f64 = quality.map_or(1.0, |text| text.parse().unwrap_or(0.0));
                let best = match name {
                    _ if name.eq_ignore_ascii_case(OPEN_METRICS) => &mut open,
                    _ if name.eq_ignore_ascii_case(TEXT) => &mut plain,
                    _ => continue,
                };
                *best = quality.max(*best);
            }
        }
        if open > 0.0 && open >= plain { Self::OpenMetrics } else { Self::Plain }
    }

    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
        })
    }
}

/// Makes the older format of an `OpenMetrics` text.
pub(crate) fn to_plain(open: &str) -> String {
    let mut plain = String::with_capacity(open.len());
    // A family's help comes before its type, which decides what the family is called.
    let mut help = "";
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(_, text)| text);
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(plain, "# HELP {name}{suffix} {help}");
            let _ = writeln!(plain, "# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') {
            let _ = writeln!(plain, "{line}");
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Format, to_plain};

    #[track_caller]
    fn wants(accept: &str, expected: Format) {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_str(accept).unwrap());
        assert_eq!(Format::wanted(&headers), expected, "{accept}");
    }

    #[test]
    fn open_metrics_is_for_those_who_name_it() {
        assert_eq!(Format::wanted(&HeaderMap::new()), Format::Plain);
        wants("*/*", Format::Plain);
        wants("text/html, application/xhtml+xml", Format::Plain);
        wants(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;\
             q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::OpenMetrics,
        );
        wants("text/plain, application/openmetrics-text;q=0.5", Format::Plain);
        wants("application/openmetrics-text; q=0", Format::Plain);
        wants("Application/OpenMetrics-Text", Format::OpenMetrics);
        wants("application/openmetrics-text;q=rubbish", Format::Plain);
    }

    #[test]
    fn the_older_format_has_other_names_and_no_end() {
        let open = "# HELP a_b Things.\n# TYPE a_b counter\na_b_total{x=\"# TYPE\"} 1\n\
                    # HELP v Version.\n# TYPE v info\nv_info{version=\"1\"} 1\n\
                    # HELP s Size.\n# TYPE s_bytes gauge\n# UNIT s_bytes bytes\ns_bytes 2\n# EOF\n";
        let plain = "# HELP a_b_total Things.\n# TYPE a_b_total counter\na_b_total{x=\"# TYPE\"} 1\n\
                     # HELP v_info Version.\n# TYPE v_info gauge\nv_info{version=\"1\"} 1\n\
                     # HELP s_bytes Size.\n# TYPE s_bytes gauge\ns_bytes 2\n";
        assert_eq!(to_plain(open), plain);
    }
}
