use std::num::NonZeroU32;
use std::sync::Arc;

use proptest::prelude::*;
use tokio::task::JoinSet;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);

fn governor(limit: u32) -> Arc<Governor> {
    Arc::new(Governor::new(Limit::per_minute(NonZeroU32::new(limit).unwrap())))
}

/// Sends a request as soon as the limits allow it.
async fn send(governor: &Governor) -> Instant {
    let mut turn = governor.turn().await;
    loop {
        if turn.take() {
            return Instant::now();
        }
        if let Some(until) = turn.held_until() {
            tokio::time::sleep_until(until).await;
        }
    }
}

/// When each of `waiters` is sent, in seconds from now.
async fn slots(governor: &Governor, waiters: usize) -> Vec<f64> {
    let start = Instant::now();
    let sent = futures_util::future::join_all((0..waiters).map(|_| send(governor))).await;
    sent.iter().map(|at| (*at - start).as_secs_f64()).collect()
}

/// Runs `test` on a clock that jumps over every wait.
fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test)
}

#[tokio::test(start_paused = true)]
async fn a_vendor_pause_holds_everyone_and_not_all_come_back_at_once() {
    let governor = governor(100);
    governor.pause(Duration::from_secs(7));
    let slots = slots(&governor, 3).await;
    assert!(slots[0] >= 7.0 && slots[1] >= slots[0] + 0.2 && slots[2] >= slots[1] + 0.2, "{slots:?}");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_never_empties_is_not_slow_for_ever_after_a_pause() {
    let governor = governor(6000);
    governor.pause(SECOND);
    let slots = slots(&governor, 400).await;
    assert!(slots[10] > slots[0] + 2.0, "it begins slowly: {slots:?}");
    assert!(slots[399] < 12.0, "and goes on at the limit: {}", slots[399]);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_nearly_used_vendor_window_is_spread_out() {
    let governor = governor(100);
    governor.observe(100, 300, MINUTE);
    assert!(slots(&governor, 3).await[2] < 0.1, "a third of a window is no reason to wait");
    governor.observe(290, 300, Duration::from_secs(50));
    let slots = slots(&governor, 3).await;
    assert!(slots[0] >= 5.0 && slots[1] >= 10.0 && slots[2] >= 15.0, "{slots:?}");
}

#[tokio::test(start_paused = true)]
async fn a_longer_pause_holds_those_who_wait_already() {
    let governor = governor(100);
    governor.pause(Duration::from_secs(2));
    let start = Instant::now();
    let (_, ()) = tokio::join!(send(&governor), async {
        tokio::time::sleep(SECOND).await;
        governor.pause(Duration::from_secs(30));
    });
    assert!(start.elapsed() >= Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_began_while_a_request_waited_elsewhere_holds_it_too() {
    let governor = governor(300);
    let mut turn = governor.turn().await;
    assert_eq!(turn.held_until(), None);
    governor.pause(Duration::from_secs(20));
    assert!(!turn.take());
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(turn.take());
}

#[tokio::test(start_paused = true)]
async fn the_budget_drops_with_each_request_and_comes_back_after_a_window() {
    let governor = governor(100);
    send(&governor).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    send(&governor).await;
    assert_eq!(governor.remaining(), 98);
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(governor.remaining(), 99, "the first one is a minute old");
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(governor.remaining(), 100);
}

#[tokio::test(start_paused = true)]
async fn requests_go_in_the_order_in_which_they_came() {
    let governor = governor(60);
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    // Two collectors with 50 requests each, asking by turns, and one that comes when all of them wait.
    for request in 0..100 {
        let (governor, order) = (governor.clone(), order.clone());
        tasks.spawn(async move {
            send(&governor).await;
            order.lock().unwrap().push((["usage", "client_query"][request % 2], request));
        });
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(10 * SECOND).await;
    let sent_before = order.lock().unwrap().len();
    assert!(sent_before < 100, "all are sent, nobody waits");
    send(&governor).await;
    assert_eq!(order.lock().unwrap().len(), 100, "a late comer overtook somebody");
    tasks.join_all().await;
    let order = order.lock().unwrap();
    assert!(order.iter().enumerate().all(|(place, (_, request))| place == *request), "{order:?}");
    assert!(order.chunks(2).all(|pair| (pair[0].0, pair[1].0) == ("usage", "client_query")), "{order:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_up_holds_up_nobody() {
    let governor = governor(60);
    governor.pause(MINUTE);
    let mut waiting: Vec<_> = (0..20)
        .map(|_| {
            let governor = governor.clone();
            tokio::spawn(async move { send(&governor).await })
        })
        .collect();
    tokio::time::sleep(SECOND).await;
    // The first one, which has the turn, and every other one behind it.
    let last = waiting.pop().unwrap();
    for request in waiting.iter().step_by(2) {
        request.abort();
    }
    let sent = last.await.unwrap();
    assert_eq!(waiting.iter().filter(|request| !request.is_finished()).count(), 0);
    let given_up = futures_util::future::join_all(waiting).await.into_iter().filter(Result::is_err).count();
    assert_eq!(given_up, 10);
    assert_eq!(governor.remaining(), 50, "only ten were sent");
    assert!(sent.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_a_wait_asks_for_more_each_time_up_to_three_minutes() {
    let governor = governor(60);
    for nominal in [3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 180.0, 180.0] {
        let sent = Instant::now();
        tokio::time::advance(SECOND).await;
        let wait = governor.wait_after_refusal(sent).as_secs_f64();
        assert!(wait <= nominal && wait >= nominal * 0.75, "{wait} s instead of up to {nominal}");
        // One that was under way at the same time adds nothing.
        assert!(governor.wait_after_refusal(sent).as_secs_f64() <= nominal);
        tokio::time::advance(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_the_refusals_unless_it_was_sent_before_the_last_one() {
    let governor = governor(60);
    let refuse = async || {
        tokio::time::advance(SECOND).await;
        governor.wait_after_refusal(Instant::now())
    };
    let before = Instant::now();
    refuse().await;
    refuse().await;
    governor.accepted(before);
    assert!(refuse().await > 6 * SECOND, "an old success says nothing");
    tokio::time::advance(SECOND).await;
    governor.accepted(Instant::now());
    assert!(refuse().await <= 3 * SECOND);
}

#[test]
fn steady_demand_uses_nearly_all_of_the_limit() {
    for requests in [1, 10, 60, 200, 1000] {
        let sent = paused(async {
            let governor = governor(requests);
            let until = Instant::now() + 10 * MINUTE;
            let mut sent = 0;
            while send(&governor).await < until {
                sent += 1;
            }
            f64::from(sent)
        });
        let allowed = f64::from(10 * requests);
        assert!(sent >= 0.89 * allowed && sent <= allowed, "{sent} of {allowed}");
    }
}

/// How many histories there are; `make soak` has ten thousand.
fn histories() -> u32 {
    std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(histories()))]

    /// Each arrival is a gap before it in milliseconds, how many come at once, for how long the vendor then wants a pause, and which
    /// part of all that wait is killed then.
    #[test]
    fn whatever_happens_no_window_has_more_requests_than_the_limit(
        requests in 1_u32..60,
        per_second: bool,
        arrivals in prop::collection::vec((
            0_u64..30_000,
            0_usize..40,
            prop::option::weighted(0.1, 0_u64..20_000),
            prop::option::weighted(0.2, 1_usize..4),
        ), 1..12),
    ) {
        let number = NonZeroU32::new(requests).unwrap();
        let limit = if per_second { Limit::per_second(number) } else { Limit::per_minute(number) };
        let sent = paused(async {
            let governor = Arc::new(Governor::new(limit));
            let sent = Arc::new(Mutex::new(Vec::new()));
            let (mut tasks, mut handles) = (JoinSet::new(), Vec::new());
            for (gap, count, pause, killed) in arrivals {
                tokio::time::sleep(Duration::from_millis(gap)).await;
                for _ in 0..count {
                    let (governor, sent) = (governor.clone(), sent.clone());
                    handles.push(tasks.spawn(async move {
                        let at = send(&governor).await;
                        sent.lock().unwrap().push(at);
                    }));
                }
                if let Some(pause) = pause {
                    governor.pause(Duration::from_millis(pause));
                }
                if let Some(every) = killed {
                    handles.iter().step_by(every).for_each(tokio::task::AbortHandle::abort);
                }
            }
            while tasks.join_next().await.is_some() {}
            let mut sent = sent.lock().unwrap().clone();
            sent.sort();
            sent
        });
        for (first, beyond) in sent.iter().zip(sent.iter().skip(requests as usize)) {
            prop_assert!(*beyond - *first >= limit.window, "{} in less than {:?}", requests + 1, limit.window);
        }
    }
}
