//! The `replayer` binary: everything is in the library, so that tests can reach it.

use std::process::ExitCode;

use replayer::index::embed::telemetry;

#[expect(unsafe_code, reason = "the environment can only be changed unsafely, and only here is it safe")]
fn main() -> ExitCode {
    // The first thing of all: ONNX Runtime reads this when it is loaded, long after other threads have started.
    // Child processes (the index's companion, the SQL worker, the demo's server) are this binary again.
    // SAFETY: nothing has started a thread yet.
    unsafe { telemetry::disable() };
    replayer::cli::main()
}
