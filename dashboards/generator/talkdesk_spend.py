"""Talkdesk spend: this month, last month, forecast, by product and account."""

import promql
from house import *
from panels import *
from promql import CURRENCY, ORGANIZATION, milliseconds, of_month, one, rule, with_account_name, with_product_name
from thresholds import NONE_IS_GOOD, TALKDESK_FORECAST

ACCOUNT = 'account_id=~"$account"'
CREDITS = 'usage_type=~"RECHARGE|CREDIT_COMMIT"'
CONSUMED = 'usage_type!~"RECHARGE|CREDIT_COMMIT"'
SO_FAR = "The current calendar month (UTC) so far, as of the collector's last success; it may also fall."
FORECAST = "The forecast takes the rest of the month to cost what it cost so far; there is none in the first tenth of a month."
NOT_CREDITS = "Without credits and recharges."
NO_USAGE = "the chosen accounts have no usage"


def amount(month: str) -> str:
    """Consumption of an account in a month, by currency."""
    return rule(f"organization_account_currency:talkdesk_usage_amount:{month}_month", ACCOUNT, CURRENCY)


def usage(relative: str, by: str, kind: str = CONSUMED) -> str:
    return f"sum by ({by}) ({of_month(relative, 'talkdesk_usage_amount', f'{promql.TALKDESK}, currency', ACCOUNT, CURRENCY, kind)})"


def units(relative: str) -> str:
    key = "organization, account_id, product_id, usage_type, unit, month"
    return f"sum by (organization, product_id, usage_type, unit) ({of_month(relative, 'talkdesk_usage_units', key, ACCOUNT)})"


def summed(month: str) -> str:
    return f"sum by (currency) ({amount(month)})"


def subscription(metric: str, labels: str, *where: str) -> str:
    return one(f"talkdesk_subscription_{metric}", labels, ACCOUNT, *where)


