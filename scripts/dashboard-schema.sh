#!/bin/sh
# Makes dashboards/schema/ anew from the types that Grafana publishes. Needs npm; run it when the dashboards shall be held against
# a newer Grafana, and review the difference.
set -eu

types=@grafana/schema@13.2.3
generator=ts-json-schema-generator@2.4.0
compiler=typescript@5.9.3

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --no-audit --no-fund --silent --prefix "$work" "$types" "$generator" "$compiler"
raw=$work/node_modules/@grafana/schema/dist/types/raw

# schema FILE TYPE NAME: the JSON Schema of a TypeScript type, without the words of its comments, which check nothing.
schema() {
    "$work/node_modules/.bin/ts-json-schema-generator" --path "$1" --type "$2" --no-type-check |
        jq --sort-keys --arg made "$types, $2 of ${1#"$raw"/}; Apache-2.0, Grafana Labs" \
            '{"$comment": $made} + walk(if type == "object" and (.description | type) == "string" then del(.description) else . end)' \
            >"$root/dashboards/schema/$3.json"
}

schema "$raw/dashboard/x/types.gen.d.ts" Dashboard dashboard
for panel in barchart bargauge stat table timeseries; do
    file=$raw/composable/$panel/panelcfg/x/types.gen.d.ts
    schema "$file" Options "$panel-options"
    grep -q 'interface FieldConfig' "$file" && schema "$file" FieldConfig "$panel-field" || true
done
