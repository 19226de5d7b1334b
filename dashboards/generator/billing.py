"""Genesys Cloud billing: commitment, overage, wallets, contracts, invoices, reconciliation, partners' customers."""

import promql
from house import *
from panels import *
from promql import CURRENCY, CHARGE, DAY, ORGANIZATION, TRUSTEE, WALLET, milliseconds, of_open_period, one, rule
from thresholds import (
    BILLING, COMMIT_USED, CONTRACT_DAYS_LEFT, NONE_IS_GOOD, OVERAGE_ACCRUED, PREPAY_USED, RECONCILED, UNPAID_DAYS, WALLET_LEFT,
)

CONTRACT = 'contract_id=~"$contract"'
CUSTOMER = 'customer=~"$customer"'
NO_CONTRACT = "the collector contracts is not enabled or the vendor does not offer it to the organization"
NO_CUSTOMER = "the collector trustee_overview is not enabled"
OPEN = "The open billing period of each contract, so far, as the vendor shows it."
USED = rule("organization_contract_charge:genesyscloud_billing_commit_used:ratio", CONTRACT)


def charge(what: str) -> str:
    return of_open_period(one(f"genesyscloud_billing_{what}", CHARGE, CONTRACT))


def wallet(what: str) -> str:
    return of_open_period(one(f"genesyscloud_wallet_{what}", WALLET, CONTRACT))


def trustee(what: str, *where: str, by: str = TRUSTEE) -> str:
    return one(f"genesyscloud_trustee_{what}", by, CUSTOMER, *where)


LEFT = f"{wallet('ending_balance')} / ({wallet('starting_balance')} > 0)"
ENDS = one("genesyscloud_contract_end_timestamp_seconds", "organization, contract_id", CONTRACT)
ACTIVE = f'group by (organization, contract_id) (genesyscloud_contract_info{{{ORGANIZATION}, {CONTRACT}, status="Active"}})'
UNPAID = one("genesyscloud_invoice_oldest_unpaid_timestamp_seconds", "organization")
# What a customer used of what it has paid in advance; included quantities (fair use) are no use.
PREPAID_USED = f"{trustee('usage_quantity')} / ({trustee('prepaid_quantity')} > 0)"
# The price of what goes beyond: an estimate made of quantities and prices.
TRUSTEE_OVERAGE = (
    f"sum by (organization, customer, currency) ({trustee('overage_unit_price_amount', CURRENCY, by=TRUSTEE + ', currency')} "
    f"* on ({TRUSTEE}) group_left () clamp_min({trustee('usage_quantity')} - {trustee('prepaid_quantity')}, 0))"
)


