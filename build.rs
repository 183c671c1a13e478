//! Nothing to generate. The build script exists so that cargo fetches `protoc-bin-vendored`, which holds the
//! `protoc` that lance's own build scripts ask for (see `scripts/protoc`), and to say where an installed binary finds
//! libduckdb.
#![allow(clippy::print_stdout)] // cargo reads it

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Beside the binary is looked at first (scripts/build-env). A wheel installs the library under its prefix, apart from
    // the commands: bin/replayer, libexec/replayer/libduckdb.so. Not lib/, which `pip install --target` leaves out. Said
    // here and not in RUSTFLAGS, which would rebuild everything.
    if std::env::var_os("CARGO_CFG_DUCKDB_PREBUILT").is_some() {
        let origin = match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
            Ok("macos") => "@loader_path",
            _ => "$ORIGIN",
        };
        println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{origin}/../libexec/replayer");
    }
}
