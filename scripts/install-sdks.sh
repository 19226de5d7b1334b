#!/bin/sh
# Installs the vendor's own clients, Prometheus' Python client and the accessibility rules of axe-core below target/sdk, where
# tests/sdk.rs, tests/exposition and tests/browser look for them. Those tests are skipped without them, so nothing fails here.
set -u

node_sdk=purecloud-platform-client-v2@262.0.0
python_sdk=PureCloudPlatformClientV2==269.0.0
folder=$(dirname "$0")/../target/sdk

# install FOLDER PACKAGE PROGRAM COMMAND...: runs the command unless this very package is there already.
install() {
    place=$folder/$1 package=$2 program=$3
    shift 3
    [ "$(cat "$place/.installed" 2>/dev/null)" != "$package" ] || return 0
    if ! command -v "$program" >/dev/null 2>&1; then
        echo "$program is missing: the test with $package will be skipped"
        return 0
    fi
    echo "installing $package"
    rm -rf "$place"
    mkdir -p "$place"
    if "$@" >"$place/install.log" 2>&1; then
        echo "$package" >"$place/.installed"
    else
        echo "$package cannot be installed (see target/sdk/$(basename "$place")/install.log): its test will be skipped"
    fi
}

install node "$node_sdk" npm \
    npm install --prefix "$folder/node" --no-audit --no-fund --fetch-retries=1 "$node_sdk"
install python "$python_sdk" python3 \
    python3 -m pip install --target "$folder/python" --no-input --retries 1 "$python_sdk"
install prometheus-client prometheus_client==0.26.0 python3 \
    python3 -m pip install --target "$folder/prometheus-client" --no-input --retries 1 prometheus_client==0.26.0
install axe axe-core@4.14.1 npm \
    npm install --prefix "$folder/axe" --no-audit --no-fund --fetch-retries=1 axe-core@4.14.1
