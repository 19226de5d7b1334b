"""The kinds of panels. Each asks for a title, a description and a unit, so that none can be forgotten.

All but those over time ask Prometheus for the newest value only: the figures change once a day.
"""

from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import barchart, bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from house import DATASOURCE, DATE, MONEY, TEXT
from promql import ORGANIZATION
from thresholds import Steps


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


def _legend():
    """The names below the drawing, without figures."""
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(kinds.LegendDisplayMode.LIST)
        .placement(kinds.LegendPlacement.BOTTOM)
        .calcs([])
    )


def _color(panel, colors):
    """Gives the names in `colors` a colour of their own, and the others one after the other of the palette."""
    panel.color_scheme(dashboard.FieldColor().mode("palette-classic"))
    for name, color in (colors or {}).items():
        panel.override_by_name(name, [_property("color", {"mode": "fixed", "fixedColor": color})])


def _over_time(title, description, unit, targets, interval, empty, colors, decimals=None):
    panel = (
        timeseries.Panel()
        .targets([target.range() for target in queries(targets)])
        .interval(interval)
        .min(0)
        .show_points(kinds.VisibilityMode.AUTO)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
    )
    _common(panel, title, description, unit, empty, "nothing", decimals, None)
    _color(panel, colors)
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
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.NONE))
    )
    _common(panel, title, description, MONEY, empty, "nothing", 2, None)
    _color(panel, colors)
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
