//! The log's macros: those of `tracing`, with the function in which a line stands.
//!
//! `tracing` knows the module, the file and the line of an event, but no function, which readers of
//! other systems' JSON logs look for. Its name is a constant of the compiler's, so it costs nothing
//! unless the event is written.

#[doc(hidden)]
pub use tracing;

pub use crate::{
    log_debug as debug, log_error as error, log_info as info, log_trace as trace, log_warn as warn,
};

/// Returns the name of the function that `here`, the path of an item in it, was declared in; for a
/// closure or an asynchronous block the one around it.
pub fn enclosing(here: &'static str) -> &'static str {
    let mut outwards = here.rsplit("::").skip(1);
    outwards.find(|segment| *segment != "{{closure}}").unwrap_or(here)
}

/// Writes an event of the given kind with the function's name.
#[doc(hidden)]
#[macro_export]
macro_rules! log_event {
    ($kind:ident, target: $target:expr, $($rest:tt)+) => {
        $crate::log::tracing::$kind!(target: $target, function = $crate::function_name!(), $($rest)+)
    };
    ($kind:ident, $($rest:tt)+) => {
        $crate::log::tracing::$kind!(function = $crate::function_name!(), $($rest)+)
    };
}

/// The name of the function in which this stands.
#[doc(hidden)]
#[macro_export]
macro_rules! function_name {
    () => {{
        const fn here() {}
        $crate::log::enclosing(::std::any::type_name_of_val(&here))
    }};
}

/// An event of level `ERROR`; written as `tracing::error!` is.
#[doc(hidden)]
#[macro_export]
macro_rules! log_error { ($($all:tt)+) => { $crate::log_event!(error, $($all)+) }; }

/// An event of level `WARN`.
#[doc(hidden)]
#[macro_export]
macro_rules! log_warn { ($($all:tt)+) => { $crate::log_event!(warn, $($all)+) }; }

/// An event of level `INFO`.
#[doc(hidden)]
#[macro_export]
macro_rules! log_info { ($($all:tt)+) => { $crate::log_event!(info, $($all)+) }; }

/// An event of level `DEBUG`.
#[doc(hidden)]
#[macro_export]
macro_rules! log_debug { ($($all:tt)+) => { $crate::log_event!(debug, $($all)+) }; }

/// An event of level `TRACE`.
#[doc(hidden)]
#[macro_export]
macro_rules! log_trace { ($($all:tt)+) => { $crate::log_event!(trace, $($all)+) }; }

#[cfg(test)]
mod tests {
    struct Thing;

    trait Named {
        fn named(&self) -> &'static str;
    }

    impl Named for Thing {
        fn named(&self) -> &'static str {
            function_name!()
        }
    }

    fn plain() -> &'static str {
        function_name!()
    }

    async fn waiting() -> &'static str {
        let closure = || function_name!();
        async { closure() }.await
    }

    #[tokio::test]
    async fn a_line_knows_its_function() {
        assert_eq!(plain(), "plain");
        assert_eq!(Thing.named(), "named");
        assert_eq!(waiting().await, "waiting");
    }
}
