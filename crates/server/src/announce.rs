//! Says once in the log what of other systems' settings holds here, and what does not.

use gantry_core::log::{info, warn};

use crate::config::{Config, Note};

/// Says it of a configuration that comes in force; what was said of `before` is not said again.
pub(crate) fn settings_of_others(config: &Config, before: Option<&Config>) {
    if before.is_none_or(|before| before.filled != config.filled) && !config.filled.is_empty() {
        let keys =
            config.filled.iter().map(|filled| format!("{}={}", filled.variable, filled.path));
        let keys = keys.collect::<Vec<_>>().join(", ");
        info!(keys, "Variables of the environment fill what the configuration does not say.");
    }
    if before.is_none_or(|before| before.notes != config.notes) {
        for (reason, settings) in by_reason(&config.notes) {
            warn!(
                reason,
                settings, "Settings of another system's file are not taken over as they stand."
            );
        }
    }
    let idle = config.unused.iter().filter(|unused| !unused.is_doubtful);
    let idle = idle.map(|unused| format!("{} ({})", unused.variable, unused.reason));
    let variables = idle.collect::<Vec<_>>().join("; ");
    // The environment of a process does not change.
    if before.is_none() && !variables.is_empty() {
        warn!(variables, "Variables are set whose feature is still to come; they do nothing yet.");
    }
}

/// One line for each reason: a file may have many settings of one kind.
fn by_reason(notes: &[Note]) -> Vec<(&str, String)> {
    let mut reasons: Vec<(&str, String)> = Vec::new();
    for note in notes {
        match reasons.iter_mut().find(|(reason, _)| *reason == note.reason) {
            Some((_, settings)) => {
                settings.push_str(", ");
                settings.push_str(&note.path);
            }
            None => reasons.push((&note.reason, note.path.clone())),
        }
    }
    reasons
}
