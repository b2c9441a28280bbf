//! Panics as lines of the log, so that they are found where everything else is.

use std::backtrace::Backtrace;
use std::panic::{self, PanicHookInfo};

use tracing::Level;

/// Logs every panic from here on, with where it was and how it came to that.
pub(super) fn log_them() {
    let otherwise = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if tracing::enabled!(Level::ERROR) {
            log(info);
        } else {
            otherwise(info);
        }
    }));
}

fn log(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let stack = Backtrace::force_capture().to_string();
    gantry_core::log::error!(
        error = info.payload_as_str().unwrap_or("it gave no reason"),
        place,
        thread,
        stack,
        "Something panicked; this is a bug."
    );
}
