"""What is wrong with a set of dashboards: against Grafana's published types, its own SDK, and the rules of this house."""

import json
import re
from functools import cache
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from jsonschema import Draft7Validator

from house import COLUMNS, SCHEMA_VERSION, TAG, UID

SCHEMAS = Path(__file__).parent.parent / "schema"
MOST_PANELS = 21
BUILT_IN = {"__rate_interval", "__range", "__interval", "__url_time_range"}

register_default_plugins()


def faults(boards: dict[str, dict]) -> list[str]:
    """All faults of the dashboards, by file name without `.json`."""
    return [fault for name in boards for fault in faults_of(name, boards)]


def faults_of(name: str, boards: dict[str, dict]) -> list[str]:
    """The faults of one of the dashboards; the others are what it may link."""
    found = [fault for check in (_types, _drift, _header, _variables, _layout, _panels) for fault in check(name, boards[name])]
    return [f"dashboards/{name}.json: {fault}" for fault in found + _links(boards[name], boards)]


@cache
def _schema(name: str, *part: str) -> Draft7Validator | None:
    path = SCHEMAS / f"{name}.json"
    if not path.exists():
        return None
    whole = json.loads(path.read_text("utf-8"))
    if part:
        below = whole["definitions"][part[0]]
        for key in part[1:]:
            below = below["properties"].get(key, {"not": {}})
        return Draft7Validator({**below, "definitions": whole["definitions"]})
    return Draft7Validator(whole)


def _against(validator: Draft7Validator, value, where: str) -> list[str]:
    return [f"{where}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator.iter_errors(value)]


def _types(_, board: dict) -> list[str]:
    """The dashboard, its panels, and each panel's options and fields are of the types that Grafana publishes."""
    # Panels are looked at one by one: of a list of rows and panels, the error would not name the key.
    found = _against(_schema("dashboard"), {**board, "panels": []}, "schema")
    for panel in board["panels"]:
        kind, where = panel["type"], f"panel {panel['title']!r}"
        found += _against(_schema("dashboard", "RowPanel" if kind == "row" else "Panel"), panel, where)
        if kind == "row":
            continue
        options = _schema(f"{kind}-options")
        if options is None:
            found.append(f"{where}: no schema of the panel type {kind!r} in dashboards/schema (scripts/dashboard-schema.sh)")
            continue
        found += _against(options, panel.get("options", {}), f"{where}: options")
        custom = panel["fieldConfig"]["defaults"].get("custom", {})
        fields = _schema(f"{kind}-field")
        if fields is not None:
            found += _against(fields, custom, f"{where}: custom")
        elif custom:
            found.append(f"{where}: the panel type {kind!r} has no custom fields")
        for override in panel["fieldConfig"]["overrides"]:
            for made in override["properties"]:
                identity = made["id"]
                if identity == "custom.hidden":
                    continue  # Grafana 11 and 12; 13 makes custom.hideFrom of it when it loads a panel
                if identity.startswith("custom."):
                    part = _schema(f"{kind}-field", _field_type(kind), identity.removeprefix("custom."))
                else:
                    part = _schema("dashboard", "FieldConfig", identity)
                found += _against(part, made["value"], f"{where}: override {override['matcher']['options']!r} {identity}")
    return found


def _field_type(kind: str) -> str:
    return json.loads((SCHEMAS / f"{kind}-field.json").read_text("utf-8"))["$ref"].rsplit("/", 1)[1]


def _drift(_, board: dict) -> list[str]:
    """Grafana's SDK reads the file and writes the same: a key that it does not know would be lost."""
    kept = json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(board))), cls=JSONEncoder))
    return [f"{path}: unknown to grafana-foundation-sdk" for path in _lost(board, kept, "")]


def _lost(before, after, path: str) -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        return [lost for key in before for lost in ([f"{path}.{key}"] if key not in after else _lost(before[key], after[key], f"{path}.{key}"))]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [lost for index, (old, new) in enumerate(zip(before, after)) for lost in _lost(old, new, f"{path}[{index}]")]
    return [] if before == after else [path]


def _header(name: str, board: dict) -> list[str]:
    wanted = {
        "uid": UID + name, "schemaVersion": SCHEMA_VERSION, "timezone": "utc", "graphTooltip": 2, "tags": [TAG], "refresh": "5m", "editable": True,
    }
    found = [f"{key} is {board.get(key)!r} and should be {value!r}" for key, value in wanted.items() if board.get(key) != value]
    if "id" in board:
        found.append("has an id, which belongs to one Grafana only")
    if len(board.get("description", "")) < 60:
        found.append("has no description worth the name")
    if not any(link["type"] == "dashboards" and link["tags"] == [TAG] and link["includeVars"] and link["keepTime"] for link in board["links"]):
        found.append("does not link the other dashboards")
    return found


