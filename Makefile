# The commands of this project. `make test` is what CI runs; it needs the Rust toolchain, make and network access to the
# registries, and installs the rest of what it needs.

CARGO ?= cargo
export RUSTDOCFLAGS = -D warnings

.PHONY: test prepare format lint doc unit deny fuzz golden soak sbom demo dashboards dashboards-check

## Install what the tests need, then run everything.
test: prepare format lint doc unit deny dashboards-check fuzz

## Prometheus and Alertmanager, which some tests run for real, a browser, and the vendor's own clients.
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

## What takes long: ten thousand random lives of collectors, a hundred kills of the program, ten minutes of chaos.
soak:
	HISTORIES=10000 $(CARGO) test --locked --release --lib whatever_happens
	KILLED_LIVES=100 $(CARGO) test --locked --release --test killed -- --nocapture
	SOAK_SECONDS=600 $(CARGO) test --locked --release --test soak -- --nocapture

## The bill of materials of a release, as CycloneDX, in target/sbom: needs jq and cargo-cyclonedx
## (cargo install --locked cargo-cyclonedx).
sbom:
	@scripts/sbom.sh

## Write dashboards/*.json from dashboards/generator (needs python3 and pip).
dashboards:
	@scripts/dashboards.sh

## Hold the checked-in dashboards against their generator, Grafana's types and the rules of the house; skipped with a message
## where pip is missing.
dashboards-check:
	@scripts/dashboards.sh --check

## Rewrite the golden files from what the code does now; review the difference before committing it.
golden:
	UPDATE_GOLDEN=1 $(CARGO) test --locked --test golden --test catalogue --test rules

demo:
	$(CARGO) run --release --locked -- demo
