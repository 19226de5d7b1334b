"""The house style of the dashboards: panel kinds, units, colours, links, variables, layout.

A dashboard is a `Board` with rows of panels. Every panel kind asks for a title, a description and a unit, so none can be forgotten.
Instant panels ask Prometheus for the newest value only: the figures change once a day.
"""

import json
from dataclasses import dataclass, field
from string import ascii_uppercase

from grafana_foundation_sdk.builders import bargauge, barchart, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from promql import CURRENCY, ORGANIZATION  # noqa: F401 (dashboards take CURRENCY from here)
from thresholds import Steps

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


# Queries


def query(expr: str, legend: str = "__auto", reference: str = "A"):
    """The newest value."""
    return prometheus.Dataquery().expr(expr).instant().legend_format(legend).ref_id(reference).datasource(DATASOURCE)


def queries(targets: dict[str, str]) -> list:
    """Newest values, by legend."""
    return [query(expr, legend, reference) for reference, (legend, expr) in zip(ascii_uppercase, targets.items())]


def _common(panel, title: str, description: str, unit: str, empty: str | None, nothing: str, decimals: int | None, steps: Steps | None):
    if empty:
        description += f" Empty when {empty}."
    panel.title(title).description(description).datasource(DATASOURCE).unit(unit).no_value(nothing)
    if decimals is not None:
        panel.decimals(decimals)
    if steps is None:
        steps = Steps("blue")
        panel.color_scheme(dashboard.FieldColor().mode("fixed").fixed_color("blue"))
    else:
        panel.color_scheme(dashboard.FieldColor().mode("thresholds"))
    panel.thresholds(steps.build())
    return panel


def repeated(panel):
    """One panel for each currency, side by side."""
    return panel.repeat("currency").repeat_direction("h").max_per_row(4)


# Panel kinds


def tile(title, description, unit, targets, *, empty=None, nothing="–", decimals=None, steps=None, names=False, links=(), mappings=()):
    """Large figures: one, or a few with their names (`names=True`); or names alone (`names="only"`)."""
    panel = (
        stat.Panel()
        .targets(queries(targets))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .color_mode(kinds.BigValueColorMode.VALUE if steps else kinds.BigValueColorMode.NONE)
        .text_mode({False: kinds.BigValueTextMode.VALUE, True: kinds.BigValueTextMode.VALUE_AND_NAME, "only": kinds.BigValueTextMode.NAME}[names])
        .orientation(kinds.VizOrientation.VERTICAL)
        .wide_layout(False)
        .mappings(list(mappings))
        .data_links(_links(links))
    )
    return _common(panel, title, description, unit, empty, nothing, decimals, steps)


def bars(title, description, unit, expr, legend, *, empty=None, nothing="nothing", decimals=None, steps=None, maximum=None, links=()):
    """One bar for each series, the largest first where the query sorts."""
    panel = (
        bargauge.Panel()
        .targets(queries({legend: expr}))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .display_mode(kinds.BarGaugeDisplayMode.BASIC)
        .value_mode(kinds.BarGaugeValueMode.TEXT)
        .name_placement(kinds.BarGaugeNamePlacement.LEFT)
        .show_unfilled(False)
        .text(common.VizTextDisplayOptions().value_size(14))
        .sizing(kinds.BarGaugeSizing.MANUAL)
        .min_viz_height(16)
        .max_viz_height(24)
        .min(0)
        .data_links(_links(links))
    )
    if maximum is not None:
        panel.max(maximum)
    return _common(panel, title, description, unit, empty, nothing, decimals, steps)


def days(title, description, unit, expr, legend, *, empty, colors=None, stacked=True):
    """One bar for each UTC day, at its day; `expr` is made with `promql.at_its_day`."""
    panel = _over_time(title, description, unit, {legend: expr}, "1d", empty, colors)
    panel.draw_style(kinds.GraphDrawStyle.BARS).bar_alignment(kinds.BarAlignment.AFTER).bar_width_factor(0.9).fill_opacity(85).line_width(0)
    if stacked:
        panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    return panel