def _variables(_, board: dict) -> list[str]:
    found, variables = [], board["templating"]["list"]
    if variables[0].get("type") != "datasource" or variables[0].get("name") != "datasource" or variables[0].get("query") != "prometheus":
        found.append("the first variable should be the Prometheus data source")
    for variable in variables[1:]:
        wanted = {"type": "query", "multi": True, "includeAll": True, "allValue": ".*", "refresh": 2}
        found += [f"variable {variable['name']}: {key} should be {value!r}" for key, value in wanted.items() if variable.get(key) != value]
        if not variable.get("label"):
            found.append(f"variable {variable['name']}: no label")
    names = {variable["name"] for variable in variables}
    text = json.dumps([board["panels"], [variable.get("query") for variable in variables]])
    used = {name for pair in re.findall(r"\$(?:\{([a-zA-Z_]\w*)[}:]|([a-zA-Z_]\w*))", text) for name in pair if name}
    found += [f"${name} is not a variable" for name in sorted(used - names - BUILT_IN)]
    found += [f"variable {name} is used nowhere" for name in sorted(names - used)]
    return found


def _layout(_, board: dict) -> list[str]:
    found, taken = [], {}
    identities = [panel["id"] for panel in board["panels"]]
    if len(set(identities)) != len(identities):
        found.append("two panels have one id")
    if len(list(_of(board))) > MOST_PANELS:
        found.append(f"has more than {MOST_PANELS} panels")
    for panel in board["panels"]:
        place = panel["gridPos"]
        for y in range(place["y"], place["y"] + place["h"]):
            for x in range(place["x"], place["x"] + place["w"]):
                if (x, y) in taken:
                    found.append(f"panel {panel['title']!r} lies on {taken[x, y]!r}")
                    return found
                taken[x, y] = panel["title"]
    bottom = max(y for _, y in taken) + 1
    if len(taken) != COLUMNS * bottom or max(x for x, _ in taken) >= COLUMNS:
        found.append(f"the panels do not fill the {COLUMNS} columns")
    return found


def _panels(_, board: dict) -> list[str]:
    found, titles = [], set()
    for panel in _of(board):
        where, description = f"panel {panel['title']!r}", panel.get("description", "")
        if panel["title"] in titles:
            found.append(f"{where}: the title is there twice")
        titles.add(panel["title"])
        if len(description) < 25 or not description.endswith("."):
            found.append(f"{where}: no description in sentences")
        if not panel["fieldConfig"]["defaults"].get("unit"):
            found.append(f"{where}: no unit")
        if not panel.get("targets"):
            found.append(f"{where}: no query")
        for target in panel.get("targets", []):
            if target.get("datasource") != panel.get("datasource") or target["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
                found.append(f"{where}: query {target['refId']} does not use the data source variable")
            if target.get("range") is target.get("instant") or target.get("range") is not (panel["type"] == "timeseries"):
                found.append(f"{where}: query {target['refId']} should be {'a range' if panel['type'] == 'timeseries' else 'instant'}")
        if panel["type"] == "timeseries" and panel.get("interval") not in ("5m", "1h", "1d"):
            found.append(f"{where}: no long least interval")
        found += [f"{where}: {fault}" for fault in _money(panel)]
    return found


def _money(panel: dict) -> list[str]:
    """Amounts stand in a panel of their currency or beside it, and say what is left out of them."""
    shown = [re.sub(r"group by \([^)]*\) \([^)]*\)", "", target["expr"]) for target in panel["targets"]]  # without joined names
    if not any("_amount" in expr and not expr.startswith("count(") for expr in shown):
        return []
    found = []
    renamed = {name for made in panel.get("transformations", []) for name in made["options"].get("renameByName", {})}
    if panel.get("repeat") != "currency" and "currency" not in renamed:
        found.append("amounts without their currency")
    if panel.get("repeat") == "currency" and "$currency" not in panel["title"]:
        found.append("repeats by currency and does not name it in the title")
    if "tax" not in panel["description"] and "credits, not consumption" not in panel["description"]:
        found.append("amounts, and nothing is said about tax")
    return found


def _links(board: dict, boards: dict[str, dict]) -> list[str]:
    found, known = [], {other.get("uid"): other for other in boards.values()}
    for address in _addresses(board):
        place = re.fullmatch(r"/d/([a-z-]+)\?(.*)", address)
        if not place or place[1] not in known:
            found.append(f"link {address}: no such dashboard")
            continue
        variables = {variable["name"] for variable in known[place[1]]["templating"]["list"]}
        set_here = set(re.findall(r"var-(\w+)=", place[2])) | set(re.findall(r"\$\{(\w+):queryparam\}", place[2]))
        found += [f"link {address}: {place[1]} has no variable {name}" for name in sorted(set_here - variables)]
        if "${__url_time_range}" not in address or "${datasource:queryparam}" not in address:
            found.append(f"link {address}: loses the time range or the data source")
    return found


def _addresses(value):
    """The value of every key `url` below."""
    if isinstance(value, dict):
        yield from (found for key, below in value.items() for found in ([below] if key == "url" else _addresses(below)))
    elif isinstance(value, list):
        yield from (found for below in value for found in _addresses(below))


def _of(board: dict):
    """The panels without the rows."""
    return (panel for panel in board["panels"] if panel["type"] != "row")
