"""Exporter health: does every collector run, how old are its figures, what does the exporter itself cost."""

from house import *
from panels import *
from promql import DAY, ORGANIZATION, one
from thresholds import EXPORTER, FOLDED, NONE_IS_GOOD, ONE_IS_GOOD, REFRESHES, SELF_USAGE

KEY = "provider, organization, collector"
WHERE = f'{ORGANIZATION}, provider=~"$provider", instance=~"$instance"'
COLLECTOR = f'{WHERE}, collector=~"$collector"'
PROCESS = 'job=~"$job", instance=~"$instance"'


def collector(what: str, operation: str = "max") -> str:
    return f"{operation} by ({KEY}) (ccaas_exporter_collector_{what}{{{COLLECTOR}}})"


def of_process(expr: str, *by: str) -> str:
    """Each process once, by `process`, its address: with /sd one process is a target for each organization, and the instances of these are
    its address and the organization."""
    return f'max by ({", ".join(("process", *by))}) (label_replace({expr}, "process", "$1", "instance", "([^/]*).*"))'


def per_hour(counter: str, by: str, where: str = COLLECTOR) -> str:
    """How much a counter grew in each hour. Every exporter that counts is added: each sends its own requests."""
    return f"sum by ({by}) (increase(ccaas_exporter_{counter}{{{where}}}[1h]))"


ALLOWANCE_OF_A_DAY = (
    f"({one('genesyscloud_api_allowance_requests', 'organization')} / (({one('genesyscloud_api_period_end_timestamp_seconds', 'organization')} - "
    f"{one('genesyscloud_api_period_start_timestamp_seconds', 'organization')}) / {DAY}))"
)
UP = collector("up", "min")
SUCCESS = collector("last_success_timestamp_seconds")
SUPPORTED = collector("supported")
STILL_TO_COME = f"({collector('last_attempt_timestamp_seconds')} == 0 and {collector('next_run_timestamp_seconds', 'min')} > time())"
AGE = f"(time() - ({SUCCESS} > 0)) / {collector('refresh_interval_seconds')}"


