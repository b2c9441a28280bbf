//! What the system knows of this process.

use serde_json::{Map, Value};

/// What is read of `/proc/self/status` (Linux, `proc_pid_status(5)`), and how it is called here.
#[cfg(target_os = "linux")]
const STATUS: [(&str, &str); 6] = [
    ("VmRSS", "resident_bytes"),
    ("VmHWM", "most_resident_bytes"),
    ("RssAnon", "anonymous_bytes"),
    ("VmSize", "virtual_bytes"),
    ("VmSwap", "swapped_bytes"),
    ("Threads", "threads"),
];

/// Returns the figures of the process; empty where the system does not say.
#[cfg(target_os = "linux")]
pub(super) fn of_process() -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut figures = read(&status);
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        figures.insert("open_files".to_owned(), entries.count().into());
    }
    Value::Object(figures)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of_process() -> Value {
    Value::Object(Map::new())
}

#[cfg(target_os = "linux")]
fn read(status: &str) -> Map<String, Value> {
    let lines = status.lines().filter_map(|line| line.split_once(':'));
    let figures = lines.filter_map(|(name, text)| {
        let (_, called) = STATUS.iter().find(|(other, _)| *other == name)?;
        let mut words = text.split_whitespace();
        let number: u64 = words.next()?.parse().ok()?;
        let factor = if words.next() == Some("kB") { 1024 } else { 1 };
        Some(((*called).to_owned(), number.saturating_mul(factor).into()))
    });
    figures.collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use serde_json::json;

    use super::{of_process, read};

    #[test]
    fn figures_are_in_bytes() {
        let read = read("Name:\tgantry\nVmRSS:\t    1234 kB\nThreads:\t7\nVmPin: x kB\n");
        assert_eq!(json!(read), json!({ "resident_bytes": 1_263_616, "threads": 7 }));
    }

    #[test]
    fn this_process_has_all_of_them() {
        let figures = of_process();
        for (_, called) in super::STATUS {
            assert!(figures[called].is_u64(), "{called} is not in {figures}");
        }
        assert!(figures["open_files"].as_u64() > Some(0));
    }
}
