"""What the queries share.

Two exporters may be scraped for the same organization (a restart, a standby). Raw metrics are therefore reduced with `max by` their
own labels before anything is summed, and those of a day, a billing period or a month that is not the newest are left out; recording
rules have done so already.
"""

ORGANIZATION = 'organization=~"$organization"'
CURRENCY = 'currency=~"$currency"'
DAY = 86400
END_OF_NEXT_DAY = " offset -172799s"

# The others are called like their labels.
LEVELS = {"client": "client_id", "account": "account_id", "contract": "contract_id", "period": "period_start"}

# The targets whose figures count (dashboards/rules/recording.yml), and the metrics that are taken from them alone.
NEWEST_DAY = "organization_job_instance:genesyscloud_api_newest_day_timestamp_seconds"
NEWEST_PERIOD = "organization_job_instance:genesyscloud_api_newest_period_end_timestamp_seconds"
MONTH = "organization_job_instance_month_relative:talkdesk_month:info"
OF_NEWEST = {
    "genesyscloud_api_client_last_day_requests": NEWEST_DAY,
    "genesyscloud_api_endpoint_last_day_requests": NEWEST_DAY,
    "genesyscloud_api_client_trailing_requests": NEWEST_DAY,
    "genesyscloud_api_trailing_window_seconds": NEWEST_DAY,
    "genesyscloud_api_client_period_to_date_requests": NEWEST_PERIOD,
    "genesyscloud_api_period_start_timestamp_seconds": NEWEST_PERIOD,
    "genesyscloud_api_period_end_timestamp_seconds": NEWEST_PERIOD,
    "genesyscloud_api_period_info": NEWEST_PERIOD,
    "genesyscloud_api_allowance_requests": NEWEST_PERIOD,
    "genesyscloud_api_allowance_info": NEWEST_PERIOD,
    "genesyscloud_api_billed_requests": NEWEST_PERIOD,
}

CLIENT_DAY = "organization, client_id, status"
ENDPOINT_DAY = "organization, client_id, method, template_uri, status"
CHARGE = "organization, contract_id, charge, sku, unit, period_start"
WALLET = "organization, contract_id, wallet, unit, period_start"
TRUSTEE = "organization, customer, part_number, product, grouping, unit"
TALKDESK = "organization, account_id, product_id, usage_type, wallet, month"


def one(metric: str, labels: str, *where: str) -> str:
    """The metric once for each combination of its own labels, however many exporters serve it."""
    newest = OF_NEWEST.get(metric)
    only = f" and on (organization, job, instance) {newest}{{{ORGANIZATION}}}" if newest else ""
    return f"max by ({labels}) ({metric}{{{', '.join((ORGANIZATION, *where))}}}{only})"


def rule(name: str, *where: str) -> str:
    """A recording rule, for the chosen organizations. The aggregation drops the name, which Grafana would take for a column that no
    two queries share; a rule's level names its labels."""
    labels = ", ".join(LEVELS.get(part, part) for part in name.split(":")[0].split("_"))
    return f"max by ({labels}) ({name}{{{', '.join((ORGANIZATION, *where))}}})"


def milliseconds(expr: str) -> str:
    """Grafana's dates count milliseconds."""
    return f"1000 * {expr}"


def last_day() -> str:
    """Start of the UTC day that the last_day metrics describe, by organization."""
    return one("genesyscloud_api_last_day_timestamp_seconds", "organization")


def client_names(metric: str, at=lambda selector: selector) -> str:
    """1 for each client of the metric, with `client_name`: the name of the client list, else the beginning of the id. `at` says of when."""
    key = "organization, client_id"
    listed = f"topk by ({key}) (1, group by ({key}, client_name) ({at(f'genesyscloud_oauth_client_info{{{ORGANIZATION}}}')}))"
    unlisted = (
        f'label_replace(group by ({key}) ({at(f"{metric}{{{ORGANIZATION}}}")}), "client_name", "$1… (not in the list)", '
        '"client_id", "(.{1,8}).*")'
    )
    return f"({listed} or on ({key}) {unlisted})"


def with_client_name(expr: str, metric: str, at=lambda selector: selector) -> str:
    """Adds `client_name`; `metric` is where the clients of `expr` come from."""
    return f"{expr} * on (organization, client_id) group_left (client_name) {client_names(metric, at)}"


def with_account_name(expr: str, names: str = "account_name") -> str:
    """Adds `account_name` (and other labels of the account list); accounts that are not in it keep their id as name."""
    key = "organization, account_id"
    listed = f"topk by ({key}) (1, group by ({key}, {names}) (talkdesk_account_info{{{ORGANIZATION}}}))"
    known = _known(key, "talkdesk_usage_amount", "talkdesk_subscription_quantity", "talkdesk_invoices_amount")
    unlisted = f'label_replace({known}, "account_name", "$1", "account_id", "(.*)")'
    return f"{expr} * on ({key}) group_left ({names}) ({listed} or on ({key}) {unlisted})"


def with_product_name(expr: str) -> str:
    """Adds `product_name`; products that are not in the list (and the folded `other`) keep their id as name."""
    key = "organization, product_id"
    listed = f"topk by ({key}) (1, group by ({key}, product_name) (talkdesk_product_info{{{ORGANIZATION}}}))"
    known = _known(key, "talkdesk_usage_amount", "talkdesk_usage_units", "talkdesk_subscription_quantity")
    unlisted = f'label_replace({known}, "product_name", "$1", "product_id", "(.*)")'
    return f"{expr} * on ({key}) group_left (product_name) ({listed} or on ({key}) {unlisted})"


def _known(key: str, *metrics: str) -> str:
    """1 for every combination of the labels that one of the metrics has."""
    return "(" + " or ".join(f"group by ({key}) ({metric}{{{ORGANIZATION}}})" for metric in metrics) + ")"


def of_month(relative: str, metric: str, labels: str, *where: str) -> str:
    """The metric once for each combination of its labels, of the present or the previous calendar month (UTC) only."""
    month = f'{MONTH}{{{ORGANIZATION}, relative="{relative}"}}'
    return f"max by ({labels}) ({metric}{{{', '.join((ORGANIZATION, *where))}}} and on (organization, job, instance, month) {month})"


def of_open_period(expr: str) -> str:
    """Only the samples of the contract's open billing period."""
    return f"{expr} * on (organization, contract_id, period_start) group_left () {OPEN_PERIOD}"


OPEN_PERIOD = rule("organization_contract_period:genesyscloud_billing_open_period:info")


def at_its_day(name: str, *where: str) -> str:
    """A recording rule about the newest complete day, drawn at that day: at the midnight (UTC) with which a day begins, the newest value
    that was recorded on the next day, if that describes this day. Where nobody had read the day by then, it is left out: missing is not
    zero."""
    value = f"{name}{{{', '.join((ORGANIZATION, *where))}}}"
    day = f"max by (organization) ({on_next_day(f'{NEWEST_DAY}{{{ORGANIZATION}}}')})"
    return f"({on_next_day(value)} and on (organization) ({day} == time()))"


def on_next_day(selector: str) -> str:
    """The newest value on the day after the one that begins at the time of the query. The midnight with which that day ends is left out,
    whether or not a range includes its ends (Prometheus 3 leaves out the beginning, 2 none of them)."""
    return f"last_over_time({selector}[1d]{END_OF_NEXT_DAY})"
