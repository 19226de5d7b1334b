//! A real browser: headless Chromium, driven through `chromedriver` by the few commands of `WebDriver` and of Chromium's own protocol
//! that the tests of the page need.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::DEADLINE;

/// Where `make prepare` puts the accessibility rules.
const AXE: &str = "target/sdk/axe/node_modules/axe-core/axe.min.js";

/// A height at which nothing depends on it.
const HEIGHT: u32 = 900;

pub struct Browser {
    http: reqwest::Client,
    session: String,
    /// The rules, as a script.
    axe: String,
    /// Chromium ends with its driver, which holds its pipe.
    _driver: Child,
}

/// What a test needs and is not there: it is skipped, but not where everything has to be.
fn missing(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what}: `make prepare` installs it");
    eprintln!("SKIPPED: {what}: `make prepare` installs it where it can");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Browser {
    /// A browser with an empty profile; `None` where there is none.
    pub async fn start() -> Option<Self> {
        Self::with_text_of(16).await
    }

    /// The same, of a person who wants text of that size.
    pub async fn with_text_of(pixels: u32) -> Option<Self> {
        let Ok(axe) = std::fs::read_to_string(root().join(AXE)) else {
            missing(&format!("no {AXE}"));
            return None;
        };
        let mut driver = Command::new("chromedriver");
        let driver = driver.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let Ok(mut driver) = driver.spawn() else {
            missing("no chromedriver");
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
        let port = async {
            loop {
                let line = lines.next_line().await.expect("text").expect("the driver tells its port");
                let port = line.rsplit_once("started successfully on port ");
                if let Some((_, port)) = port {
                    return port.trim_end_matches('.').to_owned();
                }
            }
        };
        let port = tokio::time::timeout(DEADLINE, port).await.expect("the driver starts");
        let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().expect("a client");
        // The page is our own, and containers do not allow a sandbox.
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
        ];
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {
                "args": arguments,
                "prefs": {"webkit.webprefs.default_font_size": pixels},
            },
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let driver_url = format!("http://127.0.0.1:{port}/session");
        let answer = call(http.post(&driver_url).json(&capabilities)).await;
        let Ok(answer) = answer else {
            missing(&format!("chromedriver cannot start a browser ({})", answer.unwrap_err()));
            return None;
        };
        let id = answer["sessionId"].as_str().expect("a session").to_owned();
        Some(Self { http, session: format!("{driver_url}/{id}"), axe, _driver: driver })
    }

    async fn post(&self, command: &str, body: Value) -> Value {
        let answer = call(self.http.post(format!("{}/{command}", self.session)).json(&body)).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// A screen of that width, with a person in front of it who likes it dark or not.
    pub async fn screen(&self, width: u32, is_dark: bool) {
        let screen = json!({"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        let scheme = if is_dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Opens a page; returns when it is complete.
    pub async fn open(&self, url: &str) {
        self.post("url", json!({"url": url})).await;
    }

    /// The result of a script, which must be JSON.
    pub async fn run(&self, script: &str) -> Value {
        self.post("execute/sync", json!({"script": script, "args": []})).await
    }

    /// Types keys to whatever has the focus.
    pub async fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})))
            .collect();
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]});
        self.post("actions", actions).await;
    }

    /// What the accessibility rules complain of.
    pub async fn accessibility(&self) -> Vec<String> {
        let script = format!(
            "{}; const done = arguments[0]; axe.run({{preload: false, resultTypes: ['violations']}}).then(r => done(r.violations.flatMap(
             v => v.nodes.map(n => `${{v.impact}} ${{v.id}}: ${{n.target}} ${{n.failureSummary}}`))), e => done([String(e)]));",
            self.axe
        );
        let found = self.post("execute/async", json!({"script": script, "args": []})).await;
        found.as_array().expect("a list").iter().map(|text| text.as_str().expect("text").to_owned()).collect()
    }

    /// Saves a picture of the page, down to that height at the most, in a folder of the project.
    pub async fn photograph(&self, folder: &str, name: &str, height: f64) {
        let size = self.devtools("Page.getLayoutMetrics", json!({})).await["cssContentSize"].clone();
        let height = size["height"].as_f64().expect("a height").min(height);
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1});
        let picture = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.devtools("Page.captureScreenshot", picture).await;
        let picture = STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("Base64");
        let folder = root().join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("can be written");
    }

    /// What the browser complained of since the last time: its console, among it what the policy forbids, answers that are errors,
    /// and requests to anybody else than `host`.
    pub async fn complaints(&self, host: &str) -> Vec<String> {
        let log = async |kind: &str| {
            let log = self.post("se/log", json!({"type": kind})).await;
            let entries = log.as_array().expect("a list").clone();
            entries
                .into_iter()
                .map(|entry| entry["message"].as_str().expect("text").to_owned())
                .collect::<Vec<_>>()
        };
        let mut complaints = log("browser").await;
        for event in log("performance").await {
            let event: Value = serde_json::from_str(&event).expect("JSON");
            let (method, parameters) = (&event["message"]["method"], &event["message"]["params"]);
            let url = |of: &str| parameters[of]["url"].as_str().unwrap_or_default().to_owned();
            match method.as_str().unwrap_or_default() {
                "Network.loadingFailed" => complaints.push(parameters.to_string()),
                "Network.responseReceived" if parameters["response"]["status"].as_u64() >= Some(400) => {
                    complaints.push(url("response"));
                }
                "Network.requestWillBeSent"
                    if url("request").starts_with("http") && !url("request").contains(host) =>
                {
                    complaints.push(url("request"));
                }
                _ => {}
            }
        }
        complaints
    }

    /// Ends the browser. One that a failed test leaves behind ends with its driver.
    pub async fn close(self) {
        let ended = self.http.delete(&self.session).timeout(Duration::from_secs(10)).send().await;
        assert!(ended.is_ok(), "the browser ends");
    }
}

/// The value that the driver answers with, else its complaint.
async fn call(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let is_good = answer.status().is_success();
    let mut answer: Value = answer.json().await.map_err(|error| error.to_string())?;
    let value = answer["value"].take();
    if is_good { Ok(value) } else { Err(value["message"].to_string()) }
}
