//! The command line: commands, flags and their environment variables.

use std::path::PathBuf;

use clap::builder::{BoolishValueParser, OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Prometheus exporter for the API usage and billing figures of contact-centre clouds.
///
/// Without a command it serves. `ccaas-exporter demo` shows everything without an account.
#[derive(Debug, Parser)]
#[command(name = "ccaas-exporter", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; `serve` when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of `serve`.
    #[command(flatten)]
    pub serve: Serve,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Collect in the background and serve metrics (the default)
    Serve(Serve),
    /// Run a vendor simulator and the exporter on it: no account, no configuration
    Demo(Demo),
    /// Run only the vendor simulator
    Simulate(Simulate),
    /// Print every metric with its labels, unit and meaning
    Catalogue(Catalogue),
    /// Write dashboards, rules, runbooks and sample configurations into a folder
    Artifacts(Artifacts),
}

/// Flags of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Configuration file [default: ccaas-exporter.yml; if that does not exist, the variables of the vendors' tools]
    #[arg(long = "config.file", value_name = "FILE", env = "CCAAS_EXPORTER_CONFIG_FILE")]
    pub config_file: Option<PathBuf>,
    /// Check the configuration, say what is wrong with it, and exit
    #[arg(long = "config.check")]
    pub config_check: bool,
    /// Address to serve on, HOST:PORT or :PORT; may be given several times
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        env = "CCAAS_EXPORTER_WEB_LISTEN_ADDRESS",
        value_delimiter = ',',
        default_value = ":10088",
        value_parser = listen_address
    )]
    pub listen_addresses: Vec<String>,
    /// Path of the metrics
    #[arg(
        long = "web.telemetry-path",
        value_name = "PATH",
        env = "CCAAS_EXPORTER_WEB_TELEMETRY_PATH",
        default_value = "/metrics",
        value_parser = telemetry_path
    )]
    pub telemetry_path: String,
    /// File with TLS, users and headers, in the format of Prometheus' exporters; it is followed when it changes
    #[arg(long = "web.config.file", value_name = "FILE", env = "CCAAS_EXPORTER_WEB_CONFIG_FILE")]
    pub web_config_file: Option<PathBuf>,
    /// Scrapes in flight at once; 0 is no limit
    #[arg(
        long = "web.max-requests",
        value_name = "NUMBER",
        env = "CCAAS_EXPORTER_WEB_MAX_REQUESTS",
        default_value_t = 40
    )]
    pub max_requests: usize,
    /// Serve on the sockets that systemd passes, in the place of --web.listen-address
    #[arg(
        long = "web.systemd-socket",
        env = "CCAAS_EXPORTER_WEB_SYSTEMD_SOCKET",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub systemd_socket: bool,
    /// Folder in which the last good figures outlive a restart; empty to keep nothing
    #[arg(
        long = "storage.path",
        value_name = "FOLDER",
        env = "CCAAS_EXPORTER_STORAGE_PATH",
        default_value = "data/",
        // An empty path is one too, which that of paths refuses.
        value_parser = OsStringValueParser::new().map(PathBuf::from)
    )]
    pub storage_path: PathBuf,
    /// Let POST requests to /-/reload and /-/quit reload the configuration and end the exporter; SIGHUP always reloads
    #[arg(
        long = "web.enable-lifecycle",
        env = "CCAAS_EXPORTER_WEB_ENABLE_LIFECYCLE",
        value_parser = BoolishValueParser::new()
    )]
    pub enable_lifecycle: bool,
    /// What to log.
    #[command(flatten)]
    pub log: Log,
}

/// Flags of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Address of the simulator
    #[arg(
        long = "simulator.listen-address",
        value_name = "ADDRESS",
        env = "CCAAS_EXPORTER_SIMULATOR_LISTEN_ADDRESS",
        default_value = "127.0.0.1:10089",
        value_parser = listen_address
    )]
    pub simulator_address: String,
    /// Address of the exporter
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        env = "CCAAS_EXPORTER_WEB_LISTEN_ADDRESS",
        default_value = "127.0.0.1:10088",
        value_parser = listen_address
    )]
    pub listen_address: String,
    /// Day of the month on which the simulated billing periods begin; one about two and a half weeks ago unless given
    #[arg(long, value_name = "DAY", env = "CCAAS_EXPORTER_BILLING_DAY", value_parser = clap::value_parser!(u8).range(1..=28))]
    pub billing_day: Option<u8>,
    /// What to log.
    #[command(flatten)]
    pub log: Log,
}

/// Flags of `simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Address to serve on
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        env = "CCAAS_EXPORTER_WEB_LISTEN_ADDRESS",
        default_value = "127.0.0.1:10089",
        value_parser = listen_address
    )]
    pub listen_address: String,
    /// Seed of the simulated data: the same seed gives the same figures
    #[arg(long, env = "CCAAS_EXPORTER_SEED", default_value_t = 0)]
    pub seed: u64,
    /// File with the faults to inject
    #[arg(long, value_name = "FILE", env = "CCAAS_EXPORTER_SCENARIO")]
    pub scenario: Option<PathBuf>,
    /// Simulated OAuth clients
    #[arg(long, env = "CCAAS_EXPORTER_CLIENTS", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=2000))]
    pub clients: u16,
    /// Days of simulated history
    #[arg(long, env = "CCAAS_EXPORTER_DAYS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(1..=2000))]
    pub days: u16,
    /// Day of the month on which the simulated billing periods begin
    #[arg(long, value_name = "DAY", env = "CCAAS_EXPORTER_BILLING_DAY", default_value_t = 21, value_parser = clap::value_parser!(u8).range(1..=28))]
    pub billing_day: u8,
    /// What to log.
    #[command(flatten)]
    pub log: Log,
}

