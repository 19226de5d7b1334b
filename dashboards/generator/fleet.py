"""Fleet: who will exceed, when, and what it costs."""

import promql
from house import *
from panels import *
from promql import CURRENCY, milliseconds, one, rule
from thresholds import ALLOWANCE, NONE_IS_GOOD, OVERAGE_FORECAST, TALKDESK_FORECAST

USED = rule("organization:genesyscloud_api_allowance_used:ratio")
FORECAST = rule("organization:genesyscloud_api_allowance_forecast:ratio")
TO_DATE = rule("organization:genesyscloud_api_counted_period_to_date_requests:sum")
MEAN = rule("organization:genesyscloud_api_counted_daily_requests:avg_trailing")
LEFT = rule("organization:genesyscloud_api_period_remaining_days")
ALLOWED = rule("organization:genesyscloud_api_newest_allowance_requests")
UP = f"min by (provider, organization, collector) (ccaas_exporter_collector_up{{{ORGANIZATION}}})"

# The day on which the allowance is used up, if each day to come is like the trailing mean.
REACHED = (
    f"({promql.last_day()} + 86400 * (1 + ({ALLOWED} - {TO_DATE}) / ({MEAN} > 0)) and {FORECAST} > 1 and {USED} <= 1)"
)

TO_API_USAGE = link("API usage of this organization", "genesys-cloud-api-usage", organization=of_column("Organization"))
TO_TALKDESK = link("Talkdesk spend of this organization", "talkdesk-spend", organization=of_column("Organization"))
TO_HEALTH = link("This collector's health", "exporter-health", organization=of_column("Organization"), collector=of_column("Collector"))


def talkdesk(month: str) -> str:
    return "sum by (organization, currency) (" + rule(f"organization_account_currency:talkdesk_usage_amount:{month}_month") + ")"


