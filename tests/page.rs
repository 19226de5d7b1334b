//! The status page of made-up fleets: what it shows, what can be asked of it, and what it never has.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ccaas_exporter::model::Reason;
use regex::Regex;
use support::gallery::{Condition, Gallery, LONG};
use support::served::Served;

/// What the server answers to a browser.
async fn get(served: &Served, path: &str) -> (u16, reqwest::header::HeaderMap, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("http://{}/{path}", served.address)).send().await.unwrap();
    (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
}

async fn page(served: &Served, query: &str) -> String {
    let (status, _, page) = get(served, query).await;
    assert_eq!(status, 200, "{query}");
    page
}

/// What a reader reads: the text without markup, with plain spaces.
fn text(page: &str) -> String {
    let style_and_tags = Regex::new("(?s)<title>.*?</title>|<[^>]*>").unwrap();
    let text = style_and_tags
        .replace_all(page, " ")
        .replace('\u{a0}', " ")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names in the list, in its order.
fn listed(page: &str) -> Vec<String> {
    let name = Regex::new(r#"role="rowheader" scope="row"><a href="[^"]*">([^<]*)</a>"#).unwrap();
    name.captures_iter(page).map(|found| found[1].to_owned()).collect()
}

#[tokio::test]
async fn the_front_page_tells_the_worst_first_and_few_organizations_at_once() {
    let served = Gallery::few().serve().await;
    let page = page(&served, "").await;
    assert_eq!(listed(&page), ["acme", LONG, "initech", "globex"]);
    let text = text(&page);
    for expected in [
        "4 organizations 1 collectors failing 1 allowance exceeded 1 will exceed allowance 1 collectors stale",
        // What is used, as a day and with its age.
        "10.7 M of 10.0 M (107 %), 160 % by forecast",
        "10 days to the end of 20 Nov read 40 min ago",
        "Over the allowance 6.00 M by forecast, about 3,000.00 USD",
        "Allowance from the contract",
        "Period 1 Nov to 30 Nov 2026 from the contract",
        "Daily mean 533 K over the last 7 days",
        "the allowance lasts for 333 K a day",
        "No allowance is known",
        "Spend in Nov 2026 so far",
        "69,136 USD",
        "70 % of Oct 2026, which had 98,765 USD; 103 % by forecast",
        // What is wrong and what to do.
        "The vendor refused the credentials. Check the client id",
        "the figures of the last success are still served",
        "2 of 8 failed",
        "40 min ago 2026-11-21 09:20:00 UTC",
        "estimates and not the invoice",
        "since this process started, or",
    ] {
        assert!(text.contains(expected), "{expected} is not in: {text}");
    }
    // Each number leads to those that it counts.
    for (state, expected) in
        [("exceeded", vec!["acme"]), ("forecast", vec![LONG]), ("over", vec!["acme", LONG])]
    {
        assert_eq!(listed(&self::page(&served, &format!("?state={state}")).await), expected, "{state}");
        assert_eq!(page.contains(&format!("href=\"?state={state}\"")), state != "over");
    }
    // The exact numbers, and the drawings in words.
    for expected in [
        r#"<data value="10666666" title="10,666,666">10.7"#,
        "107\u{a0}% of the allowance used, 160\u{a0}% by forecast at the end of the period",
        "8 runs, the newest on the right, 2 failed",
        "2026-11-21 09:20:00 UTC: failing (auth), 2.0\u{a0}s, 4 requests",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn one_organization_has_a_page_of_its_own_and_nobody_has_another() {
    let served = Gallery::many(30).serve().await;
    let page = page(&served, "?organization=customer-012").await;
    assert!(page.contains("<h1>customer-012</h1>") && page.contains("customer-012 · ccaas-exporter"));
    assert!(!page.contains("customer-011") && page.contains("<code>billable_usage</code>"));
    let (status, _, page) = get(&served, "?organization=nobody").await;
    assert_eq!(status, 404);
    assert!(text(&page).contains("None of the name nobody is configured. Show all organizations"));
}

#[tokio::test]
async fn the_list_is_narrowed_by_name_state_and_provider() {
    let served = Gallery::many(100).serve().await;
    let names = async |query: &str| listed(&page(&served, query).await);
    assert_eq!(names("?q=CUSTOMER-01").await.len(), 8);
    assert_eq!(names("?q=+r-06").await.len(), 8, "space around a name does not count");
    let failing = names("?state=failing").await;
    assert_eq!(failing.iter().collect::<BTreeSet<_>>().len(), 5);
    assert!(failing.iter().all(|name| name.ends_with('6')), "{failing:?}");
    assert_eq!(names("?state=stale").await.len(), 5 + 5, "those that fail have old figures, too");
    assert!(
        names("?state=over")
            .await
            .iter()
            .all(|name| name.ends_with("11") || name.ends_with("31") || name.ends_with('1'))
    );
    assert_eq!(names("?state=over").await.len(), 5);
    assert_eq!((names("?state=exceeded").await.len(), names("?state=forecast").await.len()), (0, 5));
    assert_eq!(names("?provider=talkdesk").await.len(), 5);
    assert!(names("?provider=talkdesk&state=failing").await.is_empty());

    // The form remembers, and its counts are honest.
    let page = page(&served, "?q=customer&state=failing&provider=genesys_cloud").await;
    assert!(page.contains(r#"value="customer""#) && page.contains(r#"<option value="failing" selected>"#));
    assert!(page.contains(r#"<option value="genesys_cloud" selected>Genesys Cloud</option>"#));
    assert!(text(&page).contains("5 of 100 organizations, the worst first"));
}

#[tokio::test]
async fn what_is_not_understood_is_harmless_and_nothing_is_echoed_raw() {
    let gallery = Gallery::few();
    gallery.genesys("<script>alert(1)</script>&\"'", Condition::Good, None);
    let served = gallery.serve().await;
    let attack = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%27%3Cimg%20src=x%3E";
    for query in [
        String::new(),
        format!("?q={attack}"),
        format!("?state={attack}&provider={attack}&page={attack}"),
        "?page=99999999999999999999&state=&provider=&q=%FF%00".to_owned(),
        "?&&==&organization".to_owned(),
        format!("?organization={attack}"),
        "?organization=%3Cscript%3Ealert(1)%3C/script%3E%26%22%27".to_owned(),
    ] {
        let (status, _, page) = get(&served, &query).await;
        assert!(status == 200 || query.contains("organization"), "{query}: {status}");
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("\"'<"), "{query}");
        assert_eq!(page.matches("<h1").count(), 1, "{query}");
    }
    let all = page(&served, "?page=7").await;
    assert_eq!(listed(&all).len(), 5, "there is no seventh page, so it is the last one");
}

#[tokio::test]
async fn two_hundred_organizations_come_in_pages_of_fifty() {
    let served = Gallery::many(200).serve().await;
    let mut names = BTreeSet::new();
    for number in 1..=4 {
        let page = page(&served, &format!("?page={number}")).await;
        assert!(text(&page).contains(&format!("Page {number} of 4")));
        assert_eq!(page.contains("rel=\"prev\""), number > 1);
        assert_eq!(page.contains("rel=\"next\""), number < 4);
        let listed = listed(&page);
        assert_eq!(listed.len(), 50);
        names.extend(listed);
    }
    assert_eq!(names.len(), 200);
    let narrowed = page(&served, "?q=customer&state=all").await;
    assert!(narrowed.contains("href=\"?q=customer&#38;page=2\""), "a filter stays from page to page");
}

#[tokio::test]
async fn a_thousand_organizations_cost_little() {
    let served = Gallery::many(1000).serve().await;
    let first = page(&served, "").await;
    let begun = Instant::now();
    for _ in 0..5 {
        assert_eq!(page(&served, "?page=20").await.matches("rowheader").count(), 50);
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?} for five pages", begun.elapsed());
    assert!(first.len() < 150_000, "{} bytes", first.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_organizations_are_not_told_to_everybody_at_once() {
    let served = Gallery::many(1000).serve().await;
    let (status, _, all) = get(&served, "api/v1/status").await;
    assert_eq!((status, all.contains("daily_requests"), all.contains("\"runs\"")), (200, false, false));
    assert!(all.len() < 5_000_000, "{} bytes", all.len());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["", "api/v1/status"] {
        let ask = || http.get(format!("http://{}/{path}", served.address)).send();
        let mut counts = BTreeMap::new();
        for answer in futures_util::future::join_all((0..40).map(|_| ask())).await {
            let answer = answer.unwrap();
            *counts.entry(answer.status().as_u16()).or_insert(0) += 1;
            assert!(answer.status() == 200 || answer.headers()["retry-after"] == "1");
        }
        assert!(counts[&200] >= 8 && counts[&503] > 0 && counts.len() == 2, "{path}: {counts:?}");
        assert_eq!(get(&served, path).await.0, 200, "there is room again");
    }
}

#[tokio::test]
async fn there_is_no_script_no_inline_style_and_no_other_host() {
    let handler = Regex::new(r"<[^>]*\son[a-z]+=").unwrap();
    let links = Regex::new(r#"(?:href|src|action)="([^"]*)""#).unwrap();
    for gallery in [Gallery::few(), Gallery::many(60), Gallery::failing(), Gallery::pending(), Gallery::new()]
    {
        let served = gallery.serve().await;
        let (_, headers, page) = get(&served, "").await;
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cache-control"], "no-store");
        for never in ["<script", "<style", " style=", "://", "javascript:", "<iframe", "http-equiv"] {
            assert!(!page.contains(never), "{never}");
        }
        assert!(!handler.is_match(&page));
        for link in links.captures_iter(&page) {
            let link = link[1].replace("&#38;", "&");
            assert!(!link.starts_with('/'), "{link}: a proxy may have put the page below a path");
            let status = get(&served, link.trim_start_matches("./")).await.0;
            assert!(status == 200 || link == "-/ready", "{link}: {status}");
        }
    }
}

#[tokio::test]
async fn nothing_to_show_is_said_in_words() {
    let served = Gallery::new().serve().await;
    assert!(!page(&served, "").await.contains("matches"), "nobody has asked for any");
    for (gallery, query, expected) in [
        (Gallery::new(), "", "No organization is configured here."),
        (Gallery::few(), "?q=nobody", "No organization matches. Show all"),
        (Gallery::pending(), "", "Nothing has been collected yet"),
        (Gallery::pending(), "?organization=acme", "No usage figures yet."),
        (Gallery::failing(), "", "Every collector is failing. What they share is the likely cause"),
    ] {
        let served = gallery.serve().await;
        let text = text(&page(&served, query).await);
        assert!(text.contains(expected), "{expected} is not in: {text}");
    }
}

#[tokio::test]
async fn each_reason_is_told_in_words_with_what_to_do() {
    let served = Gallery::failing().serve().await;
    let page = page(&served, "").await;
    let headline = Regex::new("<p><strong>([^<]*)</strong> ([^<]{20,})</p>").unwrap();
    let told: BTreeSet<String> = headline.captures_iter(&page).map(|found| found[1].to_owned()).collect();
    assert_eq!(told.len(), Reason::ALL.len(), "{told:?}");
    assert_eq!(page.matches("no figures are served").count(), Reason::ALL.len());
    // Twenty runs are remembered, of 25.
    assert!(page.contains("20 runs, the newest on the right, 20 failed"));

    let gallery = Gallery::new();
    gallery.collector("acme", "genesys_cloud", "contracts", Condition::NotSupported, None);
    let served = gallery.serve().await;
    let text = text(&self::page(&served, "").await);
    assert!(text.contains("not available") && text.contains("Nothing is wrong."), "{text}");
    assert!(text.contains("0 collectors failing"));
}

#[tokio::test]
async fn a_program_is_told_the_same() {
    let served = Gallery::few().serve().await;
    let (_, _, text) = get(&served, "api/v1/status").await;
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    let acme = &status["organizations"][0];
    assert_eq!((&acme["organization"], &acme["provider"]), (&"acme".into(), &"genesys_cloud".into()));
    let fair_use = &acme["fair_use"];
    for (key, value) in [
        ("period_start", serde_json::json!("2026-11-01")),
        ("period_end", "2026-12-01".into()),
        ("period_source", "contract".into()),
        ("newest_complete_day", "2026-11-20".into()),
        ("requests_to_date", 10_666_666.into()),
        ("trailing_days", 7.into()),
        ("days_left", 10.into()),
        ("allowance_requests", 1e7.into()),
        ("allowance_source", "contract".into()),
    ] {
        assert_eq!(fair_use[key], value, "{key}");
    }
    let number = |key: &str| fair_use[key].as_f64().unwrap();
    let forecast = number("requests_to_date") + 10.0 * number("trailing_daily_mean_requests");
    assert_eq!(number("forecast_requests"), forecast);
    assert_eq!(number("overage_forecast_requests"), forecast - 1e7);
    assert_eq!(fair_use["overage_forecast_amount"]["currency"], "USD");
    assert!(fair_use.get("daily_requests").is_none(), "only of those that are named");
    assert!(acme["spend"].is_null());

    assert!(
        status["organizations"][2]["fair_use"]["allowance_requests"].is_null(),
        "nobody knows, which is not zero"
    );
    let spend = &status["organizations"][3]["spend"];
    assert_eq!((&spend[0]["month"], &spend[0]["is_running"]), (&"2026-11".into(), &true.into()));
    assert_eq!(spend[1]["amounts"][1], serde_json::json!({"amount": 98_765.43, "currency": "USD"}));

    let (_, _, one) = get(&served, "api/v1/status?organization=globex").await;
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["organizations"][0], status["organizations"][3]);
    let (_, _, detailed) =
        get(&served, &format!("api/v1/status?organization=acme&organization={LONG}")).await;
    let detailed: serde_json::Value = serde_json::from_str(&detailed).unwrap();
    let days = detailed["organizations"][0]["fair_use"]["daily_requests"].as_array().unwrap();
    assert_eq!((days.len(), &days[34]["day"]), (35, &"2026-11-20".into()));
    assert_eq!((&one["organizations"][1], one["collectors"].as_array().unwrap().len()), (&().into(), 2));
    let (refused, _, why) = get(&served, "api/v1/status?organization=globex&organization=nobody").await;
    assert_eq!((refused, why.contains("nobody")), (400, true));

    let failing = &status["collectors"][5];
    assert_eq!((&failing["collector"], &failing["state"]), (&"usage".into(), &"failed".into()));
    assert_eq!(failing["own_requests"], serde_json::json!({"last_run": 4, "since_start": 6 * 8 + 2 * 4}));
    assert!(failing.get("runs").is_none(), "only of those that are named");
    let runs = detailed["collectors"][5]["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["state"], &runs[0]["reason"]), (8, &"succeeded".into(), &().into()));
    let last = serde_json::json!({
        "at": "2026-11-21T09:20:00Z", "state": "failed", "reason": "auth", "duration_seconds": 2.0, "requests": 4,
    });
    assert_eq!(runs[7], last);
}
