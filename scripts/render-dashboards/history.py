"""Parts of history.sh: samples as OpenMetrics, from pages of /metrics or from the recording rules."""

import json
import re
import sys
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

HOUR = 3600
TARGET = 'job="ccaas-exporter",instance="demo:10088"'


def pages(folder: str) -> dict[str, list[tuple[float, str]]]:
    """One page for each day, as an hourly scrape would have seen it: from ten o'clock of its day to nine of the next."""
    found, files = {}, sorted(Path(folder).iterdir())
    for page in files:
        day = int(datetime.fromisoformat(page.name).replace(tzinfo=UTC).timestamp())
        hours = range(10, 16) if page == files[-1] else range(10, 34)
        for line in page.read_text("utf-8").splitlines():
            series, value = line.rsplit(" ", 1)
            if "_bucket{" in series:
                continue
            series = series.replace("{", f"{{{TARGET},", 1) if "{" in series else f"{series}{{{TARGET}}}"
            found.setdefault(series, []).extend((day + hour * HOUR, value) for hour in hours)
    return found


def rules(file: str, level: str, server: str, start: str, end: str) -> dict[str, list[tuple[float, str]]]:
    """The rules of one level, evaluated each hour; level 0 reads no other rule."""
    import yaml

    every = {rule["record"]: rule["expr"] for group in yaml.safe_load(Path(file).read_text("utf-8"))["groups"] for rule in group["rules"]}
    depth = {}
    for name, expr in every.items():  # a rule stands below those that it reads
        depth[name] = max((depth[other] + 1 for other in depth if re.search(re.escape(other) + r"(?![\w:])", expr)), default=0)
    found = {}
    for name in (name for name in every if depth[name] == int(level)):
        form = urllib.parse.urlencode({"query": every[name], "start": start, "end": end, "step": HOUR}).encode()
        for series in json.load(urllib.request.urlopen(f"{server}/api/v1/query_range", form))["data"]["result"]:
            labels = ",".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in series["metric"].items() if key != "__name__")
            found[f"{name}{{{labels}}}"] = series["values"]
    return found


def main(kind: str, *arguments: str) -> None:
    found = {"pages": pages, "rules": rules}[kind](*arguments)
    for series, samples in sorted(found.items()):
        for moment, value in samples:
            print(f"{series} {value} {moment}")
    if found:
        print("# EOF")


main(*sys.argv[1:])
