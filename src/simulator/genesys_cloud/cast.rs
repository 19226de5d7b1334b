//! Who makes requests in the world: a client for each situation that an operator should be able to see.

/// What is peculiar about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    Steady,
    /// Is sold to other organizations, which use it too.
    App,
    /// Runs into the rate limit all the time.
    Throttled,
    /// Meets many server errors.
    Failing,
    /// Makes many more requests than usual on the newest complete day of the start.
    Spiking,
    /// Was created a few days ago.
    New,
    /// Made its last request months ago.
    Idle,
    /// Will be deleted soon, and is still in use.
    Leaving,
    /// Cannot get tokens any more, and never made a request.
    Disabled,
    /// Belongs to somebody else: it makes requests but is not in the client list.
    Foreign,
    /// Belongs to Genesys: only the jobs API shows it.
    BuiltIn,
}

/// Name, requests on a working day, habit.
pub(super) type Part = (&'static str, f64, Habit);

/// Those of the first organization, which is heading over its allowance; a smaller world has the first of them. Working days
/// of all but Genesys' own client add up to about 535,000 requests, which makes some 13 million a month.
pub(super) const CAST: [Part; 14] = [
    ("nightly-sync", 95_000.0, Habit::Steady),
    ("crm-connector", 122_000.0, Habit::App),
    ("wfm-export", 60_000.0, Habit::Throttled),
    ("reporting-warehouse", 80_000.0, Habit::Failing),
    ("chat-widget-backend", 25_000.0, Habit::Spiking),
    ("legacy-dialer-import", 12_000.0, Habit::Leaving),
    ("survey-loader", 9_000.0, Habit::Idle),
    ("quality-scorecards", 18_000.0, Habit::New),
    ("agent-assist-plugin", 40_000.0, Habit::Foreign),
    ("ivr-load-test", 0.0, Habit::Disabled),
    ("data-lake-feed", 36_000.0, Habit::Steady),
    ("data-lake-feed", 15_000.0, Habit::Steady),
    (r#"Rückruf "Süd" \ Archiv 東京"#, 32_000.0, Habit::Steady),
    ("purecloud-builtin-agent-ui", 150_000.0, Habit::BuiltIn),
];

/// Those of an organization without troubles, with a third of the traffic.
pub(super) const CALM_CAST: [Part; 7] = [
    ("claims-intake", 52_000.0, Habit::Steady),
    ("policy-lookup", 44_000.0, Habit::Steady),
    ("agent-roster", 31_000.0, Habit::Steady),
    ("archive-export", 26_000.0, Habit::Steady),
    ("broker-portal", 17_000.0, Habit::Steady),
    ("letter-dispatch", 9_000.0, Habit::Steady),
    ("purecloud-builtin-agent-ui", 60_000.0, Habit::BuiltIn),
];

/// Those of a small organization that sells Genesys Cloud to others.
pub(super) const PARTNER_CAST: [Part; 4] = [
    ("customer-onboarding", 5_000.0, Habit::Steady),
    ("billing-desk", 2_500.0, Habit::Steady),
    ("support-desk-bridge", 1_200.0, Habit::Steady),
    ("purecloud-builtin-agent-ui", 4_000.0, Habit::BuiltIn),
];

/// Name parts of the clients beyond the cast.
pub(super) const SYSTEMS: [&str; 12] = [
    "salesforce",
    "servicenow",
    "payroll",
    "roster",
    "callback",
    "speech",
    "billing",
    "loyalty",
    "ticketing",
    "identity",
    "wallboard",
    "campaign",
];
/// The second part of such a name.
pub(super) const TASKS: [&str; 10] =
    ["sync", "export", "bridge", "loader", "monitor", "archiver", "bot", "webhook", "report", "cleaner"];
