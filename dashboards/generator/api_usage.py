"""Genesys Cloud API usage and fair use: what was used, what is allowed, who uses it."""

import promql
from house import *
from panels import *
from promql import DAY, ORGANIZATION, milliseconds, one, rule, with_client_name
from thresholds import ALLOWANCE, CLIENTS, NONE_IS_GOOD, Steps

IS_COUNTED = 'fair_use="counted"'
IS_4XX, IS_429, IS_5XX = 'status="4xx"', 'status="429"', 'status="5xx"'
LAST = "genesyscloud_api_client_last_day_requests"
CLIENT_DAYS = "organization_client:genesyscloud_api_last_day_requests:sum"
APPS = "genesyscloud_app_client_organization_last_day_requests"
ENDPOINTS = "genesyscloud_api_endpoint_last_day_requests"
USED = rule("organization:genesyscloud_api_allowance_used:ratio")
FORECAST = rule("organization:genesyscloud_api_allowance_forecast:ratio")
LEFT = rule("organization:genesyscloud_api_period_remaining_days")
BY_CLIENT = rule("organization_client:genesyscloud_api_last_day_requests:sum")
BUSIEST = f"and on (organization, client_id) topk(100, {BY_CLIENT})"
SERVER_ERRORS_OF_CLIENT = (
    f"sum by (organization, client_id) ({one(LAST, promql.CLIENT_DAY, IS_5XX)}) / ({BY_CLIENT} > 0)"
)
COUNTED_OF_CLIENT = f"sum by (organization, client_id) ({one(LAST, promql.CLIENT_DAY, IS_COUNTED)})"
TO_DATE_OF_CLIENT = f"sum by (organization, client_id) ({one('genesyscloud_api_client_period_to_date_requests', promql.CLIENT_DAY)})"
# A day of the trailing window, on average.
USUAL = (
    f"(sum by (organization, client_id) ({one('genesyscloud_api_client_trailing_requests', promql.CLIENT_DAY)}) "
    f"/ on (organization) group_left () ({one('genesyscloud_api_trailing_window_seconds', 'organization')} / {DAY}))"
)
THROTTLED = rule("organization_client:genesyscloud_api_last_day_throttled:ratio")
SHARE = rule("organization_client:genesyscloud_api_last_day_share:ratio")
ENOUGH = f"{BY_CLIENT} > {CLIENTS['minimum_requests']}"
# How many of the alerts about clients have their conditions met, 0 for other clients of the day.
ALERTS_OF_CLIENT = "(count by (organization, client_id) ({}) or 0 * {})".format(
    " or ".join(
        f'label_replace({condition}, "alert", "{alert}", "", "")'
        for alert, condition in {
            "throttled": f"{THROTTLED} > {CLIENTS['throttled_ratio']} and {ENOUGH}",
            "errors": f"{SERVER_ERRORS_OF_CLIENT} > {CLIENTS['server_errors_ratio']} and {ENOUGH}",
            "spike": f"{BY_CLIENT} / ({USUAL} > 0) > {CLIENTS['spike_factor']} and {BY_CLIENT} > {CLIENTS['spike_requests']}",
            "dominates": f"{SHARE} > {CLIENTS['dominant_share']} and on (organization) {FORECAST} > {CLIENTS['dominant_forecast_ratio']}",
        }.items()
    ),
    BY_CLIENT,
)
LISTED = f"group by (organization, client_id) (genesyscloud_oauth_client_info{{{ORGANIZATION}}})"
DELETION = one("genesyscloud_oauth_client_deletion_timestamp_seconds", "organization, client_id")
ACTIVE_SINCE = one("genesyscloud_api_client_last_active_timestamp_seconds", "organization, client_id")
CREATED = one("genesyscloud_oauth_client_created_timestamp_seconds", "organization, client_id")
OLD = CLIENTS["idle_days"]
# Active clients that are old enough and made no request for so long, where the usage of their organization is known.
IDLE = (
    f"({CREATED} < time() - {OLD * DAY} unless on (organization, client_id) {ACTIVE_SINCE} >= time() - {OLD * DAY} "
    f'and on (organization, client_id) genesyscloud_oauth_client_info{{{ORGANIZATION}, state=~"(?i:active)?"}} '
    f"and on (organization) {promql.last_day()})"
)

