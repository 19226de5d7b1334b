"""What the queries share.

Two exporters may be scraped for the same organization (a restart, a standby). Raw metrics are therefore reduced with `max by` their
own labels before anything is summed; recording rules have done so already.
"""

ORGANIZATION = 'organization=~"$organization"'
CURRENCY = 'currency=~"$currency"'
DAY = 86400
NEXT_NOON = " offset -36h"

LEVELS = {"client": "client_id", "account": "account_id", "contract": "contract_id"}  # the others are called like their labels

CLIENT_DAY = "organization, client_id, status"
ENDPOINT_DAY = "organization, client_id, method, template_uri, status"
CHARGE = "organization, contract_id, charge, sku, unit, period_start"
WALLET = "organization, contract_id, wallet, unit, period_start"
TRUSTEE = "organization, customer, part_number, product, grouping, unit"
TALKDESK = "organization, account_id, product_id, usage_type, wallet, month"


def one(metric: str, labels: str, *where: str) -> str:
    """The metric once for each combination of its own labels, however many exporters serve it."""
    return f"max by ({labels}) ({metric}{{{', '.join((ORGANIZATION, *where))}}})"


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


def client_names(metric: str, offset: str = "") -> str:
    """1 for each client of the metric, with `client_name`: the name of the client list, else the beginning of the id."""
    key = "organization, client_id"
    listed = f"topk by ({key}) (1, group by ({key}, client_name) (genesyscloud_oauth_client_info{{{ORGANIZATION}}}{offset}))"
    unlisted = (
        f'label_replace(group by ({key}) ({metric}{{{ORGANIZATION}}}{offset}), "client_name", "$1… (not in the list)", '
        '"client_id", "(.{1,8}).*")'
    )
    return f"({listed} or on ({key}) {unlisted})"


def with_client_name(expr: str, metric: str, offset: str = "") -> str:
    """Adds `client_name`; `metric` is where the clients of `expr` come from."""
    return f"{expr} * on (organization, client_id) group_left (client_name) {client_names(metric, offset)}"


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


def of_month(expr: str, relative: str) -> str:
    """Only the samples of the current or the previous month (UTC), as the exporter counts them."""
    month = one("talkdesk_month_info", "organization, month", f'relative="{relative}"')
    return f"{expr} * on (organization, month) group_left () {month}"


def of_open_period(expr: str) -> str:
    """Only the samples of the contract's open billing period."""
    return f"{expr} * on (organization, contract_id, period_start) group_left () ({OPEN_PERIOD} == 1)"


OPEN_PERIOD = one("genesyscloud_billing_period_open", "organization, contract_id, period_start")


def at_its_day(metric: str, labels: str, *where: str) -> str:
    """The metric of each UTC day, drawn at that day. `metric` describes the newest whole day; at noon of the next day that is the day
    which began 36 hours before. Where the exporter had not read the day by then, it is left out: missing is not zero."""
    value = f"max by ({labels}) ({metric}{{{', '.join((ORGANIZATION, *where))}}}{NEXT_NOON})"
    day = f"max by (organization) (genesyscloud_api_last_day_timestamp_seconds{{{ORGANIZATION}}}{NEXT_NOON})"
    return f"({value} and on (organization) (abs({day} - time()) < {DAY // 2}))"
