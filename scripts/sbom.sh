#!/bin/sh
# Writes the bill of materials of the released binary: target/sbom/ccaas-exporter.cdx.json, the same for the same commit.
set -eu
cd "$(dirname "$0")/.."

target=${SBOM_TARGET:-x86_64-unknown-linux-musl}
out=target/sbom/ccaas-exporter.cdx.json
for tool in cargo-cyclonedx jq; do
    command -v "$tool" >/dev/null || { echo "make sbom needs $tool (cargo install --locked cargo-cyclonedx; apt-get install jq)" >&2; exit 1; }
done

# What cargo builds for the target: fails where Cargo.lock is behind, which cargo-cyclonedx would rewrite in silence.
tree=$(cargo tree --locked --edges normal --prefix none --target "$target" --format '{p}')
built=$(echo "$tree" | awk '{ sub(/^v/, "", $2); print $1 " " $2 }' | sort -u)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) cargo cyclonedx --quiet --format json --spec-version 1.5 \
    --describe binaries --no-build-deps --target "$target"

# cargo-cyclonedx lists also crates of features nobody switches on, and names us by the path of this checkout.
mkdir -p target/sbom
jq --arg built "$built" '
    ($built | split("\n")) as $built
    | .metadata.component."bom-ref" as $old
    | ("pkg:cargo/" + .metadata.component.name + "@" + .metadata.component.version) as $us
    | .components |= map(select("\(.name) \(.version)" | IN($built[])))
    | ([.components[]."bom-ref", $old]) as $refs
    | .dependencies |= map(select(.ref | IN($refs[])) | if .dependsOn then .dependsOn |= map(select(IN($refs[]))) else . end)
    | walk(if . == $old then $us else . end)
    | .metadata.component.purl = $us
' ccaas-exporter_bin.cdx.json >"$out"
rm ccaas-exporter_bin.cdx.json
echo "$out: $(jq '.components | length' "$out") components"