TO_CLIENT = link("This client", "oauth-client", organization=of_column("Organization"), client=of_column("Client id"))
CLIENT_SERIES = link("This client", "oauth-client", organization=of_label("organization"), client=of_label("client_id"))


def client_columns(width: int = 150) -> list[Column]:
    return [
        label("Client", "client_name", links=[TO_CLIENT]),
        label("Organization", "organization", width=width),
        label("Client id", "client_id", hidden=True),
    ]


def source(what: str) -> str:
    """Where the period or the allowance comes from, as label `<what>_source`."""
    info = one(f"genesyscloud_api_{what}_info", "organization, source")
    return f'max by (organization, {what}_source) (label_replace({info}, "{what}_source", "$1", "source", "(.*)"))'


def endpoint(*where: str) -> str:
    return f"sum by (organization, client_id, method, template_uri) ({one(ENDPOINTS, promql.ENDPOINT_DAY, *where)})"


TOP_ENDPOINTS = f"and on (organization, client_id, method, template_uri) topk(50, {endpoint()})"


def board() -> Board:
    usage = Board(
        "genesys-cloud-api-usage",
        "Genesys Cloud: API usage and fair use",
        "API requests of the newest whole UTC day and of the billing period beside the fair-use allowance, by client and endpoint. "
        "Daily figures, about a day late; estimates, not the invoice.",
        [organizations("genesyscloud_api_last_day_timestamp_seconds")],
    )
    highest = "With several organizations, the highest of them."
    usage.row(
        "Fair use in the billing period",
        (4, [
            Cell(figures_day(), 6),
            Cell(tile(
                "Allowance used",
                f"Counted requests from the start of the billing period to the end of the newest whole UTC day ÷ allowance. {highest} {ESTIMATE}",
                RATIO, {"{{organization}}": f"topk(1, {USED})"}, decimals=1, steps=ALLOWANCE, names=True,
                nothing="no allowance known", empty="no allowance is known",
            ), 5),
            Cell(tile(
                "Forecast for the period's end",
                f"Allowance used at the end of the billing period, if the days to come are like the mean of the trailing window. {highest} {ESTIMATE}",
                RATIO, {"{{organization}}": f"topk(1, {FORECAST})"}, decimals=1, steps=ALLOWANCE, names=True,
                nothing="no allowance known", empty="no allowance is known",
            ), 5),
            Cell(tile(
                "Days left",
                "Days from the end of the newest whole UTC day to the end of the billing period. With several organizations, the fewest.",
                COUNT, {"{{organization}}": f"bottomk(1, {LEFT})"}, decimals=0, names=True,
                empty="no chosen organization has Genesys Cloud usage",
            ), 4),
            Cell(tile(
                "Requests of the day", f"Requests of all clients, counted and excluded alike, of the chosen organizations together. {LAST_DAY} {ESTIMATE}",
                REQUESTS, {"requests": f"sum({rule('organization:genesyscloud_api_last_day_requests:sum')})"}, decimals=2,
                empty="no chosen organization has Genesys Cloud usage",
            ), 4),
        ]),
        (8, [
            Cell(steps_over_time(
                "Allowance used and forecast",
                "Used so far and forecast for the period's end, as known at each moment; both fall when a new billing period starts. Dashed lines: "
                f"the alerts' limits. The five organizations with the highest forecast. {ESTIMATE}",
                RATIO,
                {
                    "{{organization}} used": f"{USED} and on (organization) topk(5, {FORECAST})",
                    "{{organization}} forecast": f"topk(5, {FORECAST})",
                },
                steps=ALLOWANCE, maximum=1.1, decimals=0, empty="no allowance is known",
            ), 12),
            Cell(days(
                "Requests by UTC day and status",
                "Requests of each whole UTC day by status class, drawn at that day as it was known at the end of the next; days of which nothing "
                f"was known by then are left out. 429 is kept apart from the other 4xx. {ESTIMATE}",
                REQUESTS, f"sum by (status) ({promql.at_its_day('organization_status:genesyscloud_api_last_day_requests:sum')})", "{{status}}",
                colors=STATUS_COLORS, empty="Prometheus has not yet recorded a day by the end (UTC) of the next",
            ), 12),
        ]),
        (7, [
            Cell(listing(
                "Billing period and allowance",
                "The billing period that counts (UTC days, both inclusive), where it and the allowance come from, and how the exporter's count "
                "compares with what the contract has been charged; near 100 % when both agree, and one side can be a day ahead. 'A day' is the mean of "
                f"the trailing window. {ESTIMATE}",
                [
                    label("Organization", "organization"),
                    value("From", DATE, milliseconds(one("genesyscloud_api_period_start_timestamp_seconds", "organization")), width=110),
                    value("To", DATE, f"1000 * ({one('genesyscloud_api_period_end_timestamp_seconds', 'organization')} - {DAY})", width=110),
                    value("Counted so far", COUNT, rule("organization:genesyscloud_api_counted_period_to_date_requests:sum"), width=125),
                    value("A day", COUNT, rule("organization:genesyscloud_api_counted_daily_requests:avg_trailing"), decimals=0, width=95),
                    value("Forecast", COUNT, rule("organization:genesyscloud_api_counted_period_forecast_requests"), decimals=0, width=110),
                    value("Allowance", COUNT, one("genesyscloud_api_allowance_requests", "organization"), width=110),
                    value("Beyond it", COUNT, rule("organization:genesyscloud_api_overage_forecast_requests"), decimals=0, width=105),
                    value("Billed so far", COUNT, one("genesyscloud_api_billed_requests", "organization"), width=115),
                    value("Counted ÷ billed", RATIO, rule("organization:genesyscloud_api_counted_to_billed:ratio"), decimals=1, width=130),
                    label("Period from", "period_source", width=115),
                    label("Allowance from", "allowance_source", width=125),
                    value("Period source", COUNT, source("period"), hidden=True),
                    value("Allowance source", COUNT, source("allowance"), hidden=True),
                ],
                sort="Beyond it", empty="no chosen organization has Genesys Cloud usage",
            ), 24),
        ]),
    )
    usage.row(
        "Clients of the day",
        (10, [
            Cell(listing(
                "Clients",
                "The hundred busiest OAuth clients. 'Usual' compares the day with the mean of the trailing window. 'Alerts' says how many of the alerts about "
                f"throttling, server errors, spikes and clients that dominate have their whole condition met; they fire when that lasts. {LAST_DAY} 'Period so far' sums whole days from the start of the billing period. {ESTIMATE}",
                [
                    *client_columns(),
                    value("Requests", COUNT, with_client_name(f"({BY_CLIENT} {BUSIEST})", LAST), width=120),
                    value("Share of organization", RATIO, f"{SHARE} {BUSIEST}",
                          decimals=1, gauge=1, width=180),
                    value("× usual", TIMES, f"{BY_CLIENT} / ({USUAL} > 0) {BUSIEST}", decimals=1, width=90),
                    value("429", RATIO, f"{THROTTLED} {BUSIEST}", decimals=1, width=90),
                    value("5xx", RATIO, f"{SERVER_ERRORS_OF_CLIENT} {BUSIEST}", decimals=1, width=90),
                    value("Alerts", COUNT, f"{ALERTS_OF_CLIENT} {BUSIEST}", steps=NONE_IS_GOOD, width=80),
                    value("Period so far", COUNT, f"{TO_DATE_OF_CLIENT} {BUSIEST}", width=130),
                ],
                sort="Requests", empty="no client made a request",
            ), 24),
        ]),
        (8, [
            Cell(days(
                "Requests by UTC day and client",
                "Requests of each whole UTC day by client, drawn at that day as it was known at the end of the next; days of which nothing was known "
                f"by then are left out. The ten busiest of each day. {ESTIMATE}",
                REQUESTS,
                f"topk(10, {with_client_name(promql.at_its_day(CLIENT_DAYS), CLIENT_DAYS, promql.on_next_day)} > 0)",
                "{{client_name}}", empty="Prometheus has not yet recorded a day by the end (UTC) of the next",
            ), 12),
            Cell(bars(
                "Throttled requests",
                f"Requests answered 429 by client, the ten with the most. They count towards the allowance like any other. {LAST_DAY} {ESTIMATE}",
                REQUESTS,
                "sort_desc(" + with_client_name(f"topk(10, {one(LAST, promql.CLIENT_DAY, IS_429)} > 0)", LAST) + ")",
                "{{client_name}}", steps=Steps("orange"), nothing="none", links=[CLIENT_SERIES], empty="no request was throttled",
            ), 12),
        ]),
    )
    usage.row(
        "Endpoints of the day",
        (10, [
            Cell(listing(
                "Endpoints",
                "The fifty busiest combinations of client, method and URI template. What there is no room for is folded into 'other', so that the sums "
                f"stay right. {LAST_DAY} {ESTIMATE}",
                [
                    label("Method", "method", width=90),
                    label("URI template", "template_uri"),
                    *client_columns(),
                    value("Requests", COUNT, with_client_name(f"({endpoint()} {TOP_ENDPOINTS})", ENDPOINTS), width=120),
                    value("429", COUNT, f"{endpoint(IS_429)} {TOP_ENDPOINTS}", width=90),
                    value("Other 4xx", COUNT, f"{endpoint(IS_4XX)} {TOP_ENDPOINTS}", width=90),
                    value("5xx", COUNT, f"{endpoint(IS_5XX)} {TOP_ENDPOINTS}", width=90),
                ],
                sort="Requests", empty="endpoints are not collected (usage.endpoints 0) or nothing was requested",
            ), 24),
        ]),
        (8, [
            Cell(listing(
                "Customers of apps",
                f"Requests of the configured app clients by the customer organization that uses them. {LAST_DAY} {ESTIMATE}",
                [
                    label("Customer organization", "customer_organization_id"), label("App", "client_name", width=140),
                    label("Organization", "organization", hidden=True), label("Client id", "client_id", hidden=True),
                    value("Requests", COUNT, with_client_name("topk(50, " + one(APPS, "organization, client_id, customer_organization_id") + ")", APPS),
                          width=95),
                ],
                sort="Requests", empty="the collector app_client_usage is not enabled",
            ), 8),
            Cell(listing(
                "Searches",
                "What the configured searches find, in whole UTC days that end with the newest whole day; each search says how many. The fifty largest. "
                f"{ESTIMATE}",
                [
                    label("Search", "search", width=160), label("Client", "client_name"), label("Organization", "organization", hidden=True),
                    value("Requests", COUNT, "topk(50, sum by (organization, search, client_name) (" + one("genesyscloud_api_search_requests",
                          "organization, search, client_name, method, template_uri, status") + "))", width=110),
                ],
                sort="Requests", empty="no searches are configured",
            ), 8),
            Cell(listing(
                "Rate limits",
                "Requests per minute that the vendor allows, by its own name of the limit. They are settings of the vendor, not use.",
                [
                    label("Limit", "limit"), label("Organization", "organization", width=120),
                    value("Per minute", COUNT, one("genesyscloud_rate_limit_requests_per_minute", "organization, limit"), width=95),
                ],
                sort="Limit", ascending=True, empty="the collector limits is not enabled",
            ), 8),
        ]),
    )
    usage.row(
        "Clients to look at",
        (8, [
            Cell(listing(
                "Not in the client list",
                f"Clients with counted requests that the client list of their organization does not know; the vendor's own, excluded clients are left out. "
                f"{LAST_DAY} Only where the list was read. {ESTIMATE}",
                [
                    label("Client id", "client_id", links=[TO_CLIENT]), label("Organization", "organization", width=110),
                    value("Requests", COUNT, f"({COUNTED_OF_CLIENT} > 0 unless on (organization, client_id) {LISTED}) and on (organization) {LISTED}", width=110),
                ],
                sort="Requests", nothing="none", empty="all active clients are in the list",
            ), 8),
            Cell(listing(
                f"Idle for {OLD} days",
                f"Active clients, older than {OLD} days, without a request for {OLD} days or within the look-back of the usage collector. A client that "
                "nobody needs is a risk.",
                [
                    *client_columns(95),
                    value("Created", DATE, with_client_name(f"1000 * {IDLE}", "genesyscloud_oauth_client_info"), width=110),
                    value("Last active", DATE, f"1000 * {ACTIVE_SINCE} and on (organization, client_id) {IDLE}", width=110),
                ],
                sort="Last active", ascending=True, nothing="none", empty="no client is idle",
            ), 8),
            Cell(listing(
                "Scheduled for deletion",
                f"Clients that the vendor will delete, and what they still requested. {LAST_DAY} {ESTIMATE}",
                [
                    *client_columns(95),
                    value("Deletion", DATE, with_client_name(f"1000 * {DELETION}", "genesyscloud_oauth_client_info"), width=110),
                    value("Requests", COUNT, f"{BY_CLIENT} and on (organization, client_id) {DELETION}", width=100),
                ],
                sort="Deletion", ascending=True, nothing="none", empty="no client is scheduled for deletion",
            ), 8),
        ]),
    )
    return usage
