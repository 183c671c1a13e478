# The two commands of the README. Everything is built with the same flags and into the same folder
# (scripts/build-env): other flags would rebuild the dependencies.

.PHONY: demo test bench lint dist

demo:
	@. scripts/build-env && cargo run --release -- demo

test:
	@scripts/test

bench:
	@. scripts/build-env && cargo bench --bench bench

lint:
	@. scripts/build-env && cargo fmt --check && cargo clippy --release --all-targets -- -D warnings && \
	cargo clippy --release --package replayer-networks --lib --test seeds -- -D warnings

# Packages that need no compiler, each tried without one: docs/packaging.md.
dist:
	@. scripts/build-env && scripts/dist