/// Flags of `catalogue`.
#[derive(Debug, Args)]
pub struct Catalogue {
    /// Format of the output
    #[arg(long, value_enum, default_value = "markdown")]
    pub output: CatalogueOutput,
}

/// Format of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CatalogueOutput {
    /// A page for people.
    Markdown,
    /// An array of objects.
    Json,
}

/// Flags of `artifacts`.
#[derive(Debug, Args)]
pub struct Artifacts {
    /// Folder to write into
    #[arg(
        long = "output.directory",
        value_name = "FOLDER",
        env = "CCAAS_EXPORTER_OUTPUT_DIRECTORY",
        default_value = "ccaas-artifacts"
    )]
    pub output_directory: PathBuf,
    /// File with thresholds of alerts [default: thresholds.yml in the folder, if it is there]; what it leaves out keeps its default
    #[arg(long, value_name = "FILE", env = "CCAAS_EXPORTER_THRESHOLDS")]
    pub thresholds: Option<PathBuf>,
    /// Replace rules, dashboards, runbooks and thresholds.yml that are there and differ
    #[arg(long)]
    pub force: bool,
    /// Replace also samples that are there and differ: alertmanager.yml, compose.yaml, prometheus.yml, grafana/
    #[arg(long)]
    pub force_samples: bool,
}

/// What to log, to standard error.
#[derive(Debug, Args)]
pub struct Log {
    /// Least severe level to log
    #[arg(long = "log.level", value_enum, env = "CCAAS_EXPORTER_LOG_LEVEL", default_value = "info")]
    pub level: LogLevel,
    /// Format of the log
    #[arg(long = "log.format", value_enum, env = "CCAAS_EXPORTER_LOG_FORMAT", default_value = "logfmt")]
    pub format: LogFormat,
}

/// Severity of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Every request to a vendor.
    Debug,
    /// Every run of a collector.
    Info,
    /// What went wrong.
    Warn,
    /// What stops the exporter.
    Error,
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `key=value` pairs.
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// `HOST:PORT` or `:PORT`; whether it can be listened on is found out later.
fn listen_address(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    if matches!(port, Some(Ok(_))) {
        Ok(text.to_owned())
    } else {
        Err("expected HOST:PORT or :PORT, such as 127.0.0.1:10088".to_owned())
    }
}

/// Paths that the exporter serves something else on.
const TAKEN: [&str; 9] =
    ["/", "/api/v1/status", "/sd", "/config", "/-/healthy", "/-/ready", "/-/reload", "/-/quit", "/-/"];

fn telemetry_path(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte);
    if !text.starts_with('/') || !text.bytes().all(is_plain) {
        return Err(
            "expected a path of letters, digits and _ - . that begins with /, such as /metrics".to_owned()
        );
    }
    if text.split('/').skip(1).any(|segment| ["", ".", ".."].contains(&segment)) && text != "/" {
        return Err("expected a path without empty parts, `.` and `..`, such as /metrics".to_owned());
    }
    if TAKEN.contains(&text) {
        return Err(format!("{text} is taken; choose another path, such as /metrics"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_needs_no_command() {
        let cli = Cli::try_parse_from([
            "ccaas-exporter",
            "--web.listen-address=:1",
            "--web.listen-address=[::1]:2",
        ])
        .unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.listen_addresses, [":1", "[::1]:2"]);
        assert_eq!(cli.serve.telemetry_path, "/metrics");
        assert_eq!(cli.serve.max_requests, crate::serve::DEFAULT_MAX_REQUESTS);
        assert!(!cli.serve.systemd_socket && cli.serve.web_config_file.is_none());
    }

    #[test]
    fn an_empty_storage_path_keeps_nothing() {
        for (flag, path) in
            [("--storage.path=", ""), ("--storage.path=x", "x"), ("--log.level=info", "data/")]
        {
            let cli = Cli::try_parse_from(["ccaas-exporter", flag]).unwrap();
            assert_eq!(cli.serve.storage_path, PathBuf::from(path));
        }
    }

    #[test]
    fn an_address_without_a_port_is_refused() {
        for address in ["nonsense", ":99999", "", "127.0.0.1"] {
            let flag = format!("--web.listen-address={address}");
            assert!(Cli::try_parse_from(["ccaas-exporter", &flag]).is_err(), "{address}");
        }
    }

    #[test]
    fn a_telemetry_path_that_is_taken_is_refused() {
        for path in
            ["/", "/config", "/-/reload", "metrics", "/{x}", "/:m", "/*", "//", "/a/", "/../m", "/./m"]
        {
            let flag = format!("--web.telemetry-path={path}");
            assert!(Cli::try_parse_from(["ccaas-exporter", &flag]).is_err(), "{path}");
        }
    }
}