def hours(title, description, unit, targets, *, empty="Prometheus has fewer than two scrapes"):
    """One stacked bar for each hour; the queries look back one hour."""
    panel = _over_time(title, description, unit, targets, "1h", empty, None, 0)
    panel.draw_style(kinds.GraphDrawStyle.BARS).bar_alignment(kinds.BarAlignment.BEFORE).bar_width_factor(0.9).fill_opacity(85).line_width(0)
    return panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))


def steps_over_time(title, description, unit, targets, *, empty=None, interval="1h", steps=None, maximum=None, colors=None, decimals=None):
    """What was known at each moment, as steps. With `steps`, their limits are drawn as dashed lines."""
    panel = _over_time(title, description, unit, targets, interval, empty, colors, decimals)
    panel.draw_style(kinds.GraphDrawStyle.LINE).line_interpolation(kinds.LineInterpolation.STEP_AFTER).fill_opacity(0).line_width(2)
    if steps:
        panel.thresholds(steps.build())
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED))
    if maximum is not None:
        panel.axis_soft_max(maximum)
    return panel


def _over_time(title, description, unit, targets, interval, empty, colors, decimals=None):
    panel = (
        timeseries.Panel()
        .targets([target.range() for target in queries(targets)])
        .interval(interval)
        .min(0)
        .show_points(kinds.VisibilityMode.AUTO)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(kinds.LegendDisplayMode.LIST)
            .placement(kinds.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
    )
    _common(panel, title, description, unit, empty, "nothing", decimals, None)
    panel.color_scheme(dashboard.FieldColor().mode("palette-classic"))
    for name, color in (colors or {}).items():
        panel.override_by_name(name, [_property("color", {"mode": "fixed", "fixedColor": color})])
    return panel


def months(title, description, expr, category, series, *, empty=None, colors=None):
    """Columns by month, one stack for each month; `category` and `series` are labels of `expr`."""
    panel = (
        barchart.Panel()
        .targets([query(expr).format(PromQueryFormat.TABLE)])
        .transformations(
            [
                model.DataTransformerConfig(
                    id_val="groupingToMatrix",
                    options={"columnField": series, "rowField": category, "valueField": "Value", "emptyValue": "null"},
                ),
                model.DataTransformerConfig(id_val="sortBy", options={"sort": [{"field": f"{category}\\{series}"}]}),
            ]
        )
        .x_field(f"{category}\\{series}")
        .orientation(kinds.VizOrientation.VERTICAL)
        .stacking(kinds.StackingMode.NORMAL)
        .show_value(kinds.VisibilityMode.NEVER)
        .bar_width(0.8)
        .group_width(0.8)
        .fill_opacity(85)
        .line_width(0)
        .x_tick_label_rotation(0)
        .x_tick_label_spacing(100)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(kinds.LegendDisplayMode.LIST)
            .placement(kinds.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.NONE))
    )
    _common(panel, title, description, MONEY, empty, "nothing", 2, None)
    panel.color_scheme(dashboard.FieldColor().mode("palette-classic"))
    for name, color in (colors or {}).items():
        panel.override_by_name(name, [_property("color", {"mode": "fixed", "fixedColor": color})])
    return panel


@dataclass
class Column:
    """A table's column: a label of the first query (`label`), or the values of an own query (`expr`)."""

    title: str
    unit: str = TEXT
    expr: str = ""
    label: str = ""
    decimals: int | None = None
    steps: Steps | None = None
    gauge: float | None = None  # draws the value as a bar with this maximum
    mapping: dict[str, tuple[str, str]] | None = None  # value: text, colour
    width: int | None = None
    links: tuple = ()
    hidden: bool = False


def label(title: str, name: str, *, width=None, links=(), hidden=False) -> Column:
    return Column(title, label=name, width=width, links=tuple(links), hidden=hidden)


def value(title: str, unit: str, expr: str, **rest) -> Column:
    return Column(title, unit=unit, expr=expr, **rest)


