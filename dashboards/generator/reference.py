"""The tables of panels in docs/dashboards.md, from the panels themselves."""

import json
import re

from house import Board


def document(text: str, boards: list[Board]) -> str:
    """The page with each dashboard's table between its markers made anew."""
    for board in boards:
        begin, end = f"<!-- panels of {board.name} -->\n", "<!-- end -->\n"
        before, found, rest = text.partition(begin)
        if not found or end not in rest:
            raise ValueError(f"docs/dashboards.md: no markers for the panels of {board.name}")
        text = before + begin + _table(json.loads(board.text())) + end + rest.partition(end)[2]
    return text


def _table(board: dict) -> str:
    rows = ["| panel | shows | empty when |", "|---|---|---|"]
    for panel in board["panels"]:
        if panel["type"] == "row":
            rows.append(f"| **{panel['title']}** | | |")
            continue
        shows, _, empty = panel["description"].partition(" Empty when ")
        sentence = re.match(r".*?\.(?= |$)", shows)[0].rstrip(".")
        rows.append(f"| {panel['title']} | {sentence} | {empty.rstrip('.') or 'never'} |".replace("$currency", "*currency*"))
    return "\n".join(rows) + "\n"
