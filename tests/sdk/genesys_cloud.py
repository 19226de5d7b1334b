"""Asks the simulator with the vendor's own Python SDK, and prints what it says as one JSON object.

The keys are those of tests/sdk.rs.
"""

import json
import os
import sys
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

import PureCloudPlatformClientV2 as sdk

INTERVAL = "2026-11-13T00:00:00Z/2026-11-20T00:00:00Z"


def log_in(client_id):
    """A client that talks to the simulator instead of the vendor's hosts."""
    client = sdk.api_client.ApiClient()
    client.set_gateway("127.0.0.1", "http", int(os.environ["SIMULATOR_PORT"]), None, None)
    return client.get_client_credentials_token(client_id, os.environ["SIMULATOR_SECRET"])


def query(kind, **fields):
    """A request body of the SDK."""
    body = kind()
    body.interval = INTERVAL
    for name, value in fields.items():
        setattr(body, name, value)
    return body


def done(poll):
    """Polls until the work is done; the simulator counts polls, so there is no need to wait."""
    while True:
        answer = poll()
        status = getattr(answer, "query_status", None) or answer.status
        if status in ("Complete", "Succeeded"):
            return answer
        if status not in ("Queued", "Running", "InProgress"):
            sys.exit(f"the query ended as {status}")


def rows_of(page):
    """All rows of a job: the cursor stands in the link to the next page."""
    rows, cursor = [], {}
    while True:
        answer = done(lambda: page(page_size=50, **cursor))
        rows += answer.entities
        if not answer.next_uri:
            return rows
        cursor = {"after": parse_qs(urlsplit(answer.next_uri).query)["after"][0]}


def total(rows, name):
    return sum(getattr(row, name) for row in rows)


def main():
    client = log_in("demo")
    usage = sdk.UsageApi(client)
    billing = sdk.BillingApi(client)
    events = sdk.OperationalEventsApi(client)
    organizations = sdk.OrganizationApi(client)

    organization = organizations.get_organizations_me()
    token = sdk.TokensApi(client).get_tokens_me()
    limits = organizations.get_organizations_limits_namespace("platform.api")
    clients = sdk.OAuthApi(client).get_oauth_clients()
    app = next(entity.id for entity in clients.entities if entity.name == "crm-connector")

    execution = usage.post_usage_query(query(sdk.ApiUsageOrganizationQuery))
    legacy = done(lambda: usage.get_usage_query_execution_id_results(execution.execution_id))
    search = usage.post_usage_simplesearch(
        query(sdk.ApiUsageSimpleSearch, metrics=["ClientName", "Status200"])
    )
    found = done(
        lambda: usage.get_usage_simplesearch_execution_id_results(search.execution_id, page_size=1000)
    )
    summary = usage.get_oauth_client_usage_summary(app, days="7")
    summed = done(lambda: usage.get_oauth_client_usage_query_result(summary.execution_id, app))
    own = usage.post_oauth_client_usage_query(app, query(sdk.ApiUsageClientQuery))
    of_client = done(lambda: usage.get_oauth_client_usage_query_result(own.execution_id, app))
    job = usage.post_usage_aggregates_query_jobs(
        query(sdk.OrganizationPublicApiUsageQueryRequest, group_by=["OauthClientId", "HttpMethod"])
    )
    rows = rows_of(lambda **page: usage.get_usage_aggregates_query_job(job.id, **page))
    owner_job = usage.post_usage_client_client_id_aggregates_query_jobs(
        app, query(sdk.ClientPublicApiUsageQueryRequest, group_by=["OrganizationId"])
    )
    owner_rows = rows_of(
        lambda **page: usage.get_usage_client_client_id_aggregates_query_job(app, owner_job.id, **page)
    )

    definitions = events.get_usage_events_definitions()
    definition = events.get_usage_events_definition(definitions.entities[0].id)
    happened = events.post_usage_events_query(body=query(sdk.EventQueryRequest), page_size="200")
    counted = events.post_usage_events_aggregates_query(body=query(sdk.EventAggregatesQueryRequest))
    limited = sdk.AnalyticsApi(client).post_analytics_ratelimits_aggregates_query(
        query(sdk.RateLimitAggregationQuery, metrics=["oRateLimitRecorded"])
    )

    start = datetime(2026, 10, 21, tzinfo=timezone.utc)
    end = datetime(2026, 11, 21, tzinfo=timezone.utc)
    report = done(lambda: billing.get_billing_reports_billableusage(start, end))
    contracts = billing.get_billing_contracts()
    contract = billing.get_billing_contract(contracts.entities[0].id)
    period = billing.get_billing_contract_billingperiod(contract.id, contract.billing_periods[1].id)
    invoices = billing.get_billing_contracts_invoices(page_size="200", payment_status="UnPaid")
    lines = billing.get_billing_contracts_invoice_lines(invoices.entities[0].id)

    partner = sdk.BillingApi(log_in("demo-partner"))
    overview = partner.get_billing_trusteebillingoverview_trustor_org_id(os.environ["CUSTOMER"])

    return {
        "organization": organization.id,
        "client": token.o_auth_client.id,
        "limits": len(limits.entities),
        "clients": len(clients.entities),
        "legacyRequests": total(legacy.results, "requests"),
        "searchedSuccesses": total(found.results, "status200"),
        "summaryRequests": total(summed.results, "requests"),
        "clientRequests": total(of_client.results, "requests"),
        "jobRequests": total(rows, "request_count"),
        "ownerRequests": total(owner_rows, "request_count"),
        "ownerOrganizations": len(owner_rows),
        "event": definition.name,
        "events": len(happened.entities),
        "eventCount": total(counted.event_definition_aggregates, "event_count"),
        "limitRecords": limited.results[0].data[0].metrics[0].stats.count,
        "billable": report.usages[0].total_usage,
        "contract": contract.external_number,
        "charged": round(period.charges[0].actual_quantity),
        "unpaid": [invoice.date_invoiced.isoformat() for invoice in invoices.entities],
        "lines": len(lines.entities),
        "overviewUsage": overview.usages[0].usage_quantity,
    }


print(json.dumps(main()), flush=True)
# The SDK watches its configuration file, which would keep the program alive.
os._exit(0)
