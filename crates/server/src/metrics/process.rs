//! What the system knows of this process: time, memory, open files.
//!
//! Read from `/proc` at each scrape; elsewhere than on Linux there is nothing, rather than zeros.

/// The process at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    /// Seconds of processor time in user mode.
    pub(crate) user_seconds: f64,
    /// Seconds of processor time in the kernel.
    pub(crate) system_seconds: f64,
    /// Unix seconds at which the process began.
    pub(crate) start_seconds: f64,
    /// Bytes of memory that are in use.
    pub(crate) resident_bytes: u64,
    /// Bytes of address space that are taken.
    pub(crate) virtual_bytes: u64,
}

/// Reads what the system knows of this process.
#[cfg(target_os = "linux")]
pub(crate) fn read() -> Option<Process> {
    let own = std::fs::read_to_string("/proc/self/stat").ok()?;
    let whole = std::fs::read_to_string("/proc/stat").ok()?;
    let ticks = rustix::param::clock_ticks_per_second();
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    parse(&own, &whole, Units { ticks, page })
}

/// Reads what the system knows of this process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read() -> Option<Process> {
    None
}

/// Counts the open file descriptors, which takes the longer the more there are.
pub(crate) fn open_files() -> Option<u64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the folder that is being read.
    Some(u64::try_from(open).ok()?.saturating_sub(1))
}

/// Counts the threads.
pub(crate) fn threads() -> Option<u64> {
    u64::try_from(std::fs::read_dir("/proc/self/task").ok()?.count()).ok()
}

/// Returns how many file descriptors may be open, where there is a limit.
pub(crate) fn max_files() -> Option<u64> {
    #[cfg(target_os = "linux")]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(target_os = "linux"))]
    None
}

/// Returns how much work waited for the processors on the average of the last minute.
pub(crate) fn load_average() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// In which the two files count.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy)]
struct Units {
    /// A second, in ticks.
    ticks: u64,
    /// A page of memory, in bytes.
    page: u64,
}

/// Reads `/proc/self/stat` and `/proc/stat`; proc(5) has their fields.
#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "no process runs for 2^53 ticks")]
fn parse(own: &str, whole: &str, units: Units) -> Option<Process> {
    // The name of the program stands in parentheses and may hold spaces, and parentheses too.
    let (_, fields) = own.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // Counted from the state, which is field 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let boot = whole.lines().find_map(|line| line.strip_prefix("btime "))?.parse::<f64>().ok()?;
    let seconds = |ticks: u64| ticks as f64 / units.ticks as f64;
    Some(Process {
        user_seconds: seconds(field(14)?),
        system_seconds: seconds(field(15)?),
        start_seconds: boot + seconds(field(22)?),
        virtual_bytes: field(23)?,
        resident_bytes: field(24)? * units.page,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Units, open_files, parse, read};

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let own =
            "7 (a) b) (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 1000 4096000 300 1";
        let whole = "cpu  1 2 3\nbtime 1700000000\nprocesses 5\n";
        let units = Units { ticks: 100, page: 4096 };
        let process = parse(own, whole, units).unwrap();
        assert!((process.user_seconds - 2.5).abs() < 1e-9);
        assert!((process.system_seconds - 0.5).abs() < 1e-9);
        assert!((process.start_seconds - 1_700_000_010.0).abs() < 1e-9);
        assert_eq!((process.virtual_bytes, process.resident_bytes), (4_096_000, 300 * 4096));
        assert!(parse("7 (a) S 1", whole, units).is_none());
    }

    #[test]
    fn this_process_is_read() {
        let process = read().unwrap();
        assert!(process.resident_bytes > 100_000, "{process:?}");
        assert!(process.start_seconds > 1.6e9, "{process:?}");
        assert!((3..100_000).contains(&open_files().unwrap()));
    }
}
