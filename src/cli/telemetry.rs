//! Nothing in this process reports to anybody.

use std::ffi::OsStr;

/// What ONNX Runtime reads before it does anything else.
const OFF: &str = "ORT_DISABLE_TELEMETRY";

/// Keeps ONNX Runtime from making a device id and a store of events under the user's cache folder
/// (`Microsoft/DeveloperTools`). Its official builds do so as soon as their environment is made; switching telemetry off
/// through the interface, which `index::embed` does as well, comes after that. Child processes inherit it.
///
/// To be called before threads start.
pub fn switch_off() {
    if std::env::var_os(OFF).as_deref() == Some(OsStr::new("1")) {
        return;
    }
    #[expect(unsafe_code, reason = "there is no other way to have it said before the library is loaded")]
    // SAFETY: `main` calls this first, so that no other thread reads the environment.
    unsafe {
        std::env::set_var(OFF, "1");
    }
}