def listing(title, description, columns: list[Column], *, sort: str, ascending=False, empty=None, nothing="nothing"):
    """A table: label columns, then a query for each value column, joined on the labels that all of them have."""
    values = [column for column in columns if column.expr]
    targets = [
        query(column.expr, reference=reference).format(PromQueryFormat.TABLE) for reference, column in zip(ascii_uppercase, values)
    ]
    fields = {column.label: column for column in columns if column.label}
    for reference, column in zip(ascii_uppercase, values):
        fields[f"Value #{reference}" if len(values) > 1 else "Value"] = column
    order = {name: columns.index(column) for name, column in fields.items()}
    panel = (
        table.Panel()
        .targets(targets)
        .transformations(
            [
                model.DataTransformerConfig(id_val="merge", options={}),
                model.DataTransformerConfig(
                    id_val="organize",
                    options={
                        "excludeByName": {"Time": True},
                        "includeByName": {},
                        "indexByName": order,
                        "renameByName": {name: column.title for name, column in fields.items()},
                    },
                ),
            ]
        )
        .show_header(True)
        .align(kinds.FieldTextAlignment.AUTO)
        .min_width(90)
        .cell_options(kinds.TableAutoCellOptions())
        .inspect(False)
        .cell_height(kinds.TableCellHeight.SM)
        .sort_by([common.TableSortByFieldState().display_name(sort).desc(not ascending)])
    )
    if sort not in {column.title for column in columns}:
        raise ValueError(f"{title}: no column {sort!r} to sort by")
    for column in columns:
        panel.override_by_name(column.title, _cell(column))
    return _common(panel, title, description, TEXT, empty, nothing, None, None)


def _cell(column: Column) -> list:
    made = [_property("unit", column.unit), _property("noValue", "–")]
    if column.decimals is not None:
        made.append(_property("decimals", column.decimals))
    if column.width:
        made.append(_property("custom.width", column.width))
    if column.hidden:
        made.append(_property("custom.hidden", True))
    if column.links:
        made.append(_property("links", list(column.links)))
    if column.mapping:
        options = {key: {"text": text, "color": color, "index": index} for index, (key, (text, color)) in enumerate(column.mapping.items())}
        made.append(_property("mappings", [{"type": "value", "options": options}]))
        made.append(_property("custom.cellOptions", {"type": "color-text"}))
    if column.steps:
        # A missing figure would take the lowest colour, which may be an alarm.
        made.append(_property("mappings", [{"type": "special", "options": {"match": "null+nan", "result": {"text": "–", "color": "text", "index": 0}}}]))
        made.append(_property("thresholds", column.steps.build().build()))
        made.append(_property("color", {"mode": "thresholds"}))
        if column.gauge is None:
            made.append(_property("custom.cellOptions", {"type": "color-text"}))
    if column.gauge is not None:
        made += [_property("min", 0), _property("max", column.gauge)]
        made.append(_property("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}))
    return made


def good_or(bad: str) -> list[model.ValueMap]:
    """1 is good, 0 is what `bad` says."""
    return [model.ValueMap({"1": model.ValueMappingResult(text="good", color="green"), "0": model.ValueMappingResult(text=bad, color="red")})]


def _property(name: str, what) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val=name, value=what)


def _links(links) -> list:
    """Data links in the builders' form."""
    return [dashboard.DashboardLink(made["title"]).url(made["url"]) for made in links]


def figures_day():
    """The header's first tile: which day the figures describe."""
    day = f"genesyscloud_api_last_day_timestamp_seconds{{{ORGANIZATION}}}"
    return tile(
        "Newest whole day (UTC)",
        "The UTC day that figures 'of the day' describe: the newest one that ended long enough ago to be complete. "
        "Today is never shown. With several organizations, the oldest and the newest of their days.",
        DATE,
        {"oldest": f"1000 * min({day})", "newest": f"1000 * max({day})"},
        names=True,
        nothing="no day yet",
        empty="no chosen organization has Genesys Cloud usage",
    )
