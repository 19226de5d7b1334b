//! Everything that can be asked: the operations of the vendor's description, and what answers them.

use axum::routing::MethodFilter;

use super::billing::{contracts, invoices, report, trustee};
use super::{Handler, directory, events, jobs, legacy, rate_limits, search};
use crate::simulator::exchange::Operation;

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;

const fn api(
    id: &'static str,
    method: MethodFilter,
    path: &'static str,
    handler: Handler,
) -> Operation<Handler> {
    Operation { id, method, path, handler }
}

pub(super) const OPERATIONS: &[Operation<Handler>] = &[
    api("postUsageQuery", POST, "/api/v2/usage/query", legacy::start_query),
    api("getUsageQueryResults", GET, "/api/v2/usage/query/{executionId}/results", legacy::query_results),
    api("postUsageSimpleSearch", POST, "/api/v2/usage/simplesearch", search::start),
    api(
        "getUsageSimpleSearchResults",
        GET,
        "/api/v2/usage/simplesearch/{executionId}/results",
        search::results,
    ),
    api(
        "getClientUsageSummary",
        GET,
        "/api/v2/oauth/clients/{clientId}/usage/summary",
        legacy::start_summary,
    ),
    api(
        "postClientUsageQuery",
        POST,
        "/api/v2/oauth/clients/{clientId}/usage/query",
        legacy::start_client_query,
    ),
    api(
        "getClientUsageQueryResults",
        GET,
        "/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}",
        legacy::client_results,
    ),
    api("postUsageAggregatesJob", POST, "/api/v2/usage/aggregates/query/jobs", jobs::start),
    api("getUsageAggregatesJob", GET, "/api/v2/usage/aggregates/query/jobs/{jobId}", jobs::results),
    api(
        "postClientUsageAggregatesJob",
        POST,
        "/api/v2/usage/client/{clientId}/aggregates/query/jobs",
        jobs::start_of_client,
    ),
    api(
        "getClientUsageAggregatesJob",
        GET,
        "/api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}",
        jobs::results_of_client,
    ),
    api("getEventDefinitions", GET, "/api/v2/usage/events/definitions", events::definitions),
    api(
        "getEventDefinition",
        GET,
        "/api/v2/usage/events/definitions/{eventDefinitionId}",
        events::definition,
    ),
    api("queryEvents", POST, "/api/v2/usage/events/query", events::query),
    api("queryEventAggregates", POST, "/api/v2/usage/events/aggregates/query", events::aggregates),
    api("getBillableUsage", GET, "/api/v2/billing/reports/billableusage", report::billable_usage),
    api(
        "getTrusteeBillingOverview",
        GET,
        "/api/v2/billing/trusteebillingoverview/{trustorOrgId}",
        trustee::overview,
    ),
    api("listContracts", GET, "/api/v2/billing/contracts", contracts::list),
    api("listInvoices", GET, "/api/v2/billing/contracts/invoices", invoices::list),
    api("listInvoiceLines", GET, "/api/v2/billing/contracts/invoices/{invoiceId}/lines", invoices::lines),
    api("getContract", GET, "/api/v2/billing/contracts/{contractId}", contracts::contract),
    api(
        "getBillingPeriod",
        GET,
        "/api/v2/billing/contracts/{contractId}/billingperiods/{billingPeriodId}",
        contracts::billing_period,
    ),
    api("listOAuthClients", GET, "/api/v2/oauth/clients", directory::clients),
    api("getOrganization", GET, "/api/v2/organizations/me", directory::organization),
    api("getTokenInfo", GET, "/api/v2/tokens/me", directory::token),
    api(
        "getEffectiveLimits",
        GET,
        "/api/v2/organizations/limits/namespaces/{namespaceName}",
        directory::limits,
    ),
    api(
        "queryRateLimitAggregates",
        POST,
        "/api/v2/analytics/ratelimits/aggregates/query",
        rate_limits::query,
    ),
];
