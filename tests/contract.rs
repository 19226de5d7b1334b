//! The simulator against the vendors' descriptions: every answer has the shape of its status.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::BTreeMap;

use ccaas_exporter::simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;
use support::contract::Contract;
use support::{Vendor, fixed_clock, scenario};

/// A request of a `.calls.yml` file. Those of a file are made in their order, each with a token of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    /// The `operationId` that it stands for.
    operation: String,
    /// The path and query to GET. `{name}` is what an earlier call kept; `{customer0}` and `{customer1}` are
    /// those of the partner.
    get: Option<String>,
    /// The path and query to POST to.
    post: Option<String>,
    /// The JSON to post.
    body: Option<Value>,
    /// The form to post, with the client's credentials instead of a token.
    form: Option<String>,
    #[serde(default = "demo")]
    client: String,
    /// The scopes of the token; when it is left out, all.
    #[serde(default)]
    scope: String,
    /// The fault that hits the call, as a scenario has it.
    fault: Option<String>,
    /// The statuses that are right.
    status: Vec<u16>,
    /// Names of texts in the answer's body, and their JSON pointers.
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

fn demo() -> String {
    CLIENT_ID.to_owned()
}

/// The simulator, asked from outside.
struct Bench {
    simulator: Simulator,
    url: String,
    http: reqwest::Client,
    kept: BTreeMap<String, String>,
}

impl Bench {
    async fn make(&mut self, call: &Call) -> (u16, String) {
        let (method, path) = match (&call.get, &call.post) {
            (Some(path), None) => (Method::GET, path),
            (None, Some(path)) => (Method::POST, path),
            _ => panic!("{}: either get or post", call.operation),
        };
        let fill = |text: &str| {
            self.kept
                .iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
        };
        let request = self.http.request(method, format!("{}{}", self.url, fill(path)));
        let request = match &call.form {
            Some(form) => request
                .basic_auth(&call.client, Some(CLIENT_SECRET))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone()),
            None => request.bearer_auth(self.token(call).await),
        };
        let request = match &call.body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(fill(&body.to_string())),
            None => request,
        };
        let faults = call.fault.as_ref().map_or_else(
            || "faults: []".to_owned(),
            |fault| format!("faults: [{{operation: '*', times: 1, fault: {fault}}}]"),
        );
        self.simulator.set_scenario(scenario(&faults));
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
        let parsed: Value = serde_json::from_str(&body).unwrap_or_default();
        for (name, place) in &call.keep {
            let text = parsed.pointer(place).and_then(Value::as_str);
            let text = text.unwrap_or_else(|| panic!("{}: no text at {place}: {body}", call.operation));
            self.kept.insert(name.clone(), text.to_owned());
        }
        (status, body)
    }

    async fn token(&self, call: &Call) -> String {
        let form = [("grant_type", "client_credentials"), ("scope", call.scope.as_str())];
        let request = self.http.post(format!("{}/oauth/token", self.url)).form(&form);
        let answer = request.basic_auth(&call.client, Some(CLIENT_SECRET)).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }
}

/// Makes every call; returns what is wrong, and which operations of the document never succeeded.
async fn play(document: &str, calls: &str) -> (Vec<String>, Vec<String>) {
    let options = Options {
        requests_per_minute: 100_000,
        talkdesk_requests_per_second: 100_000,
        ..Options::new(fixed_clock())
    };
    let simulator = Simulator::new(options);
    let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    // The customers of a partner stand in no answer.
    let customers = simulator.customer_ids().into_iter().enumerate();
    let kept = customers.map(|(index, id)| (format!("customer{index}"), id)).collect();
    let mut bench = Bench { simulator, url: vendor.url(), http, kept };
    let mut contract = Contract::parse(document);
    let mut wrong = Vec::new();
    for call in serde_saphyr::from_str::<Vec<Call>>(calls).unwrap() {
        let (status, body) = bench.make(&call).await;
        let place = call.get.as_ref().or(call.post.as_ref()).unwrap();
        if !call.status.contains(&status) {
            wrong.push(format!("{place}: {status} instead of {:?}: {body}", call.status));
        }
        let violations = contract.violations(&call.operation, status, &body);
        wrong.extend(violations.into_iter().map(|why| format!("{place}: {why}")));
    }
    vendor.stop().await;
    (wrong, contract.unproven().into_iter().map(str::to_owned).collect())
}