def board() -> Board:
    fleet = Board(
        "fleet",
        "Contact centres: fleet",
        "Every organization at a glance: who will exceed its allowance, when, and what use costs. Daily figures, about a day late; "
        "estimates, not the invoice.",
        [
            organizations("ccaas_exporter_collector_up"),
            currencies("genesyscloud_api_overage_unit_price_amount", "genesyscloud_billing_overage_amount", "talkdesk_usage_amount"),
        ],
    )
    fleet.row(
        "Who will exceed, and when",
        (4, [
            Cell(figures_day(), 6),
            Cell(tile(
                "Over the allowance", f"Organizations that have used more than their API allowance of the billing period. {ESTIMATE}",
                COUNT, {"organizations": f"count({TO_DATE} - {ALLOWED} > 0) or 0 * count({ALLOWED})"},
                steps=NONE_IS_GOOD, nothing="no allowance known", empty="no allowance is known",
            ), 4),
            Cell(tile(
                "Forecast to exceed",
                f"Organizations that are inside their allowance and will not be at the end of the billing period, if the days to come "
                f"are like the mean of the trailing window. {ESTIMATE}",
                COUNT, {"organizations": f"count({FORECAST} > 1 and {USED} <= 1) or 0 * count({FORECAST})"},
                steps=NONE_IS_GOOD, nothing="no allowance known", empty="no allowance is known",
            ), 4),
            Cell(tile(
                "No allowance known",
                "Organizations with API usage for which neither contract, licences nor configuration tell an allowance.",
                COUNT, {"organizations": f"count({TO_DATE} unless {ALLOWED}) or 0 * count({TO_DATE})"},
                steps=NONE_IS_GOOD, empty="no chosen organization has Genesys Cloud usage",
            ), 4),
            Cell(tile(
                "Collectors failing", "Collectors whose last run failed; their figures are the last good ones and grow old.",
                COUNT, {"collectors": f"count({UP} == 0) or 0 * count({UP})"}, steps=NONE_IS_GOOD,
                links=[link("Exporter health", "exporter-health", "organization")],
            ), 3),
            Cell(tile(
                "Organizations", "Organizations that the exporter knows.", COUNT,
                {"organizations": f"count(group by (organization) (ccaas_exporter_collector_up{{{ORGANIZATION}}}))"},
            ), 3),
        ]),
        (7, [
            Cell(listing(
                "API allowance by organization",
                "Use of the fair-use allowance in the billing period up to the end of the newest whole UTC day, and at the period's end if "
                "the days to come are like the mean of the trailing window. 'Used up on' is the UTC day on which that forecast reaches the "
                f"allowance; it is blank where the allowance lasts or is gone already. {ESTIMATE}",
                [
                    label("Organization", "organization", links=[TO_API_USAGE]),
                    value("Forecast", RATIO, FORECAST, decimals=1, steps=ALLOWANCE, gauge=1.5, width=260),
                    value("Used", RATIO, USED, decimals=1, steps=ALLOWANCE, width=100),
                    value("Used up on", DATE, milliseconds(REACHED), width=120),
                    value("Days left", COUNT, LEFT, decimals=0, width=100),
                    value("Counted so far", COUNT, TO_DATE),
                    value("Allowance", COUNT, ALLOWED),
                    value("Requests of the day", COUNT, rule("organization:genesyscloud_api_last_day_requests:sum")),
                    value("Day (UTC)", DATE, milliseconds(promql.last_day()), width=120),
                ],
                sort="Forecast", empty="no chosen organization has Genesys Cloud usage",
            ), 24),
        ]),
    )
    fleet.row(
        "What it costs",
        (5, [
            Cell(repeated(bars(
                "Forecast overage of API requests, $currency",
                f"Price of the requests beyond the allowance at the end of the billing period, by organization; the ten dearest. "
                f"{BEFORE_TAX} {ESTIMATE}",
                MONEY,
                f"sort_desc(topk(10, {rule('organization_currency:genesyscloud_api_overage_forecast_amount', CURRENCY)}))",
                "{{organization}}", decimals=2, steps=OVERAGE_FORECAST, nothing="no price in this currency",
                empty="no price of a request is known in this currency",
                links=[link("API usage of this organization", "genesys-cloud-api-usage", organization=of_label("organization"))],
            )), 24),
        ]),
        (5, [
            Cell(repeated(bars(
                "Use charged in the current period, $currency",
                "Overage of the open billing periods of Genesys Cloud contracts, and Talkdesk consumption of the current calendar month (UTC), by "
                f"organization. Licences and subscriptions are not in it. The ten dearest. Genesys Cloud's amounts are before tax and credits; currencies are never added together. {TAX_UNKNOWN} {ESTIMATE}",
                MONEY,
                f"sort_desc(topk(10, {rule('provider_organization_currency:ccaas_spend_current_amount', CURRENCY)}))",
                "{{organization}} · {{provider}}", decimals=2, nothing="nothing in this currency",
                empty="neither contracts nor Talkdesk usage are collected in this currency",
            )), 24),
        ]),
    )
    fleet.row(
        "Day by day",
        (8, [
            Cell(days(
                "Requests by UTC day and organization",
                "Genesys Cloud API requests of each whole UTC day, counted and excluded clients alike, drawn at that day as it was known at "
                f"the end of the next; days of which nothing was known by then are left out. The ten largest. {ESTIMATE}",
                REQUESTS,
                f"topk(10, {promql.at_its_day('organization:genesyscloud_api_last_day_requests:sum')})",
                "{{organization}}", empty="Prometheus has not yet recorded a day by the end (UTC) of the next",
            ), 12),
            Cell(steps_over_time(
                "Forecast at the period's end ÷ allowance",
                f"How the forecast moved: what was known at each moment, the ten highest. Dashed lines: the alerts' limits. {ESTIMATE}",
                RATIO, {"{{organization}}": f"topk(10, {FORECAST})"}, steps=ALLOWANCE, maximum=1.1,
                empty="no allowance is known", decimals=0,
            ), 12),
        ]),
    )
    fleet.row(
        "Talkdesk, and what needs a hand",
        (8, [
            Cell(listing(
                "Talkdesk consumption by organization",
                "Current calendar month (UTC) so far, the month before, and the forecast if the rest of the month costs what it cost so far; no "
                f"forecast in the first tenth of a month. '÷ last month' compares the forecast with it. Without credits and recharges. One line for each currency. {TAX_UNKNOWN} {ESTIMATE}",
                [
                    label("Organization", "organization", links=[TO_TALKDESK]),
                    label("Currency", "currency", width=90),
                    value("This month", MONEY, talkdesk("current"), decimals=2),
                    value("Forecast", MONEY, talkdesk("forecast"), decimals=2),
                    value("Last month", MONEY, talkdesk("previous"), decimals=2),
                    value("÷ last month", RATIO, f"{talkdesk('forecast')} / ({talkdesk('previous')} > 0)",
                          decimals=0, steps=TALKDESK_FORECAST, width=110),
                ],
                sort="This month", empty="no chosen organization has Talkdesk usage",
            ), 14),
            Cell(listing(
                "Collectors that failed last",
                "Collectors whose last run failed, and when each last succeeded.",
                [
                    label("Organization", "organization"),
                    label("Collector", "collector", links=[TO_HEALTH]),
                    value("State", COUNT, f"{UP} == 0", mapping={"0": ("failing", "red")}, width=90),
                    value("Last success", MOMENT, milliseconds(
                        f"(max by (provider, organization, collector) (ccaas_exporter_collector_last_success_timestamp_seconds{{{ORGANIZATION}}}) > 0 "
                        f"and {UP} == 0)"), width=140),
                    label("Provider", "provider", hidden=True),
                ],
                sort="Last success", ascending=True, nothing="all are well", empty="every collector's last run succeeded",
            ), 10),
        ]),
    )
    return fleet