def board() -> Board:
    billing = Board(
        "genesys-cloud-billing",
        "Genesys Cloud: billing",
        "Commitment and overage of contracts, wallets, billable usage, invoices, and a partner's customers. Figures of the vendor's billing operations, "
        "partly previews, before tax; estimates, not the invoice.",
        [
            organizations('ccaas_exporter_collector_up{provider="genesys_cloud"}'),
            variable("contract", "Contract", f"label_values(genesyscloud_contract_info{{{ORGANIZATION}}}, contract_id)"),
            variable("customer", "Customer", f"label_values(genesyscloud_trustee_subscription_info{{{ORGANIZATION}}}, customer)"),
            currencies("genesyscloud_billing_overage_amount", "genesyscloud_invoices_amount", "genesyscloud_trustee_overage_unit_price_amount"),
        ],
        since="now-90d",
    )
    billing.row(
        "Where contracts stand",
        (4, [
            Cell(tile(
                "Figures reach to (UTC)",
                "Last UTC day that the figures of billable usage, contracts, invoices and partners cover. With several, the oldest and the newest.",
                DATE,
                {
                    edge: f"1000 * ({edge_of}(ccaas_exporter_collector_data_through_timestamp_seconds{{{ORGANIZATION}, "
                          f'collector=~"billable_usage|contracts|invoices|trustee_overview"}} > 0) - 1)'
                    for edge, edge_of in (("oldest", "min"), ("newest", "max"))
                },
                names=True, nothing="nothing yet", empty="none of these collectors has succeeded yet",
            ), 6),
            Cell(tile(
                "Charges beyond commitment",
                f"Charges that include something, of which more was used than that. Charges that include nothing are not counted. {OPEN} {ESTIMATE}",
                COUNT, {"charges": f"count({USED} > {BILLING['commit_used_ratio']}) or 0 * count({USED})"}, steps=NONE_IS_GOOD, empty=NO_CONTRACT,
            ), 5),
            Cell(tile(
                "Emptiest wallet", f"Smallest share of its starting balance that a wallet still has. {OPEN} {ESTIMATE}",
                RATIO, {"{{wallet}}": f"bottomk(1, {LEFT})"}, decimals=0, steps=WALLET_LEFT, names=True, empty=NO_CONTRACT,
            ), 5),
            Cell(tile(
                "Next contract end", "Days until the first of the active contracts ends; the day after its last one, UTC.",
                DAYS, {"days": f"(min({ENDS} > time() and on (organization, contract_id) {ACTIVE}) - time()) / {DAY}"},
                decimals=0, steps=CONTRACT_DAYS_LEFT, empty=NO_CONTRACT,
            ), 4),
            Cell(tile(
                "Oldest unpaid invoice", "Days since the date of the oldest unpaid invoice of the months that are collected.",
                DAYS, {"days": f"(time() - min({UNPAID})) / {DAY}"}, decimals=0, steps=UNPAID_DAYS, nothing="none",
                empty="no invoice is unpaid or the collector invoices is not enabled",
            ), 4),
        ]),
        (9, [
            Cell(listing(
                "Charges of the open billing period",
                "Use of what is prepaid and included, by charge. 'Beyond' is the vendor's overage quantity. Quantities are in the unit of their line, and "
                f"'used' is blank where nothing is prepaid or included. {OPEN} {ESTIMATE}",
                [
                    label("Charge", "charge"), label("Unit", "unit", width=110), label("SKU", "sku", width=155), label("Period from", "period_start", width=100),
                    label("Organization", "organization", width=120), label("Contract", "contract_id", hidden=True),
                    value("Quantity", COUNT, charge("used_quantity"), decimals=1),
                    value("Used", RATIO, USED, decimals=0, steps=COMMIT_USED, gauge=1.5, width=220),
                    value("Prepaid", COUNT, charge("prepaid_quantity")),
                    value("Included", COUNT, charge("fair_use_quantity")),
                    value("Beyond", COUNT, charge("overage_quantity"), decimals=1),
                    value("Tokens", COUNT, charge("converted_tokens"), decimals=1),
                ],
                sort="Used", empty=NO_CONTRACT,
            ), 24),
        ]),
        (7, [
            Cell(repeated(bars(
                "Overage of the open period, $currency",
                f"Cost of overage by charge. {OPEN} The limit is the alert's, for an organization as a whole. {BEFORE_TAX} {ESTIMATE}",
                MONEY,
                "sort_desc(topk(12, sum by (organization, charge) (" + one("genesyscloud_billing_overage_amount",
                "organization, contract_id, charge, sku, period_start, currency", CONTRACT, CURRENCY) +
                f" * on (organization, contract_id, period_start) group_left () {promql.OPEN_PERIOD})))",
                "{{charge}} · {{organization}}", decimals=2, steps=OVERAGE_ACCRUED, empty="no contract charges in this currency",
            )), 24),
        ]),
    )
    billing.row(
        "Wallets and reconciliation",
        (8, [
            Cell(listing(
                "Wallets",
                f"Balances in the wallet's own unit. {OPEN} {ESTIMATE}",
                [
                    label("Wallet", "wallet"), label("Unit", "unit", width=90), label("Organization", "organization", width=110),
                    label("Contract", "contract_id", hidden=True), label("Period from", "period_start", hidden=True),
                    value("Left", RATIO, LEFT, decimals=0, steps=WALLET_LEFT, gauge=1, width=150),
                    value("Balance", COUNT, wallet("ending_balance"), decimals=1, width=90),
                    value("At the start", COUNT, wallet("starting_balance"), decimals=1, width=100),
                    value("Consumed", COUNT, wallet("consumed_quantity"), decimals=1, width=95),
                ],
                sort="Left", ascending=True, empty=NO_CONTRACT,
            ), 14),
            Cell(steps_over_time(
                "Counted ÷ billed API requests",
                "What the exporter counted in the billing period ÷ what the contract has been charged, as known at each moment; one side can be a day ahead, "
                f"most on the first days of a period. Dashed lines: the alert's limits. {ESTIMATE}",
                RATIO, {"{{organization}}": rule("organization:genesyscloud_api_counted_to_billed:ratio")}, steps=RECONCILED, maximum=1.2, decimals=0,
                empty="no contract charges API requests yet",
            ), 10),
        ]),
    )
    billing.row(
        "Contracts and billable usage",
        (8, [
            Cell(listing(
                "Contracts", "First day, end and end of the ramp of each contract, and the days to its end; ends are the midnight (UTC) after the last day.",
                [
                    label("Contract", "contract_id"), label("Organization", "organization", width=100), label("Status", "status", width=80),
                    label("Model", "commercial_model", width=120),
                    value("Start", DATE, milliseconds(one("genesyscloud_contract_start_timestamp_seconds", "organization, contract_id", CONTRACT)), width=100),
                    value("Ramp ends", DATE, milliseconds(one("genesyscloud_contract_ramp_end_timestamp_seconds", "organization, contract_id", CONTRACT)), width=100),
                    value("End", DATE, milliseconds(ENDS), width=100),
                    value("Days left", COUNT, f"({ENDS} - time() > 0) / {DAY}", decimals=0, steps=CONTRACT_DAYS_LEFT, width=90),
                    value("Info", COUNT, "group by (organization, contract_id, status, commercial_model) "
                          f"(genesyscloud_contract_info{{{ORGANIZATION}, {CONTRACT}}})", hidden=True),
                ],
                sort="End", empty=NO_CONTRACT,
            ), 14),
            Cell(listing(
                "Billable usage",
                "The billable usage report: quantity of each charge, in the charge's own unit, and the resources behind it, from the start of the billing period "
                f"to the end of yesterday (UTC). {ESTIMATE}",
                [
                    label("Charge", "charge"), label("Organization", "organization", width=130),
                    value("Quantity", COUNT, one("genesyscloud_billable_usage_quantity", "organization, charge"), width=110),
                    value("Resources", COUNT, one("genesyscloud_billable_usage_resources", "organization, charge"), width=100),
                ],
                sort="Quantity", empty="the collector billable_usage is not enabled",
            ), 10),
        ]),
        (8, [
            Cell(listing(
                "What contracts commit to", "Quantity and price of one unit of each item of the contracts' plans, in the unit and the currency of the line. Before tax.",
                [
                    label("Item", "item"), label("Contract", "contract_id", hidden=True), label("SKU", "sku"), label("Unit", "unit", width=110),
                    label("Organization", "organization", width=120),
                    value("Quantity", COUNT, one("genesyscloud_contract_committed_quantity", "organization, contract_id, item, sku, unit", CONTRACT) +
                          f" and on (organization, contract_id) {ACTIVE}", width=120),
                    value("Unit price", MONEY, one("genesyscloud_contract_unit_price_amount", "organization, contract_id, item, sku, unit, currency", CONTRACT,
                          CURRENCY) + f" and on (organization, contract_id) {ACTIVE}", decimals=4, width=110),
                    label("Currency", "currency", width=90),
                ],
                sort="Item", ascending=True, empty=NO_CONTRACT,
            ), 24),
        ]),
    )
    billing.row(
        "Invoices",
        (8, [
            Cell(repeated(months(
                "Invoices by month, $currency",
                "Amount of the invoices by month of the invoice (UTC) and payment status, of the months that are collected. The vendor's own figures; whether tax "
                "is in them is the vendor's matter. One panel for each currency, never added together.",
                "sum by (invoice_month, payment_status) (" + one("genesyscloud_invoices_amount", "organization, currency, payment_status, invoice_month", CURRENCY) + ")",
                "invoice_month", "payment_status", colors={"Paid": "green", "Unpaid": "red"},
                empty="the collector invoices is not enabled or there are none in this currency",
            )), 24),
        ]),
    )
    billing.row(
        "Customers of a partner",
        (6, [
            Cell(listing(
                "Customers", "Subscription, ramp, least monthly amount (before tax, in the currency of the line) and contract end (UTC) of each customer.",
                [
                    label("Customer", "customer"), label("Partner", "organization", width=150), label("Subscription", "subscription_type"),
                    label("In ramp", "in_ramp_period", width=80),
                    value("Contract end", DATE, milliseconds(trustee("contract_end_timestamp_seconds", by="organization, customer")), width=110),
                    value("Least a month", MONEY, trustee("minimum_monthly_amount", CURRENCY, by="organization, customer, currency"), decimals=2, width=120),
                    label("Currency", "currency", width=80),
                    value("Info", COUNT, trustee("subscription_info", by="organization, customer, subscription_type, in_ramp_period"), hidden=True),
                ],
                sort="Customer", ascending=True, empty=NO_CUSTOMER,
            ), 24),
        ]),
        (8, [
            Cell(listing(
                "Customers' use of what is prepaid",
                "Quantity used in the customer's open billing period beside what it has paid in advance, in the unit of the line, as its partner sees it; the fifty "
                f"fullest. Lines that mark what is included are left out. {ESTIMATE}",
                [
                    label("Customer", "customer", width=160), label("Product", "product"), label("Part", "part_number", width=170), label("Unit", "unit", width=90),
                    label("Partner", "organization", width=150), label("Grouping", "grouping", hidden=True),
                    value("Used", RATIO, f"topk(50, {PREPAID_USED})", decimals=0, steps=PREPAY_USED, gauge=1.5, width=220),
                    value("Quantity", COUNT, f"{trustee('usage_quantity')} and on ({TRUSTEE}) topk(50, {PREPAID_USED})", width=110),
                    value("Prepaid", COUNT, f"{trustee('prepaid_quantity')} and on ({TRUSTEE}) topk(50, {PREPAID_USED})", width=110),
                ],
                sort="Used", empty=NO_CUSTOMER + " or nothing is prepaid",
            ), 24),
        ]),
        (6, [
            Cell(repeated(bars(
                "Customers beyond what is prepaid, $currency",
                "Quantity beyond what is prepaid × price of one unit, summed by customer over its open billing period so far, as its partner sees it. "
                f"{BEFORE_TAX} {ESTIMATE}",
                MONEY, f"sort_desc(topk(12, {TRUSTEE_OVERAGE}))", "{{customer}} · {{organization}}", decimals=2,
                empty="no customer has prices in this currency or " + NO_CUSTOMER,
            )), 24),
        ]),
    )
    return billing