/// A test for each vendor: its document, and the calls that belong to it.
macro_rules! vendors {
    ($($name:ident: $document:literal, $calls:literal;)+) => {$(
        #[tokio::test]
        async fn $name() {
            let (wrong, unproven) = play(include_str!($document), include_str!($calls)).await;
            assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
            assert!(unproven.is_empty(), "no call proves {}", unproven.join(", "));
        }
    )+};
}

vendors! {
    genesys_cloud_answers_as_described: "contract/genesys-cloud.openapi.yaml", "contract/genesys-cloud.calls.yml";
    talkdesk_answers_as_described: "contract/talkdesk.openapi.yaml", "contract/talkdesk.calls.yml";
}

const DOCUMENT: &str = r##"
paths:
  /things:
    get:
      operationId: listThings
      responses:
        "200":
          content:
            application/json:
              schema:
                allOf:
                  - {$ref: "#/components/schemas/Page"}
                  - {type: object, properties: {things: {type: array, items: {$ref: "#/components/schemas/Thing"}}}}
        4XX: {$ref: "#/components/responses/Error"}
    post:
      operationId: makeThing
      responses:
        "204": {description: nothing to say}
components:
  responses:
    Error:
      content: {application/json: {schema: {type: object, required: [code], properties: {code: {type: string}}}}}
  schemas:
    Page: {type: object, required: [page], properties: {page: {type: integer}}}
    Thing:
      type: object
      nullable: true
      properties:
        name: {type: string, nullable: true}
        day: {type: string, format: date}
        state: {type: string, enum: [new, old], nullable: true}
        parent: {nullable: true, allOf: [{$ref: "#/components/schemas/Thing"}]}
"##;

#[test]
fn answers_as_described_have_no_violations() {
    let mut contract = Contract::parse(DOCUMENT);
    for (status, body) in [
        (200, r#"{"page": 1}"#),
        (
            200,
            r#"{"page": 1, "things": [null, {"name": null, "state": null, "parent": null, "unknown": 1}]}"#,
        ),
        (200, r#"{"page": 1, "things": [{"day": "2026-11-21", "state": "old", "parent": {"name": "x"}}]}"#),
        (404, r#"{"code": "not.found"}"#),
    ] {
        assert_eq!(contract.violations("listThings", status, body), [""; 0], "{body}");
    }
}

#[test]
fn planted_violations_are_named() {
    let mut contract = Contract::parse(DOCUMENT);
    for (operation, status, body, expected) in [
        ("listThings", 200, r#"{"page": "1"}"#, "/page"),
        ("listThings", 200, "{}", "\"page\" is a required property"),
        ("listThings", 200, r#"{"page": 1, "things": [{"name": 5}]}"#, "/things/0/name"),
        ("listThings", 200, r#"{"page": 1, "things": [{"day": "21 November"}]}"#, "/things/0/day"),
        ("listThings", 200, r#"{"page": 1, "things": [{"state": "NEW"}]}"#, "/things/0/state"),
        ("listThings", 200, r#"{"page": 1, "things": [{"parent": {"name": 5}}]}"#, "/things/0/parent"),
        ("listThings", 200, r#"{"page": 1, "things": [{"day": null}]}"#, "/things/0/day"),
        ("listThings", 200, "<html>", "not JSON"),
        ("listThings", 400, r#"{"message": "no"}"#, "\"code\" is a required property"),
        ("listThings", 500, "{}", "the status is not described"),
        ("makeThing", 204, "{}", "no body is described"),
        ("eatThing", 200, "{}", "the operation is not described"),
    ] {
        let violations = contract.violations(operation, status, body).join("\n");
        assert!(violations.contains(expected), "{operation} {status} {body}\n{violations}");
    }
}

#[test]
fn only_a_success_as_described_proves_an_operation() {
    let mut contract = Contract::parse(DOCUMENT);
    contract.violations("listThings", 404, r#"{"code": "not.found"}"#);
    contract.violations("listThings", 200, "{}");
    assert_eq!(contract.unproven(), ["listThings", "makeThing"]);
    contract.violations("listThings", 200, r#"{"page": 1}"#);
    assert_eq!(contract.unproven(), ["makeThing"]);
}
