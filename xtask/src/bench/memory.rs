//! How much memory a server holds, as the kernel counts it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Resident memory of a process and its children, in bytes; pages they share are shared out between them.
pub(super) fn resident_bytes(process: u32) -> anyhow::Result<u64> {
    if !Path::new("/proc/self/smaps_rollup").exists() {
        bail!("memory is read from /proc, which this system does not have");
    }
    family(process)?.into_iter().map(proportional_bytes).sum()
}

/// The proportional set size of one process.
fn proportional_bytes(process: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read `{path}`"))?;
    kilobytes(&text, "Pss:")
        .map(|kilobytes| kilobytes * 1024)
        .with_context(|| format!("`{path}` has no `Pss`"))
}

/// The number in the line that starts with `name`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A process and its direct children; nginx has no deeper ones.
pub(super) fn family(process: u32) -> anyhow::Result<Vec<u32>> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read `{path}`"))?;
    Ok(std::iter::once(process)
        .chain(text.split_whitespace().filter_map(|id| id.parse().ok()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{kilobytes, resident_bytes};

    #[test]
    fn the_kernels_text_is_read() {
        let text = "5581e000-7ffd rollup\nRss:                1234 kB\nPss:                 567 kB\nPss_Dirty:  1 kB\n";
        assert_eq!(kilobytes(text, "Pss:"), Some(567));
        assert_eq!(kilobytes(text, "Swap:"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_some_memory() {
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
    }
}
