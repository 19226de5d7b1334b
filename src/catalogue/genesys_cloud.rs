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
    /// Label source: anchor_day (configured) or calendar_month; cached with the usage figures.
    PERIOD_INFO = "genesyscloud_api_period_info" ["source"] "";

    /// API requests of one billing period that the fair-use policy includes.
    /// From the source that genesyscloud_api_allowance_info names; cached with the usage figures.
    ALLOWANCE_REQUESTS = "genesyscloud_api_allowance_requests" [] "requests";

    /// Where the allowance comes from; the value is always 1.
    /// Label source: licenses (configured licences times the requests each includes) or config (a configured number); cached with the usage figures.
    ALLOWANCE_INFO = "genesyscloud_api_allowance_info" ["source"] "";

    /// Price of one request beyond the allowance, before tax, in the currency of the label; never add different currencies.
    /// From the configuration (overage_unit_price); cached with the usage figures.
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
}
