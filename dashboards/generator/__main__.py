"""Writes the dashboards beside this folder, and their tables in docs/dashboards.md; with --check says what is wrong with what is there."""

import json
import sys
from pathlib import Path

import check
import reference
from boards import BOARDS

FOLDER = Path(__file__).parent.parent
DOCUMENT = FOLDER.parent / "docs" / "dashboards.md"


def write() -> list[str]:
    for board in BOARDS:
        (FOLDER / f"{board.name}.json").write_text(board.text(), "utf-8")
    DOCUMENT.write_text(reference.document(DOCUMENT.read_text("utf-8"), BOARDS), "utf-8")
    return []


def verify() -> list[str]:
    made = {f"{board.name}.json": board.text() for board in BOARDS}
    found = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.json"))}
    faults = [
        f"dashboards/{name}: not what the generator makes; run `make dashboards` and commit the result"
        for name in sorted(made.keys() | found.keys())
        if made.get(name) != found.get(name)
    ]
    document = DOCUMENT.read_text("utf-8")
    if reference.document(document, BOARDS) != document:
        faults.append("docs/dashboards.md: its tables are not those of the panels; run `make dashboards` and commit the result")
    return faults + check.faults({name.removesuffix(".json"): json.loads(text) for name, text in found.items()})


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python dashboards/generator [--check]", file=sys.stderr)
        return 2
    faults = verify() if arguments else write()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


sys.exit(main(sys.argv[1:]))
