"""The checks of `scripts/dist-test`: each package is installed and used as a stranger would, without Rust."""
