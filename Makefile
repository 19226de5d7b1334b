# The commands of this project. `make test` is what CI runs; it needs the Rust toolchain, make and network access to the
# registries, and installs the rest of what it needs.

CARGO ?= cargo
export RUSTDOCFLAGS = -D warnings

.PHONY: test prepare format lint doc unit deny fuzz golden sbom demo

## Install what the tests need, then run everything.
test: prepare format lint doc unit deny fuzz

## promtool and the Prometheus server, which some tests run for real, and the vendor's own clients.
prepare:
	@scripts/prepare-tests.sh

format:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy --locked --all-targets -- -D warnings

doc:
	$(CARGO) doc --locked --no-deps --document-private-items

unit:
	$(CARGO) test --locked

## Licences, sources and banned crates; skipped with a message where cargo-deny is not installed.
deny:
	@scripts/deny.sh

## Every reader of outside input with made-up input, FUZZ_SECONDS each; skipped with a message where cargo-fuzz cannot be had.
fuzz:
	@scripts/fuzz.sh

## The bill of materials of a release, as CycloneDX: needs cargo-cyclonedx (cargo install --locked cargo-cyclonedx).
sbom:
	$(CARGO) cyclonedx --format json --spec-version 1.5 --describe binaries --no-build-deps --target x86_64-unknown-linux-musl

## Rewrite the golden files from what the code does now; review the difference before committing it.
golden:
	UPDATE_GOLDEN=1 $(CARGO) test --locked --test golden --test catalogue

demo:
	$(CARGO) run --release --locked -- demo
