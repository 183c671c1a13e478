//! ONNX Runtime reports to its maker unless the environment forbids it, and this program forbids it.
//!
//! From 1.29 on, the official builds for Linux and macOS write an event (device id, path of the program, system,
//! processor) into a database under the user's cache when the runtime starts, and look up a host to send it to some
//! nine seconds later. The runtime's own switch (`DisableTelemetryEvents`, `with_telemetry(false)` in `ort`) needs the
//! environment that has already reported. Only [`VARIABLE`] stops everything, when it is set before the library starts.
//!
//! So [`disable`] sets it as the first thing in `main`, child processes inherit it, and the runtime is not loaded where
//! it is missing ([`ensure_disabled`]). Tests have no `main` of ours: `.cargo/config.toml` sets it for what cargo runs.

use std::ffi::OsStr;

use super::EmbedError;

/// What the runtime asks the environment.
pub const VARIABLE: &str = "ORT_DISABLE_TELEMETRY";

/// The value that means yes.
const YES: &str = "1";

/// Forbids the reports, for this process and those it starts.
///
/// # Safety
/// No other thread may exist: changing the environment races with every other reader of it, those in C included.
#[expect(unsafe_code, reason = "the environment can only be changed unsafely; the runtime reads nothing else")]
pub unsafe fn disable() {
    // SAFETY: the caller has no other thread.
    unsafe { std::env::set_var(VARIABLE, YES) };
}

/// Whether the runtime may be loaded: only where it will not report.
///
/// # Errors
/// When [`disable`] was not called and the variable is not set otherwise.
pub fn ensure_disabled() -> Result<(), EmbedError> {
    ensure(std::env::var_os(VARIABLE).as_deref())
}

fn ensure(value: Option<&OsStr>) -> Result<(), EmbedError> {
    if value == Some(OsStr::new(YES)) {
        return Ok(());
    }
    Err(EmbedError::Model {
        why: format!("ONNX Runtime would report to its maker, because {VARIABLE} is not {YES} in this process"),
        how: format!("Start the program with {VARIABLE}={YES}, or call `telemetry::disable` first in its main"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_runtime_may_be_loaded_where_reports_are_forbidden() {
        assert!(ensure(Some(OsStr::new("1"))).is_ok());
    }

    #[test]
    fn it_may_not_be_loaded_where_they_are_not() {
        for value in [None, Some(""), Some("0"), Some("yes")] {
            let error = ensure(value.map(OsStr::new)).unwrap_err().to_string();
            assert!(error.contains("ORT_DISABLE_TELEMETRY=1"), "{value:?}: {error}");
        }
    }
}
