#!/bin/sh
# Makes the dashboards (no argument) or checks those that are checked in (--check), with the generator in dashboards/generator
# and the Python packages of its requirements.txt in an environment below target/.
set -eu

cd "$(dirname "$0")/.."
environment=target/dashboards
wanted=dashboards/generator/requirements.txt

# Without the packages a check is skipped, but not where the result decides: CI sets CI=true.
cannot() {
    echo "$1: the dashboards are NOT made or checked" >&2
    [ "${CI:-}" != true ] && [ "$mode" = --check ] && exit 0
    exit 1
}

mode=${1:-}
command -v python3 >/dev/null 2>&1 || cannot "python3 is missing"
if ! cmp -s "$wanted" "$environment/installed.txt"; then
    rm -rf "$environment"
    mkdir -p "$environment"
    python3 -m venv "$environment/python" >"$environment/install.log" 2>&1 || cannot "python3 -m venv fails (see $environment/install.log)"
    "$environment/python/bin/pip" install --no-input --disable-pip-version-check --retries 1 --no-deps -r "$wanted" \
        >>"$environment/install.log" 2>&1 || cannot "pip cannot install $wanted (see $environment/install.log)"
    cp "$wanted" "$environment/installed.txt"
fi

export PYTHONDONTWRITEBYTECODE=1
if [ "$mode" = --check ]; then
    "$environment/python/bin/python" dashboards/generator/test_check.py --quiet 2>"$environment/test.log" || {
        cat "$environment/test.log" >&2
        exit 1
    }
fi
exec "$environment/python/bin/python" dashboards/generator $mode
