//! Panics as lines of the log, so that they are found where everything else is.
//!
//! What a panic says of itself may quote whatever was at hand: a token, an argument, a server's answer.
//! So its message is shown only if it was there when the program was built. Of any other its place is
//! enough, because the line of the source that it names says what was expected.

use std::backtrace::Backtrace;
use std::io::Write as _;
use std::panic::{self, Location, PanicHookInfo};

use tracing::Level;

/// Stands for a message that was made when the panic came.
const MADE_THEN: &str = "its message is left out, because it may quote something secret";

/// Tells of every panic from here on: in the log, or on standard error where there is none.
pub fn tell_of_panics() {
    panic::set_hook(Box::new(|info| {
        if tracing::enabled!(Level::ERROR) {
            log(info);
        } else {
            let (thread, place) = (thread(), place(info));
            // There is nowhere else to say that it failed.
            let _ = writeln!(
                std::io::stderr(),
                "Something panicked at {place} in the thread `{thread}`; this is a bug: {}",
                message(info)
            );
        }
    }));
}

fn log(info: &PanicHookInfo<'_>) {
    let stack = Backtrace::force_capture().to_string();
    gantry_core::log::error!(
        error = message(info),
        place = place(info),
        thread = thread(),
        stack,
        "Something panicked; this is a bug."
    );
}

/// Returns the message of a panic if it is a constant of the program.
fn message(info: &PanicHookInfo<'_>) -> &'static str {
    info.payload().downcast_ref::<&'static str>().copied().unwrap_or(MADE_THEN)
}

fn place(info: &PanicHookInfo<'_>) -> String {
    info.location().map_or_else(|| "a place that is not known".to_owned(), Location::to_string)
}

fn thread() -> String {
    std::thread::current().name().unwrap_or("unnamed").to_owned()
}
