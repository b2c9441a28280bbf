//! The pattern `%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger{36} - %msg%n` of Logback,
//! by which a filter of Logstash tells the parts. Times are UTC.

use super::super::time;
use super::{Line, pair, plain};

/// What `%logger{36}` allows.
const LONGEST_LOGGER: usize = 36;

pub(super) fn write(line: &Line) -> String {
    let logger = shortened(&line.target.replace("::", "."));
    let at = time::spring(line.at);
    // The pattern has no place for the request. A message is matched to its end, and a thread is
    // whatever stands in the brackets, so that is where it goes; ids have no brackets.
    let request = line.request.as_deref().map(|request| format!(" {}", request.request_id));
    let request = request.unwrap_or_default();
    let mut text = format!("{at} [{}{request}] {:<5} {logger} - ", line.thread, line.level);
    plain(&line.message, &mut text);
    for (name, value) in &line.fields {
        pair(name, value, &mut text);
    }
    text
}

/// Shortens the parts of a name from the left to their first letter, as far as is needed; the last
/// one stays whole.
fn shortened(name: &str) -> String {
    let mut parts: Vec<&str> = name.split('.').collect();
    let last = parts.len() - 1;
    for place in 0..last {
        let length = parts.iter().map(|part| part.len()).sum::<usize>() + last;
        if length <= LONGEST_LOGGER {
            break;
        }
        let end = parts[place].chars().next().map_or(0, char::len_utf8);
        parts[place] = parts[place].get(..end).unwrap_or_default();
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_names_are_shortened_from_the_left() {
        assert_eq!(shortened("gantry_server.running"), "gantry_server.running");
        assert_eq!(
            shortened("gantry_gateway.dispatch.call_stack.deep"),
            "g.dispatch.call_stack.deep"
        );
        assert_eq!(shortened(&"x".repeat(50)), "x".repeat(50));
    }
}
