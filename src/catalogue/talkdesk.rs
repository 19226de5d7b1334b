//! Families of the Talkdesk provider. The doc comments are the HELP texts.

use super::gauges;

gauges! {
    /// Usage of each account in a month, by product and type, in the units of the label; never add different units. The running month is a figure so far, which may also fall.
    /// From GET /express/usage/month (field number_of_units); cached, read again once per collector refresh; not the invoice.
    USAGE_UNITS = "talkdesk_usage_units" ["account_id", "product_id", "usage_type", "unit", "month"] "units" folding ["product_id"];

    /// Amount for the usage of each account in a month, by product, type and wallet, in the currency of the label; never add different currencies. Types RECHARGE and CREDIT_COMMIT are credits, not consumption.
    /// From GET /express/usage/month (field total_amount); cached, read again once per collector refresh; not the invoice.
    USAGE_AMOUNT = "talkdesk_usage_amount" ["account_id", "product_id", "usage_type", "currency", "wallet", "month"] "currency" folding ["product_id"];

    /// Which month (UTC) is the current and which the previous one; the value is always 1.
    /// From the clock at the time of reading GET /express/usage/month; cached with the usage figures.
    MONTH_INFO = "talkdesk_month_info" ["month", "relative"] "";

    /// Accounts of the organization; the value is always 1. Join on account_id for the current name.
    /// From GET /express/accounts (fields id, name, status); cached, read again once per collector refresh.
    ACCOUNT_INFO = "talkdesk_account_info" ["account_id", "account_name", "account_status"] "";

    /// Products that stand in the usage or the subscriptions of the organization; the value is always 1. Join on product_id for the current name.
    /// From GET /express/products (fields id, name, family, unit_of_measure, charge_type); cached, read again once per collector refresh.
    PRODUCT_INFO = "talkdesk_product_info" ["product_id", "product_name", "family", "unit_of_measure", "charge_type"] "";

    /// Quantity that each account subscribes to, by contract and product, over the lines that are active today (UTC).
    /// From GET /express/subscriptions (field quantity); cached, read again once per collector refresh.
    SUBSCRIPTION_QUANTITY = "talkdesk_subscription_quantity" ["account_id", "contract_number", "product_id"] "units";

    /// Price of one unit of a subscribed product, the largest of the active lines, in the currency of the label; never add different currencies.
    /// From GET /express/subscriptions (field unit_price); cached, read again once per collector refresh.
    SUBSCRIPTION_UNIT_PRICE = "talkdesk_subscription_unit_price_amount" ["account_id", "contract_number", "product_id", "currency"] "currency";

    /// End of a contract (00:00 UTC after the last day of its active lines), in seconds since the epoch; absent when no line tells an end.
    /// From GET /express/subscriptions (field end_date); cached, read again once per collector refresh.
    SUBSCRIPTION_END_TIMESTAMP = "talkdesk_subscription_end_timestamp_seconds" ["account_id", "contract_number"] "seconds";

    /// Invoiced amount of each account by month of the invoice, summed over invoice lines, in the currency of the label; never add different currencies.
    /// From GET /express/invoices (field amount); cached, read again once per collector refresh.
    INVOICES_AMOUNT = "talkdesk_invoices_amount" ["account_id", "currency", "invoice_month"] "currency";
}
