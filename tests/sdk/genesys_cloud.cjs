// Asks the simulator with the vendor's own JavaScript SDK, and prints what it says as one JSON object.
// The keys are those of tests/sdk.rs.

const fs = require('node:fs');
const sdk = require('purecloud-platform-client-v2');

const { SIMULATOR_PORT: port, SIMULATOR_SECRET: secret, CUSTOMER: customer } = process.env;
const interval = '2026-11-13T00:00:00Z/2026-11-20T00:00:00Z';
const client = sdk.ApiClient.instance;
client.setGateway({ host: '127.0.0.1', protocol: 'http', port: Number(port) });

const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0);

// Polls until the work is done; the simulator counts polls, so there is no need to wait.
async function done(poll) {
  for (;;) {
    const answer = await poll();
    const status = answer.queryStatus ?? answer.status;
    if (['Complete', 'Succeeded'].includes(status)) return answer;
    if (!['Queued', 'Running', 'InProgress'].includes(status)) throw new Error(`the query ended as ${status}`);
  }
}

// All rows of a job: the cursor stands in the link to the next page.
async function rowsOf(page) {
  const rows = [];
  let after;
  do {
    const answer = await done(() => page({ after, pageSize: 50 }));
    rows.push(...answer.entities);
    after = answer.nextUri && new URL(answer.nextUri, 'http://simulator').searchParams.get('after');
  } while (after);
  return rows;
}

async function main() {
  const usage = new sdk.UsageApi();
  const oauth = new sdk.OAuthApi();
  const billing = new sdk.BillingApi();
  const events = new sdk.OperationalEventsApi();
  const organizations = new sdk.OrganizationApi();

  await client.loginClientCredentialsGrant('demo', secret);
  const organization = await organizations.getOrganizationsMe();
  const token = await new sdk.TokensApi().getTokensMe();
  const limits = await organizations.getOrganizationsLimitsNamespace('platform.api');
  const clients = await oauth.getOauthClients();
  const app = clients.entities.find((entity) => entity.name === 'crm-connector').id;

  const query = await usage.postUsageQuery({ interval });
  const legacy = await done(() => usage.getUsageQueryExecutionIdResults(query.executionId));
  const search = await usage.postUsageSimplesearch({ interval, metrics: ['ClientName', 'Status200'] });
  const found = await done(() =>
    usage.getUsageSimplesearchExecutionIdResults(search.executionId, { pageSize: 1000 }));
  const summary = await usage.getOauthClientUsageSummary(app, { days: '7' });
  const summed = await done(() => usage.getOauthClientUsageQueryResult(summary.executionId, app));
  const own = await usage.postOauthClientUsageQuery(app, { interval });
  const ofClient = await done(() => usage.getOauthClientUsageQueryResult(own.executionId, app));
  const job = await usage.postUsageAggregatesQueryJobs({ interval, groupBy: ['OauthClientId', 'HttpMethod'] });
  const rows = await rowsOf((page) => usage.getUsageAggregatesQueryJob(job.id, page));
  const ownerJob = await usage.postUsageClientClientIdAggregatesQueryJobs(app, { interval, groupBy: ['OrganizationId'] });
  const ownerRows = await rowsOf((page) => usage.getUsageClientClientIdAggregatesQueryJob(app, ownerJob.id, page));

  const definitions = await events.getUsageEventsDefinitions();
  const definition = await events.getUsageEventsDefinition(definitions.entities[0].id);
  const happened = await events.postUsageEventsQuery({ body: { interval }, pageSize: '200' });
  const counted = await events.postUsageEventsAggregatesQuery({ body: { interval } });
  const limited = await new sdk.AnalyticsApi().postAnalyticsRatelimitsAggregatesQuery(
    { interval, metrics: ['oRateLimitRecorded'] });

  const report = await done(() => billing.getBillingReportsBillableusage(
    '2026-10-21T00:00:00.000Z', '2026-11-21T00:00:00.000Z'));
  const contracts = await billing.getBillingContracts();
  const contract = await billing.getBillingContract(contracts.entities[0].id);
  const period = await billing.getBillingContractBillingperiod(contract.id, contract.billingPeriods[1].id);
  const invoices = await billing.getBillingContractsInvoices({ pageSize: '200', paymentStatus: 'UnPaid' });
  const lines = await billing.getBillingContractsInvoiceLines(invoices.entities[0].id);

  await client.loginClientCredentialsGrant('demo-partner', secret);
  const overview = await billing.getBillingTrusteebillingoverviewTrustorOrgId(customer);

  return {
    organization: organization.id,
    client: token.OAuthClient.id,
    limits: limits.entities.length,
    clients: clients.entities.length,
    legacyRequests: sum(legacy.results, 'requests'),
    searchedSuccesses: sum(found.results, 'status200'),
    summaryRequests: sum(summed.results, 'requests'),
    clientRequests: sum(ofClient.results, 'requests'),
    jobRequests: sum(rows, 'requestCount'),
    ownerRequests: sum(ownerRows, 'requestCount'),
    ownerOrganizations: ownerRows.length,
    event: definition.name,
    events: happened.entities.length,
    eventCount: sum(counted.eventDefinitionAggregates, 'eventCount'),
    limitRecords: limited.results[0].data[0].metrics[0].stats.count,
    billable: report.usages[0].totalUsage,
    contract: contract.externalNumber,
    charged: period.charges[0].actualQuantity,
    unpaid: invoices.entities.map((invoice) => invoice.dateInvoiced),
    lines: lines.entities.length,
    overviewUsage: overview.usages[0].usageQuantity,
  };
}

main().then(
  (answer) => {
    fs.writeSync(1, JSON.stringify(answer));
    // The SDK watches its configuration file, which would keep the program alive.
    process.exit(0);
  },
  (error) => {
    fs.writeSync(2, `${error.stack ?? JSON.stringify(error)}\n`);
    process.exit(1);
  },
);
