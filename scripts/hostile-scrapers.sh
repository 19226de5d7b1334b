#!/bin/sh
# Opens 10,000 hostile connections against a real demo, and tells how a well-behaved scraper fares meanwhile.
set -eu
cd "$(dirname "$0")/.."
exec cargo test --locked --test hostile_scrapers -- --ignored --nocapture
