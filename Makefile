# The commands of this project. `make test` is what CI runs; it needs the Rust toolchain, make and network access to the
# registries, and installs the rest of what it needs.

CARGO ?= cargo
export RUSTDOCFLAGS = -D warnings

.PHONY: test prepare format lint doc unit deny golden demo

## Install what the tests need, then run everything.
test: prepare format lint doc unit deny

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

## Rewrite the golden files from what the code does now; review the difference before committing it.
golden:
	UPDATE_GOLDEN=1 $(CARGO) test --locked --test golden --test catalogue

demo:
	$(CARGO) run --release --locked -- demo
