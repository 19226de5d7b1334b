//! The vendor's own clients talk to the simulator: what they read is what plain HTTP reads.
//!
//! `make prepare` installs them below `target/sdk`; without them, Node or Python a test is skipped.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, one that is skipped says so, and its figures are whole numbers"
)]

mod support;

use std::path::Path;
use std::process::Stdio;

use ccaas_exporter::simulator::{CLIENT_SECRET, Options, Simulator};
use serde_json::{Value, json};
use support::{Vendor, fixed_clock};

const INTERVAL: &str = "2026-11-13T00:00:00Z/2026-11-20T00:00:00Z";

/// The simulator, and what a script needs to know of it.
struct Stage {
    vendor: Vendor,
    customer: String,
}

impl Stage {
    async fn start() -> Self {
        let simulator =
            Simulator::new(Options { requests_per_minute: 100_000, ..Options::new(fixed_clock()) });
        let customer = simulator.customer_ids().remove(0);
        Self { vendor: Vendor::start(simulator, "127.0.0.1:0").await, customer }
    }

    /// What a script says; nothing when its program or its packages are not there.
    async fn script(&self, program: &str, script: &str, packages: (&str, &str, &str)) -> Option<Value> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (variable, installed, folder) = packages;
        if !root.join(installed).exists() {
            eprintln!("skipped: no {installed}; `make prepare` installs the vendor's client");
            return None;
        }
        let (_, port) = self.vendor.address.rsplit_once(':').unwrap();
        let child = tokio::process::Command::new(program)
            .arg(root.join(script))
            .env(variable, root.join(folder))
            .env("NO_PROXY", "127.0.0.1")
            .env("SIMULATOR_PORT", port)
            .env("SIMULATOR_SECRET", CLIENT_SECRET)
            .env("CUSTOMER", &self.customer)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = match tokio::time::timeout(support::DEADLINE, child).await.expect("the script ends") {
            Ok(output) => output,
            Err(error) => {
                eprintln!("skipped: {program} cannot be run: {error}");
                return None;
            }
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}")))
    }

    /// The same by plain HTTP.
    async fn plain(&self) -> Value {
        let demo = Plain::log_in(self.vendor.url(), "demo").await;
        let clients = demo.get("/api/v2/oauth/clients").await;
        let app =
            clients["entities"].as_array().unwrap().iter().find(|client| client["name"] == "crm-connector");
        let app = app.unwrap()["id"].as_str().unwrap().to_owned();
        let interval = json!({ "interval": INTERVAL });
        let legacy = demo.execution("/api/v2/usage/query", &interval).await;
        let search = json!({ "interval": INTERVAL, "metrics": ["ClientName", "Status200"] });
        let search = demo.execution("/api/v2/usage/simplesearch", &search).await;
        let summary = demo.get(&format!("/api/v2/oauth/clients/{app}/usage/summary")).await;
        let summary = demo.done(summary["resultsUri"].as_str().unwrap()).await;
        let own = demo.execution(&format!("/api/v2/oauth/clients/{app}/usage/query"), &interval).await;
        let job = json!({ "interval": INTERVAL, "groupBy": ["OauthClientId"] });
        let job = demo.execution("/api/v2/usage/aggregates/query/jobs", &job).await;
        let owner = json!({ "interval": INTERVAL, "groupBy": ["OrganizationId"] });
        let owner =
            demo.execution(&format!("/api/v2/usage/client/{app}/aggregates/query/jobs"), &owner).await;
        let definitions = demo.get("/api/v2/usage/events/definitions").await;
        let events = demo.post("/api/v2/usage/events/query?pageSize=200", &interval).await;
        let counts = demo.post("/api/v2/usage/events/aggregates/query", &interval).await;
        let limits = json!({ "interval": INTERVAL, "metrics": ["oRateLimitRecorded"] });
        let limits = demo.post("/api/v2/analytics/ratelimits/aggregates/query", &limits).await;
        let report = "/api/v2/billing/reports/billableusage?startDate=2026-10-21T00:00:00Z&endDate=2026-11-21T00:00:00Z";
        let report = demo.done(report).await;
        let contracts = "/api/v2/billing/contracts";
        let contract = demo.get(contracts).await["entities"][0].clone();
        let (id, period) = (&contract["id"], &contract["billingPeriods"][1]["id"]);
        let period =
            format!("{contracts}/{}/billingperiods/{}", id.as_str().unwrap(), period.as_str().unwrap());
        let period = demo.get(&period).await;
        let unpaid = demo.get(&format!("{contracts}/invoices?paymentStatus=UnPaid")).await;
        let invoice = unpaid["entities"][0]["id"].as_str().unwrap();
        let lines = demo.get(&format!("{contracts}/invoices/{invoice}/lines")).await;
        let partner = Plain::log_in(self.vendor.url(), "demo-partner").await;
        let overview =
            partner.get(&format!("/api/v2/billing/trusteebillingoverview/{}", self.customer)).await;
        let limited = demo.get("/api/v2/organizations/limits/namespaces/platform.api").await;
        json!({
            "organization": demo.get("/api/v2/organizations/me").await["id"],
            "client": demo.get("/api/v2/tokens/me").await["OAuthClient"]["id"],
            "limits": count(&limited["entities"]),
            "clients": count(&clients["entities"]),
            "legacyRequests": sum(&legacy["results"], "requests"),
            "searchedSuccesses": sum(&search["results"], "status200"),
            "summaryRequests": sum(&summary["results"], "requests"),
            "clientRequests": sum(&own["results"], "requests"),
            "jobRequests": sum(&job["entities"], "requestCount"),
            "ownerRequests": sum(&owner["entities"], "requestCount"),
            "ownerOrganizations": count(&owner["entities"]),
            "event": definitions["entities"][0]["name"],
            "events": count(&events["entities"]),
            "eventCount": sum(&counts["eventDefinitionAggregates"], "eventCount"),
            "limitRecords": limits["results"][0]["data"][0]["metrics"][0]["stats"]["count"],
            "billable": report["usages"][0]["totalUsage"],
            "contract": contract["externalNumber"],
            "charged": period["charges"][0]["actualQuantity"],
            "unpaid": unpaid["entities"].as_array().unwrap().iter().map(|invoice| &invoice["dateInvoiced"]).collect::<Vec<_>>(),
            "lines": count(&lines["entities"]),
            "overviewUsage": overview["usages"][0]["usageQuantity"],
        })
    }
}

