"""One OAuth client: its days, its endpoints, its share."""

import promql
from house import *
from panels import *
from promql import DAY, ORGANIZATION, milliseconds, one, rule, with_client_name

CLIENT = 'client_id=~"$client"'
IS_429, IS_5XX = 'status="429"', 'status="5xx"'
LAST = "genesyscloud_api_client_last_day_requests"
TO_DATE = "genesyscloud_api_client_period_to_date_requests"
TRAILING = "genesyscloud_api_client_trailing_requests"
ENDPOINTS = "genesyscloud_api_endpoint_last_day_requests"
WATCHED = "genesyscloud_oauth_client_endpoint_requests"
SUMMARY = "genesyscloud_oauth_client_requests"
BY_CLIENT = rule("organization_client:genesyscloud_api_last_day_requests:sum", CLIENT)
KEY = "organization, client_id"
NO_USAGE = "the chosen clients made no request"


def by_client(metric: str, *where: str) -> str:
    return f"sum by ({KEY}) ({one(metric, promql.CLIENT_DAY, CLIENT, *where)})"


def total(metric: str, *where: str) -> str:
    return f"sum({one(metric, promql.CLIENT_DAY, CLIENT, *where)})"


def by_status(metric: str) -> str:
    return f"sum by (status) ({one(metric, promql.CLIENT_DAY, CLIENT)})"


def endpoint(metric: str, *where: str) -> str:
    return f"sum by (method, template_uri) ({one(metric, promql.ENDPOINT_DAY, CLIENT, *where)})"


def endpoints(metric: str) -> list[Column]:
    """The fifty busiest endpoints of the chosen clients, by status class."""
    top = f"and on (method, template_uri) topk(50, {endpoint(metric)})"
    classes = {"4xx": "Other 4xx", "429": "429", "5xx": "5xx"}
    return [
        label("Method", "method", width=80),
        label("URI template", "template_uri"),
        value("Requests", COUNT, f"topk(50, {endpoint(metric)})", width=95),
        *(value(title, COUNT, f"{endpoint(metric, f'status={chr(34)}{status}{chr(34)}')} {top}", width=85) for status, title in classes.items()),
    ]


USUAL = (
    f"(sum by (organization) ({one(TRAILING, promql.CLIENT_DAY, CLIENT)}) "
    f"/ on (organization) group_left () ({one('genesyscloud_api_trailing_window_seconds', 'organization')} / {DAY}))"
)


