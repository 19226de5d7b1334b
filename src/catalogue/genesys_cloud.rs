//! Families of the Genesys Cloud provider. The doc comments are the HELP texts.

use super::gauges;

gauges! {
    /// Requests of each OAuth client on the newest complete UTC day, by status class (classes are disjoint and sum to the vendor's total).
    /// From /api/v2/usage/aggregates/query/jobs (field requestCount) or /api/v2/usage/query (field requests); cached, read again once per collector refresh; an estimate, not a bill.
    CLIENT_LAST_DAY_REQUESTS = "genesyscloud_api_client_last_day_requests" ["client_id", "status", "fair_use"] "requests";

    /// Requests of each OAuth client from the start of the billing period to the end of the newest complete UTC day, by status class.
    /// From /api/v2/usage/aggregates/query/jobs (field requestCount) or /api/v2/usage/query (field requests); cached, read again once per collector refresh; an estimate, not a bill.
    CLIENT_PERIOD_TO_DATE_REQUESTS = "genesyscloud_api_client_period_to_date_requests" ["client_id", "status", "fair_use"] "requests";

    /// Requests of each OAuth client in the trailing window of whole UTC days that ends with the newest complete day, by status class.
    /// From /api/v2/usage/aggregates/query/jobs (field requestCount) or /api/v2/usage/query (field requests); cached, read again once per collector refresh.
    CLIENT_TRAILING_REQUESTS = "genesyscloud_api_client_trailing_requests" ["client_id", "status", "fair_use"] "requests";

    /// Requests by OAuth client, HTTP method and URI template on the newest complete UTC day, by status class; all but the largest are folded into other.
    /// From /api/v2/usage/aggregates/query/jobs (field requestCount) or /api/v2/usage/query (field requests); cached, read again when the day's figures changed.
    ENDPOINT_LAST_DAY_REQUESTS = "genesyscloud_api_endpoint_last_day_requests" ["client_id", "method", "template_uri", "status"] "requests" folding ["method", "template_uri"];

    /// Start (00:00 UTC) of the newest day on which the OAuth client made a request, in seconds since the epoch; absent beyond the configured look-back.
    /// From /api/v2/usage/aggregates/query/jobs or /api/v2/usage/query (field date); cached, read again once per collector refresh.
    CLIENT_LAST_ACTIVE_TIMESTAMP = "genesyscloud_api_client_last_active_timestamp_seconds" ["client_id"] "seconds";

    /// Start (00:00 UTC) of the day that the last_day metrics describe, in seconds since the epoch.
    /// The newest day of /api/v2/usage/aggregates/query/jobs or /api/v2/usage/query (field date) that ended long enough ago to be complete; cached.
    LAST_DAY_TIMESTAMP = "genesyscloud_api_last_day_timestamp_seconds" [] "seconds";

    /// Length of the window of the trailing metrics, in seconds.
    /// From the configuration (trailing_days); cached with the usage figures.
    TRAILING_WINDOW = "genesyscloud_api_trailing_window_seconds" [] "seconds";

    /// Start (00:00 UTC) of the billing period that the period_to_date metrics sum over, in seconds since the epoch.
    /// From the source that genesyscloud_api_period_info names; cached with the usage figures.
    PERIOD_START_TIMESTAMP = "genesyscloud_api_period_start_timestamp_seconds" [] "seconds";

    /// End (exclusive, 00:00 UTC) of the billing period that the period_to_date metrics sum over, in seconds since the epoch.
    /// From the source that genesyscloud_api_period_info names; cached with the usage figures.
    PERIOD_END_TIMESTAMP = "genesyscloud_api_period_end_timestamp_seconds" [] "seconds";

    /// Where the billing period comes from; the value is always 1.
    /// Label source: contract, trustee (an overview of the organization itself), anchor_day (configured) or calendar_month; cached with the usage figures.
    PERIOD_INFO = "genesyscloud_api_period_info" ["source"] "";

    /// API requests of one billing period that the fair-use policy includes.
    /// From the source that genesyscloud_api_allowance_info names; cached with the usage figures.
    ALLOWANCE_REQUESTS = "genesyscloud_api_allowance_requests" [] "requests";

    /// Where the allowance comes from; the value is always 1.
    /// Label source: contract (prepaid and fair-use quantity of the API charge), licenses (configured licences times the requests each includes) or config (a configured number); cached with the usage figures.
    ALLOWANCE_INFO = "genesyscloud_api_allowance_info" ["source"] "";

    /// Price of one request beyond the allowance, before tax, in the currency of the label; never add different currencies.
    /// From the contract (field overageRate of the API charge), else from a trustee overview of the organization itself (field overagePrice), else from the configuration (overage_unit_price); cached with the usage figures.
    OVERAGE_UNIT_PRICE = "genesyscloud_api_overage_unit_price_amount" ["currency"] "currency";

    /// Requests of each OAuth client in the window of its usage summary, by status class.
    /// From GET /api/v2/oauth/clients/{clientId}/usage/summary (field requests of its results); cached, read again once per collector refresh.
    OAUTH_CLIENT_REQUESTS = "genesyscloud_oauth_client_requests" ["client_id", "status"] "requests";

    /// Length of the window of the usage summaries, in seconds.
    /// From GET /api/v2/oauth/clients/{clientId}/usage/summary (parameter days); cached.
    OAUTH_CLIENT_WINDOW = "genesyscloud_oauth_client_window_seconds" [] "seconds";

    /// Requests of each watched OAuth client in its window of whole UTC days, by HTTP method and URI template, by status class; all but the largest are folded into other.
    /// From POST /api/v2/oauth/clients/{clientId}/usage/query (field requests of its results); cached, read again once per collector refresh.
    OAUTH_CLIENT_ENDPOINT_REQUESTS = "genesyscloud_oauth_client_endpoint_requests" ["client_id", "method", "template_uri", "status"] "requests" folding ["method", "template_uri"];

    /// Requests that each configured search finds in its window of whole UTC days, by client name, HTTP method and URI template, by status class; all but the largest are folded into other.
    /// From POST /api/v2/usage/simplesearch (fields status200 to status500 of its results; clients of one name are one); cached, read again as often as the search is configured to be.
    API_SEARCH_REQUESTS = "genesyscloud_api_search_requests" ["search", "client_name", "method", "template_uri", "status"] "requests" folding ["method", "template_uri"];

    /// Requests of each configured OAuth client of an app by the customer organization that uses it, on the newest complete UTC day.
    /// From POST /api/v2/usage/client/{clientId}/aggregates/query/jobs (field requestCount of its results); cached, read again once per collector refresh.
    APP_CLIENT_ORGANIZATION_LAST_DAY_REQUESTS = "genesyscloud_app_client_organization_last_day_requests" ["client_id", "customer_organization_id"] "requests" folding ["customer_organization_id"];

    /// Requests per minute that the vendor allows, by the full key of the limit.
    /// From GET /api/v2/organizations/limits/namespaces/platform.api (field value of the keys that end in .rate.per.minute); cached, read again once per collector refresh.
    RATE_LIMIT_REQUESTS_PER_MINUTE = "genesyscloud_rate_limit_requests_per_minute" ["limit"] "requests";

    /// OAuth clients of the organization; the value is always 1. Join on client_id for the current name.
    /// From GET /api/v2/oauth/clients (fields id, name, authorizedGrantType, state); cached, read again once per collector refresh.
    OAUTH_CLIENT_INFO = "genesyscloud_oauth_client_info" ["client_id", "client_name", "grant_type", "state"] "";

    /// When the OAuth client was created, in seconds since the epoch.
    /// From GET /api/v2/oauth/clients (field dateCreated); cached.
    OAUTH_CLIENT_CREATED_TIMESTAMP = "genesyscloud_oauth_client_created_timestamp_seconds" ["client_id"] "seconds";

    /// When the OAuth client will be deleted, in seconds since the epoch; absent when no deletion is scheduled.
    /// From GET /api/v2/oauth/clients (field dateToDelete); cached.
    OAUTH_CLIENT_DELETION_TIMESTAMP = "genesyscloud_oauth_client_deletion_timestamp_seconds" ["client_id"] "seconds";

    /// Billable quantity of each charge (licences, devices, consumption) from the start of the billing period to the end of yesterday (UTC).
    /// From GET /api/v2/billing/reports/billableusage (field totalUsage), in the charge's own unit; cached, read again once per collector refresh.
    BILLABLE_USAGE_QUANTITY = "genesyscloud_billable_usage_quantity" ["charge"] "quantity";

    /// Number of resources (users, devices) behind the billable quantity of each charge; their names are never exported.
    /// From GET /api/v2/billing/reports/billableusage (length of the field resources); cached.
    BILLABLE_USAGE_RESOURCES = "genesyscloud_billable_usage_resources" ["charge"] "resources";

    /// API requests that the contract has been charged with so far in the billing period of yesterday, which is the open one from its second day on.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field actualQuantity of the API charge), a preview of the vendor; cached.
    BILLED_REQUESTS = "genesyscloud_api_billed_requests" [] "requests";

    /// Contracts of the organization; the value is always 1.
    /// From GET /api/v2/billing/contracts (fields id, status, commercialModel), a preview of the vendor; cached, read again once per collector refresh.
    CONTRACT_INFO = "genesyscloud_contract_info" ["contract_id", "status", "commercial_model"] "";

    /// First day (00:00 UTC) of the contract, in seconds since the epoch.
    /// From GET /api/v2/billing/contracts (field dateStart), a preview of the vendor; cached.
    CONTRACT_START_TIMESTAMP = "genesyscloud_contract_start_timestamp_seconds" ["contract_id"] "seconds";

    /// End (exclusive, the midnight after the last day, UTC) of the contract, in seconds since the epoch.
    /// From GET /api/v2/billing/contracts (field dateEnd), a preview of the vendor; cached.
    CONTRACT_END_TIMESTAMP = "genesyscloud_contract_end_timestamp_seconds" ["contract_id"] "seconds";

    /// End (exclusive, the midnight after the last day, UTC) of the contract's ramp period, in seconds since the epoch.
    /// From GET /api/v2/billing/contracts (field dateRampEnd), a preview of the vendor; cached.
    CONTRACT_RAMP_END_TIMESTAMP = "genesyscloud_contract_ramp_end_timestamp_seconds" ["contract_id"] "seconds";

    /// Quantity that the contract commits to, by item of its plans, in the unit of the label; never add different units.
    /// From GET /api/v2/billing/contracts/{contractId} (field quantity of plans.items), a preview of the vendor; cached.
    CONTRACT_COMMITTED_QUANTITY = "genesyscloud_contract_committed_quantity" ["contract_id", "item", "sku", "unit"] "quantity";

    /// Price of one unit of a plan item, before tax, in the currency of the label; never add different currencies.
    /// From GET /api/v2/billing/contracts/{contractId} (field price of plans.items), a preview of the vendor; cached.
    CONTRACT_UNIT_PRICE = "genesyscloud_contract_unit_price_amount" ["contract_id", "item", "sku", "unit", "currency"] "currency";

    /// Whether the billing period is open (1) or closed (0); the open one and the last closed one are told.
    /// From GET /api/v2/billing/contracts/{contractId} (field status of billingPeriods), a preview of the vendor; cached.
    BILLING_PERIOD_OPEN = "genesyscloud_billing_period_open" ["contract_id", "period_start"] "";

    /// Quantity of a charge that was paid in advance for the billing period, in the unit of the label; never add different units.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field prepaidQuantity), a preview of the vendor; cached.
    BILLING_PREPAID_QUANTITY = "genesyscloud_billing_prepaid_quantity" ["contract_id", "charge", "sku", "unit", "period_start"] "quantity";

    /// Quantity of a charge that fair use includes in the billing period, in the unit of the label; never add different units.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field fairuseQuantity), a preview of the vendor; cached.
    BILLING_FAIR_USE_QUANTITY = "genesyscloud_billing_fair_use_quantity" ["contract_id", "charge", "sku", "unit", "period_start"] "quantity";

    /// Quantity of a charge that was used in the billing period so far, in the unit of the label; never add different units.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field actualQuantity), a preview of the vendor; cached.
    BILLING_USED_QUANTITY = "genesyscloud_billing_used_quantity" ["contract_id", "charge", "sku", "unit", "period_start"] "quantity";

    /// Quantity of a charge beyond what is paid in advance and included, in the unit of the label; never add different units.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field overageQuantity), a preview of the vendor; cached.
    BILLING_OVERAGE_QUANTITY = "genesyscloud_billing_overage_quantity" ["contract_id", "charge", "sku", "unit", "period_start"] "quantity";

    /// Tokens that the use of a charge was converted to.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field convertedTokenCount), a preview of the vendor; cached.
    BILLING_CONVERTED_TOKENS = "genesyscloud_billing_converted_tokens" ["contract_id", "charge", "sku", "unit", "period_start"] "tokens";

    /// Cost of a charge's overage in the billing period so far, before tax, in the currency of the label; never add different currencies.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field overageCharge), a preview of the vendor; cached.
    BILLING_OVERAGE_AMOUNT = "genesyscloud_billing_overage_amount" ["contract_id", "charge", "sku", "period_start", "currency"] "currency";

    /// Balance of a wallet at the start of the billing period, in the unit of the label.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field startingBalance of wallets), a preview of the vendor; cached.
    WALLET_STARTING_BALANCE = "genesyscloud_wallet_starting_balance" ["contract_id", "wallet", "unit", "period_start"] "quantity";

    /// Balance of a wallet now, or at the end of a closed billing period, in the unit of the label.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field endingBalance of wallets), a preview of the vendor; cached.
    WALLET_ENDING_BALANCE = "genesyscloud_wallet_ending_balance" ["contract_id", "wallet", "unit", "period_start"] "quantity";

    /// What was taken from a wallet in the billing period so far, in the unit of the label.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field balanceConsumption of wallets), a preview of the vendor; cached.
    WALLET_CONSUMED_QUANTITY = "genesyscloud_wallet_consumed_quantity" ["contract_id", "wallet", "unit", "period_start"] "quantity";

    /// Cost of what was used beyond a wallet's balance in the billing period so far, before tax, in the currency of the label; never add different currencies.
    /// From GET /api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId} (field balanceOverageCharge of wallets), a preview of the vendor; cached.
    WALLET_OVERAGE_AMOUNT = "genesyscloud_wallet_overage_amount" ["contract_id", "wallet", "period_start", "currency"] "currency";

    /// Number of invoices of the configured months, by currency and payment status.
    /// From GET /api/v2/billing/contracts/invoices (field paymentStatus), a preview of the vendor; cached, read again once per collector refresh.
    INVOICES = "genesyscloud_invoices" ["currency", "payment_status"] "invoices";

    /// Amount of the invoices of a month, in the currency of the label; never add different currencies.
    /// From GET /api/v2/billing/contracts/invoices (fields amount, dateInvoiced), a preview of the vendor; cached.
    INVOICES_AMOUNT = "genesyscloud_invoices_amount" ["currency", "payment_status", "invoice_month"] "currency";

    /// Day (00:00 UTC) of the oldest unpaid invoice of the configured months, in seconds since the epoch; absent when none is unpaid.
    /// From GET /api/v2/billing/contracts/invoices (fields dateInvoiced, paymentStatus), a preview of the vendor; cached.
    INVOICE_OLDEST_UNPAID_TIMESTAMP = "genesyscloud_invoice_oldest_unpaid_timestamp_seconds" [] "seconds";

    /// Quantity that a customer used in its open billing period, as its partner sees it, in the unit of the label; grouping keeps what is included apart from what was used.
    /// From GET /api/v2/billing/trusteebillingoverview/{trustorOrgId} (field usageQuantity); cached, read again once per collector refresh.
    TRUSTEE_USAGE_QUANTITY = "genesyscloud_trustee_usage_quantity" ["customer", "part_number", "product", "grouping", "unit"] "quantity";

    /// Quantity that a customer has paid in advance for its open billing period, as its partner sees it, in the unit of the label.
    /// From GET /api/v2/billing/trusteebillingoverview/{trustorOrgId} (field prepayQuantity); cached.
    TRUSTEE_PREPAID_QUANTITY = "genesyscloud_trustee_prepaid_quantity" ["customer", "part_number", "product", "grouping", "unit"] "quantity";

    /// Price of one unit beyond what a customer has paid in advance, before tax, in the currency of the label; never add different currencies.
    /// From GET /api/v2/billing/trusteebillingoverview/{trustorOrgId} (field overagePrice); cached.
    TRUSTEE_OVERAGE_UNIT_PRICE = "genesyscloud_trustee_overage_unit_price_amount" ["customer", "part_number", "product", "grouping", "unit", "currency"] "currency";

    /// Price of one unit that a customer pays in advance, before tax, in the currency of the label; never add different currencies.
    /// From GET /api/v2/billing/trusteebillingoverview/{trustorOrgId} (field prepayPrice); cached.
    TRUSTEE_PREPAY_UNIT_PRICE = "genesyscloud_trustee_prepay_unit_price_amount" ["customer", "part_number", "product", "grouping", "unit", "currency"] "currency";

    /// Least amount that a customer pays in a month, before tax, in the currency of the label; never add different currencies.
    /// From GET /api/v2/billing/trusteebillingoverview/{trustorOrgId} (field minimumMonthlyAmount); cached.
    TRUSTEE_MINIMUM_MONTHLY_AMOUNT = "genesyscloud_trustee_minimum_monthly_amount" ["customer", "currency"] "currency";

    /// A customer's subscription; the value is always 1.
    /// From GET /api/v2/billing/trusteebillingoverview/{trustorOrgId} (fields subscriptionType, inRampPeriod); cached.
    TRUSTEE_SUBSCRIPTION_INFO = "genesyscloud_trustee_subscription_info" ["customer", "subscription_type", "in_ramp_period"] "";

    /// End (exclusive, UTC) of a customer's contract, in seconds since the epoch.
    /// From GET /api/v2/billing/trusteebillingoverview/{trustorOrgId} (field contractEndDate); cached.
    TRUSTEE_CONTRACT_END_TIMESTAMP = "genesyscloud_trustee_contract_end_timestamp_seconds" ["customer"] "seconds";
}