/// A client that knows nothing of the vendor.
struct Plain {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Plain {
    async fn log_in(url: String, client_id: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.post(format!("{url}/oauth/token")).form(&[("grant_type", "client_credentials")]);
        let answer = request.basic_auth(client_id, Some(CLIENT_SECRET)).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        Self { http, url, token: answer["access_token"].as_str().unwrap().to_owned() }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// Starts a query or job, and waits for its result.
    async fn execution(&self, path: &str, body: &Value) -> Value {
        let started = self.post(path, body).await;
        self.done(started["resultsUri"].as_str().unwrap()).await
    }

    async fn done(&self, path: &str) -> Value {
        loop {
            let answer = self.get(path).await;
            let status = answer["queryStatus"].as_str().or(answer["status"].as_str()).unwrap();
            if !["Queued", "Running", "InProgress"].contains(&status) {
                return answer;
            }
        }
    }
}

fn count(list: &Value) -> usize {
    list.as_array().unwrap().len()
}

fn sum(rows: &Value, key: &str) -> u64 {
    rows.as_array().unwrap().iter().map(|row| row[key].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn the_javascript_client_reads_what_plain_http_reads() {
    let stage = Stage::start().await;
    let packages = ("NODE_PATH", "target/sdk/node/.installed", "target/sdk/node/node_modules");
    if let Some(said) = stage.script("node", "tests/sdk/genesys_cloud.cjs", packages).await {
        assert_eq!(said, stage.plain().await);
    }
}

#[tokio::test]
async fn the_python_client_reads_what_plain_http_reads() {
    let stage = Stage::start().await;
    let packages = ("PYTHONPATH", "target/sdk/python/.installed", "target/sdk/python");
    if let Some(said) = stage.script("python3", "tests/sdk/genesys_cloud.py", packages).await {
        assert_eq!(said, stage.plain().await);
    }
}
