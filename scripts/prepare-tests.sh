#!/bin/sh
# Makes sure that Prometheus and Alertmanager are there, with their tools: some tests run the real ones. Installs the vendor's own
# clients and a browser where it can.
set -eu

"$(dirname "$0")/install-sdks.sh"
"$(dirname "$0")/install-browser.sh"

missing=
for tool in promtool prometheus amtool prometheus-alertmanager; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing the Debian packages prometheus and prometheus-alertmanager (for$missing)"
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends prometheus prometheus-alertmanager
    exit 0
fi

cat >&2 <<TEXT
The tests run the real Prometheus and Alertmanager, and these programs are missing:$missing

Install them and run \`make test\` again:
  Debian, Ubuntu   sudo apt-get install --no-install-recommends prometheus prometheus-alertmanager
  macOS            brew install prometheus alertmanager
  others           put the programs of https://prometheus.io/download/ on the PATH
TEXT
exit 1