def board() -> Board:
    health = Board(
        "exporter-health",
        "Contact centres: exporter health",
        "Whether every collector runs, how old its figures are, and what the exporter asks of the vendors.",
        [
            variable("job", "Job", "label_values(ccaas_exporter_build_info, job)"),
            variable("instance", "Instance", 'label_values(ccaas_exporter_build_info{job=~"$job"}, instance)'),
            variable("provider", "Provider", "label_values(ccaas_exporter_collector_up, provider)"),
            organizations('ccaas_exporter_collector_up{provider=~"$provider"}'),
            variable("collector", "Collector", f'label_values(ccaas_exporter_collector_up{{{ORGANIZATION}, provider=~"$provider"}}, collector)'),
        ],
        since="now-24h",
    )
    health.row(
        "Is it well",
        (4, [
            Cell(figures_day(), 5),
            Cell(tile(
                "Collectors up", "Collectors whose last run succeeded, of all. What a vendor does not offer is no failure.",
                COUNT, {"up": f"sum({UP})", "of": f"count({UP})"}, names=True,
            ), 4),
            Cell(tile(
                "Overdue", f"Collectors whose last success is longer ago than {EXPORTER['stale_refreshes']} refresh intervals, or that never succeeded "
                "though the time of their first run has passed. Those that the vendor does not offer are not counted.",
                COUNT, {"collectors": f"count(({AGE} > {EXPORTER['stale_refreshes']} or ({SUCCESS} == 0 unless {STILL_TO_COME})) and {SUPPORTED} == 1) or 0 * count({UP})"}, steps=NONE_IS_GOOD,
            ), 3),
            Cell(tile(
                "Exporters", "Processes that Prometheus scrapes, by version; one with a target for each organization counts once.", COUNT,
                {"{{version}}": f"count by (version) ({of_process(f'ccaas_exporter_build_info{{{PROCESS}}}', 'version')})"}, names=True,
            ), 4),
            Cell(tile(
                "Configuration", "Whether the configuration file was good when it was last read; with several exporters, the worst.",
                COUNT, {"configuration": f"min(ccaas_exporter_config_last_reload_successful{{{PROCESS}}})"}, steps=ONE_IS_GOOD,
                mappings=good_or("refused"),
            ), 4),
            Cell(tile(
                "Storage", "Whether the newest record of every file is stored; while it is not, a restart loses what was collected since. With several exporters, "
                "the worst.",
                COUNT, {"storage": f"min(ccaas_exporter_storage_last_write_successful{{{PROCESS}}})"}, steps=ONE_IS_GOOD, mappings=good_or("failing"),
                nothing="not used", empty="--storage.path is empty",
            ), 4),
        ]),
        (12, [
            Cell(listing(
                "Collectors",
                "State of every collector. 'Refreshes' is the age of the last success in refresh intervals. 'Reaches to' is the end of the newest vendor period in the "
                "figures (for lists: when they were read). With several exporters of an organization, the worst state and the newest times.",
                [
                    label("Provider", "provider", width=130), label("Organization", "organization"), label("Collector", "collector"),
                    value("State", COUNT, UP, mapping={"1": ("up", "green"), "0": ("failing", "red")}, width=80),
                    value("Offered", COUNT, collector("supported", "min"), mapping={"1": ("yes", "text"), "0": ("not available", "orange")}, width=110),
                    value("Last success", MOMENT, f"1000 * ({SUCCESS} > 0)", width=130),
                    value("Refreshes", COUNT, AGE, decimals=1, steps=REFRESHES, width=100),
                    value("Reaches to", "time:YYYY-MM-DD HH:mm", f"1000 * ({collector('data_through_timestamp_seconds')} > 0)", width=150),
                    value("Next run", MOMENT, f"1000 * {collector('next_run_timestamp_seconds', 'min')}", width=120),
                    value("Every", SECONDS, collector("refresh_interval_seconds"), width=80),
                    value("Took", SECONDS, collector("duration_seconds"), decimals=1, width=90),
                    value("Series", COUNT, collector("series"), width=90),
                ],
                sort="State", ascending=True,
            ), 24),
        ]),
    )
    health.row(
        "What went wrong",
        (8, [
            Cell(hours(
                "Failed runs by reason", "Failed runs of collectors in each hour, by reason.",
                COUNT, {"{{reason}}": per_hour("collector_failures_total", "reason")},
            ), 8),
            Cell(hours(
                "Restatements and invalid rows",
                "Complete days or closed months whose figures the vendor changed between two reads, and rows that could not be understood, in each hour.",
                COUNT, {"restatements": f"sum({per_hour('restatements_total', KEY)})", "invalid rows": f"sum({per_hour('rows_invalid_total', KEY)})"},
            ), 8),
            Cell(hours(
                "Schema surprises", "Things in the vendors' answers that their documentation does not list, and announced ends of operations, in each hour, by kind.",
                COUNT, {"{{kind}}": per_hour("schema_surprises_total", "kind")},
            ), 8),
        ]),
    )
    health.row(
        "What it asks of the vendors",
        (8, [
            Cell(hours(
                "Own requests by operation", "Requests that the exporter sent in each hour, each try counted, by operation. They count towards the allowance like any other.",
                COUNT, {"{{operation}}": per_hour("api_requests_total", "operation", WHERE)},
            ), 12),
            Cell(hours(
                "Own requests by answer", "Requests that the exporter sent in each hour, by HTTP status, or timeout, network, cancelled.",
                COUNT, {"{{code}}": per_hour("api_requests_total", "code", WHERE)},
            ), 12),
        ]),
        (8, [
            Cell(listing(
                "Own requests and limits",
                "By organization: requests in the last 24 hours ('24 h'); at Genesys Cloud, their share of a day of the allowance (a mean day of the billing period); "
                "what is left of the exporter's own limit in its window; time in the last 24 hours in which a limit held requests up; end of the access token; "
                "share of figures that stand in folded series.",
                [
                    label("Organization", "organization"), label("Provider", "provider", width=125),
                    value("24 h", COUNT, f"sum by (provider, organization) (increase(ccaas_exporter_api_requests_total{{{WHERE}}}[1d]))", decimals=0),
                    value("Of allowance", RATIO, f'sum by (provider, organization) (increase(ccaas_exporter_api_requests_total{{{WHERE}, provider="genesys_cloud"}}[1d])) '
                          f"/ on (organization) group_left () ({ALLOWANCE_OF_A_DAY} > 0)", decimals=2, steps=SELF_USAGE),
                    value("Left in window", COUNT, f"min by (provider, organization) (ccaas_exporter_api_budget_remaining_requests{{{WHERE}}})"),
                    value("Held up", SECONDS, f"sum by (provider, organization) (increase(ccaas_exporter_api_throttled_seconds_total{{{WHERE}}}[1d]))", decimals=1),
                    value("Token ends", MOMENT, f"1000 * (min by (provider, organization) (ccaas_exporter_oauth_token_expiry_timestamp_seconds{{{WHERE}}}) > 0)"),
                    value("Folded", RATIO, f"max by (provider, organization) (ccaas_exporter_series_folded_ratio{{{WHERE}}})", decimals=1, steps=FOLDED),
                ],
                sort="24 h", empty="Prometheus has fewer than two scrapes",
            ), 15),
            Cell(steps_over_time(
                "Time of a vendor request", "95th percentile of the time from sending a request to the end of its body, by provider.",
                SECONDS, {"{{provider}}": "histogram_quantile(0.95, sum by (provider, le) "
                          f"(rate(ccaas_exporter_api_request_duration_seconds_bucket{{{WHERE}}}[$__rate_interval])))"}, interval="5m",
                empty="no request was sent in the interval",
            ), 9),
        ]),
    )
    health.row(
        "What it serves",
        (7, [
            Cell(steps_over_time(
                "Vendor series", "Series that collectors serve, by organization; the ten with the most.",
                COUNT, {"{{organization}}": f"topk(10, sum by (organization) ({collector('series')}))"}, interval="5m",
            ), 8),
            Cell(steps_over_time(
                "Time to answer a scrape", "Median and 99th percentile of the time to answer a request for metrics, all exporters together.",
                SECONDS, {
                    f"p{round(quantile * 100)}": f"histogram_quantile({quantile}, sum by (le) "
                    f"({of_process(f'rate(ccaas_exporter_scrape_duration_seconds_bucket{{{PROCESS}}}[$__rate_interval])', 'le')}))"
                    for quantile in (0.5, 0.99)
                }, interval="5m", empty="there were no scrapes in the interval",
            ), 8),
            Cell(steps_over_time(
                "Memory", "Resident memory of each exporter.", "bytes", {"{{process}}": of_process(f"process_resident_memory_bytes{{{PROCESS}}}")}, interval="5m",
            ), 4),
            Cell(steps_over_time(
                "Processor", "Processor time of each exporter, in cores.", "suffix: cores",
                {"{{process}}": of_process(f"rate(process_cpu_seconds_total{{{PROCESS}}}[$__rate_interval])")}, interval="5m",
                empty="Prometheus has fewer than two scrapes",
            ), 4),
        ]),
    )
    return health
