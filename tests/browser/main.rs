//! The status page in a real browser: nothing overflows, everything can be reached by keyboard and read by everyone, and the browser
//! complains of nothing.
//!
//! Pictures are left in `target/screenshots`. Without Chromium, its driver or the rules of axe-core (`make prepare`) the tests are
//! skipped, unless `CI=true`. `UPDATE_IMAGES=1` makes the pictures of the documentation anew.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and one that is skipped says so"
)]

mod driver;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use ccaas_exporter::app;
use ccaas_exporter::clock::Clock;
use driver::Browser;
use serde_json::Value;
use support::gallery::{Gallery, LONG, UNBROKEN};
use support::{Setup, poll};
use tokio::time::Instant;

/// The narrowest screen that a page must fit (WCAG 2.2, reflow), a phone, a tablet, the first without cards, a desk, and a wide one.
const WIDTHS: [u32; 6] = [320, 390, 768, 1026, 1280, 1920];

/// Where pictures are left for whoever wants to look.
const PICTURES: &str = "target/screenshots";

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// Every state that the page can be in: a name, the fleet, and what is asked for.
fn states() -> Vec<(&'static str, Gallery, String)> {
    let empty = String::new;
    vec![
        ("few", Gallery::few(), empty()),
        ("many", Gallery::many(200), empty()),
        ("one", Gallery::few(), format!("?organization={LONG}")),
        ("found-none", Gallery::many(30), "?q=nobody&state=stale".to_owned()),
        ("missing", Gallery::few(), format!("?organization={UNBROKEN}{UNBROKEN}")),
        ("failing", Gallery::failing(), empty()),
        ("pending", Gallery::pending(), empty()),
        ("none", Gallery::new(), empty()),
    ]
}

