//! Nothing to generate: the build script exists so that cargo fetches `protoc-bin-vendored`, which holds the
#![allow(clippy::print_stdout)] // cargo reads it
//! `protoc` that lance's own build scripts ask for (see `scripts/protoc`).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