def board() -> Board:
    spend = Board(
        "talkdesk-spend",
        "Talkdesk: spend",
        "What Talkdesk usage costs this month, beside last month and the forecast, by product and account. Figures of the usage lists; whether tax is in them is not documented; "
        "estimates, not the invoice.",
        [
            organizations("talkdesk_month_info"),
            variable(
                "account",
                "Account",
                "query_result(topk by (account_id) (1, group by (account_id, account_name) "
                f"({with_account_name(f'group by (organization, account_id) (talkdesk_usage_amount{{{ORGANIZATION}}})')})))",
                regex='/account_id="(?<value>[^"]+)",account_name="(?<text>.+)"\\}/',
            ),
            currencies("talkdesk_usage_amount", "talkdesk_invoices_amount"),
        ],
    )
    spend.row(
        "This month",
        (4, [
            Cell(tile(
                "Figures as of", "When the usage of the month was last read with success (UTC). With several organizations, the oldest.",
                "time:YYYY-MM-DD HH:mm", {"as of": "1000 * min(max by (organization) (ccaas_exporter_collector_last_success_timestamp_seconds"
                f'{{{ORGANIZATION}, provider="talkdesk", collector="usage"}} > 0))'}, nothing="never", empty="no usage was read yet",
            ), 6),
            Cell(tile(
                "Month (UTC)", "The calendar month that 'this month' means. When a month begins, there is none until the usage is read again.", TEXT,
                {"{{month}}": f'group by (month) ({promql.MONTH}{{{ORGANIZATION}, relative="current"}})'}, names="only",
                empty="no usage was read this month",
            ), 4),
            Cell(tile(
                "Month elapsed", "How much of the current calendar month (UTC) is over; the forecast starts at a tenth.",
                RATIO, {"over": "(day_of_month() - 1 + hour() / 24) / days_in_month()"}, decimals=0,
            ), 4),
            Cell(tile(
                "Accounts with use", f"Accounts with consumption. {SO_FAR}", COUNT,
                {"accounts": f"count(group by (organization, account_id) ({amount('current')}))"}, empty=NO_USAGE,
            ), 5),
            Cell(tile(
                "Accounts forecast above last month",
                f"Accounts whose forecast is more than {round(TALKDESK_FORECAST.limits[0][0] * 100)} % of last month. {FORECAST} {ESTIMATE}",
                COUNT, {"accounts": f"count({amount('forecast')} > {TALKDESK_FORECAST.limits[0][0]} * {amount('previous')}) or 0 * count({amount('forecast')})"},
                steps=NONE_IS_GOOD, nothing="too early", empty="the month is in its first tenth or the chosen accounts have no usage",
            ), 5),
        ]),
        (5, [
            Cell(repeated(tile(
                "Consumption, $currency",
                f"This month so far, the forecast for its end, and last month, of the chosen accounts. {FORECAST} {NOT_CREDITS} Currencies are never added together. {TAX_UNKNOWN} {ESTIMATE}",
                MONEY, {"this month": summed("current"), "forecast": summed("forecast"), "last month": summed("previous")},
                names=True, decimals=2, nothing="none", empty="the chosen accounts have no usage in this currency",
            )), 24),
        ]),
    )
    spend.row(
        "By product",
        (9, [
            Cell(repeated(bars(
                "Products this month, $currency",
                f"Consumption by product, the twelve dearest. {SO_FAR} {NOT_CREDITS} Currencies are never added together. {TAX_UNKNOWN} {ESTIMATE}",
                MONEY,
                f"sort_desc(topk(12, sum by (product_name) ({with_product_name(usage('current', 'organization, product_id'))})))",
                "{{product_name}}", decimals=2, empty="the chosen accounts have no usage in this currency",
            )), 24),
        ]),
        (9, [
            Cell(listing(
                "Products: this month and last",
                f"Consumption by product and currency in the current calendar month (UTC) so far and in the one before; the share compares a month that is not "
                f"over with a whole one. {NOT_CREDITS} One line for each currency. {TAX_UNKNOWN} {ESTIMATE}",
                [
                    label("Product", "product_name"), label("Product id", "product_id", hidden=True), label("Currency", "currency", width=85),
                    label("Organization", "organization", hidden=True),
                    value("This month", MONEY, with_product_name(usage("current", "organization, product_id, currency")), decimals=2, width=120),
                    value("Last month", MONEY, with_product_name(usage("previous", "organization, product_id, currency")), decimals=2, width=120),
                    value("Of last month", RATIO, usage("current", "organization, product_id, currency") + " / (" +
                          usage("previous", "organization, product_id, currency") + " > 0)", decimals=0, width=120),
                ],
                sort="This month", empty=NO_USAGE,
            ), 12),
            Cell(listing(
                "Units: this month and last",
                "Usage in the vendor's units, which are never added to one another: minutes and seconds stay apart. Current calendar month (UTC) so far and the "
                f"one before. {ESTIMATE}",
                [
                    label("Product", "product_name"), label("Type", "usage_type", width=200), label("Unit", "unit", width=100),
                    label("Organization", "organization", hidden=True), label("Product id", "product_id", hidden=True),
                    value("This month", COUNT, with_product_name(units("current")), decimals=1, width=105),
                    value("Last month", COUNT, with_product_name(units("previous")), decimals=1, width=105),
                ],
                sort="This month", empty=NO_USAGE,
            ), 12),
        ]),
    )
    spend.row(
        "By account",
        (8, [
            Cell(listing(
                "Accounts",
                f"Consumption by account and currency: current calendar month (UTC) so far, forecast, and the month before; '÷ last month' compares the forecast with it. {FORECAST} {NOT_CREDITS} One line "
                f"for each currency. {TAX_UNKNOWN} {ESTIMATE}",
                [
                    label("Account", "account_name"), label("Account id", "account_id", hidden=True), label("Status", "account_status", width=95),
                    label("Organization", "organization", width=110), label("Currency", "currency", width=80),
                    value("This month", MONEY, with_account_name(amount("current"), "account_name, account_status"), decimals=2),
                    value("Forecast", MONEY, amount("forecast"), decimals=2),
                    value("Last month", MONEY, with_account_name(amount("previous"), "account_name, account_status"), decimals=2),
                    value("÷ last month", RATIO, f"{amount('forecast')} / ({amount('previous')} > 0)", decimals=0,
                          steps=TALKDESK_FORECAST, gauge=2, width=170),
                ],
                sort="This month", empty=NO_USAGE,
            ), 15),
            Cell(listing(
                "Credits and recharges",
                "Amounts of the types RECHARGE and CREDIT_COMMIT in the current calendar month (UTC) so far and in the one before: credits, not consumption. "
                "One line for each currency.",
                [
                    label("Account", "account_name"), label("Account id", "account_id", hidden=True), label("Organization", "organization", hidden=True),
                    label("Type", "usage_type", width=145), label("Currency", "currency", width=80),
                    value("This month", MONEY, with_account_name(usage("current", "organization, account_id, usage_type, currency", CREDITS)), decimals=2, width=95),
                    value("Last month", MONEY, with_account_name(usage("previous", "organization, account_id, usage_type, currency", CREDITS)), decimals=2, width=95),
                ],
                sort="Last month", nothing="none", empty="there were none in these two months",
            ), 9),
        ]),
    )
    spend.row(
        "Over time",
        (8, [
            Cell(repeated(steps_over_time(
                "Month so far, $currency",
                "Consumption of the calendar month (UTC) by account, as known at each moment; it starts again with each month. The ten dearest. "
                f"{NOT_CREDITS} Currencies are never added together. {TAX_UNKNOWN} {ESTIMATE}",
                MONEY, {"{{account_name}}": f"topk(10, {with_account_name(amount('current'))})"}, decimals=2,
                empty="the chosen accounts have no usage in this currency",
            )), 24),
        ]),
        (8, [
            Cell(repeated(months(
                "Invoices by month, $currency",
                "Sum of invoice lines by month of the invoice (UTC), of the chosen accounts. The vendor's own figures; whether tax is in them is the vendor's "
                "matter. One panel for each currency, never added together.",
                f"sum by (invoice_month, account_name) ({with_account_name(one('talkdesk_invoices_amount', 'organization, account_id, invoice_month', ACCOUNT, CURRENCY))})",
                "invoice_month", "account_name", empty="the collector invoices is not enabled or there are none in this currency",
            )), 24),
        ]),
    )
    spend.row(
        "Subscriptions",
        (9, [
            Cell(listing(
                "Subscribed products",
                "Quantity and unit price of the lines that are active today (UTC), by account, contract and product; the price is the largest of the lines. "
                f"{TAX_UNKNOWN}",
                [
                    label("Account", "account_name"), label("Account id", "account_id", hidden=True), label("Organization", "organization", hidden=True),
                    label("Contract", "contract_number", width=110), label("Product id", "product_id"),
                    value("Quantity", COUNT, with_account_name(subscription("quantity", "organization, account_id, contract_number, product_id")), width=100),
                    value("Unit price", MONEY, subscription("unit_price_amount", "organization, account_id, contract_number, product_id, currency", CURRENCY),
                          decimals=2, width=110),
                    label("Currency", "currency", width=90),
                ],
                sort="Quantity", empty="the collector subscriptions is not enabled or there are no active lines",
            ), 15),
            Cell(listing(
                "Contracts that end",
                "Day (UTC) after the last day of each contract's active lines, and how many days are left.",
                [
                    label("Account", "account_name"), label("Account id", "account_id", hidden=True), label("Organization", "organization", hidden=True),
                    label("Contract", "contract_number", width=110),
                    value("End", DATE, with_account_name(milliseconds(subscription("end_timestamp_seconds", "organization, account_id, contract_number"))), width=110),
                    value("Days left", COUNT, f"({subscription('end_timestamp_seconds', 'organization, account_id, contract_number')} - time()) / 86400",
                          decimals=0, width=100),
                ],
                sort="End", ascending=True, empty="no line tells an end",
            ), 9),
        ]),
    )
    return spend