def board() -> Board:
    client = Board(
        "oauth-client",
        "Genesys Cloud: OAuth client",
        "One OAuth client, or a few: requests by day, status and endpoint, and their share of the organization. Daily figures, about a day late; "
        "estimates, not the invoice.",
        [
            organizations("genesyscloud_api_last_day_timestamp_seconds"),
            variable(
                "client",
                "Client",
                "query_result(topk by (client_id) (1, group by (client_id, client_name) "
                f"({promql.client_names('genesyscloud_api_client_last_active_timestamp_seconds')})))",
                regex='/client_id="(?<value>[^"]+)",client_name="(?<text>.+)"\\}/',
            ),
        ],
    )
    client.row(
        "The client on the day",
        (4, [
            Cell(figures_day(), 6),
            Cell(tile(
                "Requests of the day", f"Requests of the chosen clients together. {LAST_DAY} {ESTIMATE}",
                REQUESTS, {"requests": f"sum({BY_CLIENT})"}, decimals=2, empty=NO_USAGE,
            ), 4),
            Cell(tile(
                "× usual", f"Requests of the day ÷ mean of a day in the trailing window, of the chosen clients together. {LAST_DAY} {ESTIMATE}",
                TIMES, {"times": f"sum({BY_CLIENT}) / (sum({USUAL}) > 0)"}, decimals=1, empty=NO_USAGE,
            ), 3),
            Cell(tile(
                "Share of organization",
                f"Requests of the chosen clients ÷ requests of the chosen organizations. {LAST_DAY} {ESTIMATE}",
                RATIO, {"share": f"sum({BY_CLIENT}) / (sum({rule('organization:genesyscloud_api_last_day_requests:sum')}) > 0)"},
                decimals=1, empty=NO_USAGE,
            ), 4),
            Cell(tile(
                "Throttled", f"Share of requests that were answered 429, of the chosen clients together. {LAST_DAY} {ESTIMATE}",
                RATIO, {"429": f"{total(LAST, IS_429)} / (sum({BY_CLIENT}) > 0)"}, decimals=2, empty=NO_USAGE,
            ), 3),
            Cell(tile(
                "Server errors", f"Share of requests that were answered 5xx, of the chosen clients together. {LAST_DAY} {ESTIMATE}",
                RATIO, {"5xx": f"{total(LAST, IS_5XX)} / (sum({BY_CLIENT}) > 0)"}, decimals=2, empty=NO_USAGE,
            ), 4),
        ]),
        (6, [
            Cell(listing(
                "Chosen clients",
                "What the client list says of them; the newest UTC day with a request, within the look-back of the usage collector; and requests from the "
                f"start of the billing period to the end of the newest whole UTC day. Counted ones use up the allowance. {ESTIMATE}",
                [
                    label("Client", "client_name"),
                    label("Client id", "client_id"),
                    label("Organization", "organization", width=120),
                    label("Grant", "grant_type", width=165),
                    label("State", "state", width=75),
                    value("Last active", DATE, with_client_name(milliseconds(one("genesyscloud_api_client_last_active_timestamp_seconds", KEY, CLIENT)),
                          "genesyscloud_api_client_last_active_timestamp_seconds"), width=100),
                    value("Created", DATE, milliseconds(one("genesyscloud_oauth_client_created_timestamp_seconds", KEY, CLIENT)), width=100),
                    value("Deletion", DATE, milliseconds(one("genesyscloud_oauth_client_deletion_timestamp_seconds", KEY, CLIENT)), width=100),
                    value("Counted so far", COUNT, by_client(TO_DATE, 'fair_use="counted"'), width=125),
                    value("Of the allowance", RATIO, by_client(TO_DATE, 'fair_use="counted"') +
                          f" / on (organization) group_left () ({one('genesyscloud_api_allowance_requests', 'organization')} > 0)", decimals=1, width=125),
                    value("Excluded so far", COUNT, by_client(TO_DATE, 'fair_use="excluded"'), width=125),
                    value("Listed", COUNT, f"group by ({KEY}, client_name, grant_type, state) (genesyscloud_oauth_client_info{{{ORGANIZATION}, {CLIENT}}})",
                          hidden=True),
                ],
                sort="Counted so far", empty="no client of that kind is known",
            ), 24),
        ]),
    )
    client.row(
        "Its days",
        (8, [
            Cell(days(
                "Requests by UTC day and status",
                "Requests of each whole UTC day by status class, drawn at that day as it was known at the end of the next; days of which nothing was known "
                f"by then are left out. {ESTIMATE}",
                REQUESTS, f"sum by (status) ({promql.at_its_day('organization_client_status:genesyscloud_api_last_day_requests:sum', CLIENT)})", "{{status}}",
                colors=STATUS_COLORS, empty="Prometheus has not yet recorded a day by the end (UTC) of the next",
            ), 16),
            Cell(bars(
                "Status classes in the trailing window",
                f"Requests in the trailing window of whole UTC days (a week by default) that ends with the newest whole day. {ESTIMATE}",
                COUNT, f"sort_desc({by_status(TRAILING)})", "{{status}}", empty=NO_USAGE,
            ), 8),
        ]),
    )
    client.row(
        "Its endpoints",
        (10, [
            Cell(listing(
                "Endpoints of the day",
                f"The fifty busiest combinations of method and URI template; 'other' is what there was no room for. {LAST_DAY} {ESTIMATE}",
                endpoints(ENDPOINTS), sort="Requests",
                empty="endpoints are not collected (usage.endpoints 0) or the chosen clients made no request",
            ), 12),
            Cell(listing(
                "Endpoints of watched clients, in their window",
                f"The same for the clients of the collector client_query, over its window of whole UTC days that ends with the newest whole day. {ESTIMATE}",
                endpoints(WATCHED), sort="Requests", nothing="none of them is watched", empty="none of the chosen clients is watched (client_query)",
            ), 12),
        ]),
    )
    client.row(
        "Other sources",
        (7, [
            Cell(bars(
                "Usage summary by status",
                "What the vendor's summary of each client says, over its own window (beside); a second source that should agree with the trailing window "
                f"where both are as long. {ESTIMATE}",
                COUNT, f"sort_desc(sum by (status) ({one(SUMMARY, 'organization, client_id, status', CLIENT)}))", "{{status}}",
                empty="the collector client_summary is not enabled or leaves these clients out",
            ), 8),
            Cell(tile(
                "Windows", "How long the trailing window and the window of the usage summaries are. With several organizations, the longest.",
                DAYS, {
                    "trailing": f"max({one('genesyscloud_api_trailing_window_seconds', 'organization')}) / {DAY}",
                    "summary": f"max({one('genesyscloud_oauth_client_window_seconds', 'organization')}) / {DAY}",
                }, names=True, decimals=0, empty="no chosen organization has Genesys Cloud usage",
            ), 4),
            Cell(bars(
                "Customer organizations that use this app",
                f"For clients of apps: requests by the customer organization, the ten largest. {LAST_DAY} {ESTIMATE}",
                COUNT, "sort_desc(topk(10, sum by (customer_organization_id) (" + one("genesyscloud_app_client_organization_last_day_requests",
                       "organization, client_id, customer_organization_id", CLIENT) + ")))", "{{customer_organization_id}}",
                empty="none of the chosen clients is configured in app_client_usage",
            ), 12),
        ]),
    )
    return client
