#!/bin/bash
# Makes a Prometheus data folder with a month of the demo: the real exporter and its simulator run once for each day with the clock
# of that day (faketime), and what /metrics says is stored as what an hourly scrape would have seen; then the recording rules are
# evaluated over it. Needs faketime, prometheus, promtool, python3 with PyYAML and a debug or release build of the exporter.
#   history.sh EXPORTER FIRST_DAY LAST_DAY FOLDER        e.g. history.sh target/debug/ccaas-exporter 2026-10-22 2026-11-14 /tmp/history
# The last day's figures are stored until 15:00 UTC of that day, which is the "now" of the pictures.
set -euo pipefail

exporter=$(realpath "$1") first=$2 last=$3 folder=$4
export PATH="$(realpath "$(dirname "$0")/../..")/target/dashboards/python/bin:$PATH"
rules=$(realpath "$(dirname "$0")/../../dashboards/rules/recording.yml")
here=$(realpath "$(dirname "$0")")
mkdir -p "$folder/days"

for ((noon = $(date -ud "$first 09:00" +%s); noon <= $(date -ud "$last 09:00" +%s); noon += 86400)); do
    day=$(date -ud "@$noon" +%F)
    [ -s "$folder/days/$day" ] && continue
    faketime -f "@$(date -ud "@$noon" '+%F %T')" "$exporter" demo --billing-day=21 --web.listen-address=127.0.0.1:22088 \
        --simulator.listen-address=127.0.0.1:22089 >"$folder/demo.log" 2>&1 &
    demo=$!
    for _ in $(seq 300); do
        sleep 0.2
        text=$(curl -sf http://127.0.0.1:22088/metrics) || continue
        # Every collector has succeeded, and those that wait for another have what they need.
        if ! grep -q '^ccaas_exporter_collector_up.* 0$' <<<"$text" && grep -q '^genesyscloud_api_allowance_info{organization="acme",source="contract"' <<<"$text"; then
            sleep 1
            curl -sf http://127.0.0.1:22088/metrics | grep -v '^#' >"$folder/days/$day"
            break
        fi
    done
    pkill -P "$demo" || true # faketime waits for its child, which is the exporter
    wait "$demo" 2>/dev/null || true
    [ -s "$folder/days/$day" ] || { echo "no figures of $day (see $folder/demo.log)" >&2; exit 1; }
    echo "$day"
done

rm -rf "$folder/data"
# store FILE: adds the samples of an OpenMetrics file to the data folder.
store() { promtool tsdb create-blocks-from --max-block-duration=168h openmetrics "$1" "$folder/data" >/dev/null; }
python3 "$here/history.py" pages "$folder/days" >"$folder/pages.om"
store "$folder/pages.om"

# Rules read what rules above them recorded, so they are evaluated level by level, each over the whole time.
start=$(date -ud "$first 10:00" +%s) end=$(date -ud "$last 15:00" +%s) level=0
while :; do
    prometheus --config.file=/dev/null --storage.tsdb.path="$folder/data" --storage.tsdb.retention.time=10y \
        --web.listen-address=127.0.0.1:22090 >"$folder/prometheus.log" 2>&1 &
    server=$!
    until curl -sf http://127.0.0.1:22090/-/ready >/dev/null; do sleep 0.2; done
    python3 "$here/history.py" rules "$rules" "$level" http://127.0.0.1:22090 "$start" "$end" >"$folder/rules.om"
    kill "$server"
    wait "$server" || true
    [ -s "$folder/rules.om" ] || break
    store "$folder/rules.om"
    echo "rules of level $level"
    level=$((level + 1))
done
