#!/bin/sh
# Opens 10,000 hostile connections against a real demo, and tells how a well-behaved scraper fares meanwhile. A release build:
# without optimization the attack is one on the processor.
set -eu
cd "$(dirname "$0")/.."
exec cargo test --release --locked --test hostile_scrapers -- --ignored --nocapture