/// What sticks out of the page or of its own box, beyond what is meant to scroll.
const OVERFLOWING: &str = "
    const found = [];
    if (document.documentElement.scrollWidth > innerWidth) found.push(`the page: ${document.documentElement.scrollWidth}`);
    for (const element of document.querySelectorAll('body *:not(svg *, .symbols, .hidden)')) {
        if (element.closest('.scroll') || element.closest('thead')) continue;
        const box = element.getBoundingClientRect();
        if (box.width > 0 && box.right > innerWidth + 0.5) found.push(`${element.tagName}.${element.className}: ${box.right}`);
    }
    return found;";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_overflows_on_any_screen_in_any_state_and_the_browser_is_content() {
    let Some(browser) = Browser::start().await else { return };
    for (name, gallery, query) in states() {
        let served = gallery.serve().await;
        let host = served.address.to_string();
        for width in WIDTHS {
            for is_dark in [false, true] {
                browser.screen(width, is_dark).await;
                browser.open(&format!("http://{host}/{query}")).await;
                let scheme = if is_dark { "dark" } else { "light" };
                browser.photograph(PICTURES, &format!("{name}-{width}-{scheme}"), 8000.0).await;
                let overflowing = browser.run(OVERFLOWING).await;
                assert_eq!(overflowing, Value::Array(Vec::new()), "{name} at {width}");
                let mut complaints = browser.complaints(&host).await;
                // That there is no such organization is the answer.
                complaints.retain(|complaint| name != "missing" || !complaint.contains(UNBROKEN));
                assert!(complaints.is_empty(), "{name} at {width}: {complaints:?}");
            }
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_may_be_twice_as_large() {
    let Some(browser) = Browser::with_text_of(32).await else { return };
    for (name, gallery, query) in states() {
        let served = gallery.serve().await;
        for width in WIDTHS.into_iter().filter(|width| *width >= 768) {
            browser.screen(width, false).await;
            browser.open(&format!("http://{}/{query}", served.address)).await;
            let size = browser.run("return getComputedStyle(document.documentElement).fontSize;").await;
            assert_eq!(size, "32px");
            browser.photograph(PICTURES, &format!("{name}-{width}-large"), 8000.0).await;
            assert_eq!(browser.run(OVERFLOWING).await, Value::Array(Vec::new()), "{name} at {width}");
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_can_read_it_in_light_and_dark() {
    let Some(browser) = Browser::start().await else { return };
    for (name, gallery, query) in states() {
        let served = gallery.serve().await;
        for (width, is_dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
            browser.screen(width, is_dark).await;
            browser.open(&format!("http://{}/{query}", served.address)).await;
            browser.run("document.querySelectorAll('details').forEach(one => one.open = true);").await;
            let complaints = browser.accessibility().await;
            assert!(complaints.is_empty(), "{name} at {width}, dark {is_dark}: {complaints:#?}");
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_reaches_everything_in_order_and_shows_where_it_is() {
    let Some(browser) = Browser::start().await else { return };
    for (gallery, query) in [(Gallery::few(), ""), (Gallery::many(12), "?q=customer")] {
        let served = gallery.serve().await;
        browser.screen(1280, false).await;
        browser.open(&format!("http://{}/{query}", served.address)).await;
        let reachable = "a[href], input, select, button, summary, [tabindex=\"0\"]";
        let mark = format!(
            "return [...document.querySelectorAll('{reachable}')].filter(e => e.checkVisibility()).map((e, i) => e.dataset.place = i).length;"
        );
        let count = browser.run(&mark).await.as_u64().unwrap();
        assert!(count > 15, "{count}");
        for place in 0..count {
            browser.press(TAB).await;
            let focus = browser
                .run("const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
                      return {place: e.dataset.place, outline: s.outlineStyle, shown: b.bottom > 0 && b.top < innerHeight, what: e.outerHTML};")
                .await;
            assert_eq!(focus["place"], place.to_string(), "{focus}");
            assert_ne!(focus["outline"], "none", "{focus}");
            assert_eq!(focus["shown"], true, "{focus}");
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_typed_and_answered_and_leads_to_an_organization() {
    let Some(browser) = Browser::start().await else { return };
    let served = Gallery::many(200).serve().await;
    browser.screen(390, false).await;
    browser.open(&format!("http://{}/", served.address)).await;
    browser.run("document.getElementById('q').focus();").await;
    browser.press("customer-01").await;
    browser.press(ENTER).await;
    let shown =
        "return [...document.querySelectorAll('tbody th[role=rowheader] a')].map(link => link.textContent);";
    let names = async || browser.run(shown).await.as_array().unwrap().clone();
    let found = poll("the answer", async || Some(names().await).filter(|names| names.len() == 8)).await;
    assert!(found.iter().all(|name| name.as_str().unwrap().starts_with("customer-01")), "{found:?}");
    browser.run("document.querySelector('tbody th a').focus();").await;
    browser.press(ENTER).await;
    let heading = async || {
        let heading = browser.run("return document.querySelector('h1').textContent;").await;
        Some(heading).filter(|heading| heading.as_str().unwrap().starts_with("customer-01"))
    };
    poll("the organization", heading).await;
    assert!(browser.complaints(&served.address.to_string()).await.is_empty());
    browser.close().await;
}

/// The demo at a time when a period is about to end. For the pictures a permission is taken away after a while.
#[tokio::test(flavor = "multi_thread")]
async fn the_real_program_shows_real_figures() {
    let Some(browser) = Browser::start().await else { return };
    let is_for_documentation = std::env::var_os("UPDATE_IMAGES").is_some();
    let (noon, begun) = ("2026-11-14T12:00:00Z".parse::<jiff::Timestamp>().unwrap(), Instant::now());
    let clock = Clock::from_fn(move || noon + begun.elapsed());
    let faults = "faults:\n  - {operation: postClientUsageQuery, after: 6, fault: {status: 403, code: missing.permissions}}";
    let mut setup = Setup::everything();
    (setup.clock, setup.options) = (clock.clone(), app::demo_options(clock));
    let (refresh, runs) = if is_for_documentation { (7, 9.0) } else { (3600, 1.0) };
    let stage = setup.scenario(faults).refresh(Duration::from_secs(refresh)).start().await;
    stage.ready().await;
    let polls = "ccaas_exporter_collector_polls_total";
    stage
        .until("runs", |metrics| {
            metrics.of(polls, &[("collector", "usage")]).all(|sample| sample.value >= runs)
        })
        .await;
    let (folder, prefix) = if is_for_documentation { ("docs/images", "") } else { (PICTURES, "demo-") };
    let host = stage.url.trim_start_matches("http://");
    for (name, query, width, is_dark, height) in [
        ("status-page", "", 1280, false, 1260.0),
        ("status-page-dark", "?organization=acme", 1280, true, 1064.0),
        ("status-page-phone", "?organization=acme", 390, false, 1300.0),
    ] {
        browser.screen(width, is_dark).await;
        browser.open(&format!("{}/{query}", stage.url)).await;
        browser.photograph(folder, &format!("{prefix}{name}"), height).await;
        assert_eq!(browser.run(OVERFLOWING).await, Value::Array(Vec::new()), "{name}");
        let complaints = browser.accessibility().await;
        assert!(complaints.is_empty(), "{name}: {complaints:#?}");
        let complaints = browser.complaints(host).await;
        assert!(complaints.is_empty(), "{name}: {complaints:?}");
    }
    browser.close().await;
    stage.stop().await;
}
