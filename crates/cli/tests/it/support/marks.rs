//! Finding the processes that a test is answerable for, whoever their parent is: they carry a mark
//! in their environment, which children inherit and cannot lose.

use std::time::Duration;

/// How often is looked, and how long in all.
const INTERVAL: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_secs(20);

/// The variable that carries the mark.
const VARIABLE: &str = "GANTRY_TEST_MARK";

/// A mark that no other test uses.
#[derive(Debug)]
pub(crate) struct Mark {
    value: String,
}

impl Mark {
    /// The mark of the test `name` in this process.
    pub(crate) fn new(name: &str) -> Self {
        Self { value: format!("{name}-{}", std::process::id()) }
    }

    /// The variable to put into a child's environment, and its value.
    pub(crate) fn variable(&self) -> (&'static str, &str) {
        (VARIABLE, &self.value)
    }

    /// The marked processes that run, zombies not counted.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let wanted = format!("{VARIABLE}={}", self.value);
        let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
        // A process that has ended, or is another user's, has no environment to be read.
        let is_marked = |id: &u32| {
            let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|entry| entry == wanted.as_bytes())
        };
        ids.filter(is_marked).collect()
    }

    /// Waits until some process runs, or none does, and panics if that does not come.
    ///
    /// The kernel tells nobody of strangers' processes, so this looks again and again.
    pub(crate) async fn wait_until_running(&self, running: bool) {
        let look = async {
            while self.processes().is_empty() == running {
                tokio::time::sleep(INTERVAL).await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, look).await;
        assert!(waited.is_ok(), "running: {:?}, though expected: {running}", self.processes());
    }
}
