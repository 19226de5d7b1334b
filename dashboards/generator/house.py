"""The house style of the dashboards: units, sentences, layout, variables, links. The kinds of panels are in panels.py.

A dashboard is a `Board` with rows of panels.
"""

import json
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from promql import ORGANIZATION

UID = "ccaas-"
TAG = "ccaas-exporter"
SCHEMA_VERSION = 42  # of @grafana/schema 13; Grafana 11 and 12 take it as it is
COLUMNS = 24
DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")

# Units
REQUESTS = "sishort"
COUNT = "locale"  # whole figures with thousands separators
MONEY = "locale"  # the currency stands in the title or in a column: Grafana fills in no variables in units
RATIO = "percentunit"
TIMES = "suffix: ×"
SECONDS = "s"
DAYS = "suffix: days"
DATE = "time:YYYY-MM-DD"
MOMENT = "dateTimeFromNow"
TEXT = "string"

# Sentences of descriptions
LAST_DAY = "For the newest whole UTC day, which the header names."
ESTIMATE = "An estimate: the vendor may still correct its figures, and only its invoice counts."
BEFORE_TAX = "Before tax and credits; one panel for each currency, never added together."
TAX_UNKNOWN = "Whether tax is in Talkdesk's amounts is not documented."

STATUS_COLORS = {"2xx": "green", "3xx": "blue", "4xx": "yellow", "429": "orange", "5xx": "red", "other": "gray"}


@dataclass
class Cell:
    """A panel and how many of the 24 columns it takes."""

    panel: object
    width: int


@dataclass
class Board:
    """A dashboard in the making."""

    name: str
    title: str
    description: str
    variables: list
    since: str = "now-30d"
    _panels: list = field(default_factory=list)
    _y: int = 0

    def row(self, title: str, *lines: tuple[int, list[Cell]]) -> None:
        """A titled row; each line has a height and cells that fill the columns."""
        self._place(dashboard.Row(title), 0, 1, COLUMNS)
        self._y += 1
        for height, cells in lines:
            x = 0
            for cell in cells:
                self._place(cell.panel, x, height, cell.width)
                x += cell.width
            if x != COLUMNS:
                raise ValueError(f"{self.name}: a line of the row {title!r} fills {x} of {COLUMNS} columns")
            self._y += height

    def _place(self, panel, x: int, height: int, width: int) -> None:
        panel.id(len(self._panels) + 1).grid_pos(model.GridPos(x=x, y=self._y, h=height, w=width))
        built = panel.build()
        if built.type_val == "table":
            built.options.footer = None  # a default of the SDK that Grafana 13 knows no more
        self._panels.append(built)

    def text(self) -> str:
        """The JSON file, the same for the same generator."""
        board = (
            dashboard.Dashboard(self.title)
            .uid(UID + self.name)
            .description(self.description)
            .tags([TAG])
            .timezone("utc")
            .time(self.since, "now")
            .refresh("5m")
            .tooltip(model.DashboardCursorSync.TOOLTIP)
            .annotations([])
            .variables([datasource_variable(), *self.variables])
            .link(
                dashboard.DashboardLink("Contact centre dashboards")
                .type(model.DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .as_dropdown(True)
                .include_vars(True)
                .keep_time(True)
                .icon("external link")
                .tooltip("The other dashboards of the exporter, with the same organization and time")
            )
            .build()
        )
        board.schema_version = SCHEMA_VERSION
        board.panels = self._panels
        for chosen in board.templating.list_val:  # the SDK gives every variable what only intervals have
            chosen.auto = chosen.auto_min = chosen.auto_count = None
        return json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


# Variables


def datasource_variable():
    return dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")


def variable(name: str, label: str, query: str, regex: str = ""):
    """Label values, any number of them, All at first."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": query, "refId": f"{name}-values"})
        .regex(regex)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(model.VariableOption(text=["All"], value=["$__all"], selected=True))
    )


def organizations(metric: str):
    return variable("organization", "Organization", f"label_values({metric}, organization)")


def currencies(*metrics: str):
    """Money panels repeat by this variable: the currencies of the metrics."""
    amounts = " or ".join(f"group by (currency) ({metric}{{{ORGANIZATION}}})" for metric in metrics)
    return variable("currency", "Currency", f"query_result({amounts})", regex='/currency="([^"]+)"/')


# Links


def link(title: str, board: str, *kept: str, **values: str):
    """A link to another dashboard that keeps data source, time and the variables `kept`, and sets others."""
    chosen = "".join(f"&${{{name}:queryparam}}" for name in kept)
    chosen += "".join(f"&var-{name}=${{{value}:percentencode}}" for name, value in values.items())
    return {"title": title, "url": f"/d/{UID}{board}?${{datasource:queryparam}}{chosen}&${{__url_time_range}}"}


def of_column(name: str) -> str:
    """The value of a table's column in the same row, for `link`."""
    return f'__data.fields["{name}"]'


def of_label(name: str) -> str:
    """The label of the clicked series, for `link`."""
    return f"__field.labels.{name}"
