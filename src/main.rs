//! Reads the command line, starts logging, binds, and hands over to the library. The exit codes are all here:
//! 0 done, 1 failed at run time, 2 wrong use or configuration.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ccaas_exporter::app::{self, Reload, World};
use ccaas_exporter::artifacts::{self, Outcome, Refusal, Replace};
use ccaas_exporter::cli::{
    Artifacts, Catalogue, CatalogueOutput, Cli, Command, Demo, Log, LogFormat, LogLevel, Serve, Simulate,
};
use ccaas_exporter::clock::Clock;
use ccaas_exporter::config::{self, Config, Faults};
use ccaas_exporter::lifecycle::{Control, lifecycle};
use ccaas_exporter::reference;
use ccaas_exporter::serve::{self, Keeper};
use ccaas_exporter::simulator::{self, Scenario};
use clap::Parser;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

const DEFAULT_CONFIG_FILE: &str = "ccaas-exporter.yml";

/// Wrong use or configuration, as against trouble at run time.
enum Failure {
    Use(String),
    RunTime(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::RunTime(error)
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Use(faults.to_string())
    }
}

/// What is still being read at the end, from a file system that hangs say, is not waited for any longer.
const LONGEST_END: Duration = Duration::from_secs(1);

#[expect(
    clippy::print_stderr,
    reason = "an error that ends the program is said to the person who started it"
)]
fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Use(message)) => {
            eprintln!("{}", message.trim_end());
            ExitCode::from(2)
        }
        Err(Failure::RunTime(error)) => {
            eprintln!("ccaas-exporter: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let runtime = Runtime::new().context("cannot start the runtime")?;
    let result = runtime.block_on(async {
        match cli.command.unwrap_or(Command::Serve(cli.serve)) {
            Command::Serve(flags) => serve(flags).await,
            Command::Demo(flags) => demo(flags).await,
            Command::Simulate(flags) => simulate(flags).await,
            Command::Catalogue(flags) => catalogue(&flags),
            Command::Artifacts(flags) => artifacts(&flags),
        }
    });
    runtime.shutdown_timeout(LONGEST_END);
    result
}

#[expect(clippy::print_stdout, reason = "the answer of --config.check")]
async fn serve(flags: Serve) -> Result<(), Failure> {
    let place = config_place(flags.config_file.clone());
    // Faults of both files are told together.
    let (config, keeper) = match (read_config(place.as_deref()), web_config(&flags)) {
        (Ok(config), Ok(keeper)) => (config, keeper),
        (Err(one), Err(other)) => return Err(Failure::Use(format!("{one}\n{other}"))),
        (Err(faults), _) | (_, Err(faults)) => return Err(faults.into()),
    };
    if flags.config_check {
        let names: Vec<&str> =
            config.organizations.iter().map(|organization| organization.name.as_str()).collect();
        println!("the configuration is good; organizations: {}", names.join(", "));
        return Ok(());
    }
    start_logging(&flags.log);
    keeper.warn();
    // From here on, so that a SIGHUP during the start does not end the program.
    let hangups = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    let listeners = if flags.systemd_socket {
        app::inherited()?
    } else {
        let mut listeners = Vec::new();
        for address in &flags.listen_addresses {
            listeners.push(app::listen(address, "--web.listen-address").await?);
        }
        listeners
    };
    for listener in &listeners {
        let address = listener.local_addr().context("a bound socket has an address")?;
        tracing::info!(%address, tls = keeper.is_tls(), organizations = config.organizations.len(), "listening");
    }
    let serving = serve::Options {
        keeper: Arc::new(keeper),
        limits: serve::Limits::of_this_process(),
        max_requests: flags.max_requests,
    };
    let (control, requests) = lifecycle();
    tokio::spawn(reload_at(hangups, control.clone()));
    let reload = Reload {
        requests,
        source: Arc::new(move || read_config(place.as_deref())),
        control: flags.enable_lifecycle.then_some(control),
    };
    let storage_path = Some(flags.storage_path).filter(|path| !path.as_os_str().is_empty());
    let world = World { serving, storage_path, reload: Some(reload), ..World::new(flags.telemetry_path) };
    Ok(app::run(config, world, listeners, stop_signal()).await?)
}

/// The web configuration, which is followed from now on; plain HTTP for everybody without one.
fn web_config(flags: &Serve) -> Result<Keeper, Faults> {
    match flags.web_config_file.clone().filter(|path| !path.as_os_str().is_empty()) {
        Some(path) => Keeper::following(move || config::web::load(&path)),
        None => Ok(Keeper::fixed(serve::Settings::default())),
    }
}

#[expect(clippy::print_stdout, reason = "tells what to open")]
async fn demo(flags: Demo) -> Result<(), Failure> {
    start_logging(&flags.log);
    let simulator = app::listen(&flags.simulator_address, "--simulator.listen-address").await?;
    let exporter = app::listen(&flags.listen_address, "--web.listen-address").await?;
    let at =
        |listener: &tokio::net::TcpListener| listener.local_addr().context("a bound socket has an address");
    let (simulator_address, exporter_address) = (at(&simulator)?, at(&exporter)?);
    println!(
        "ccaas-exporter demo: simulated figures, no account, stop with Ctrl-C\n\n  \
         status page   http://{exporter_address}/\n  \
         metrics       http://{exporter_address}/metrics\n  \
         status JSON   http://{exporter_address}/api/v1/status\n  \
         simulator     http://{simulator_address}/\n"
    );
    Ok(app::demo(simulator, exporter, flags.billing_day, stop_signal()).await?)
}

#[expect(clippy::print_stdout, reason = "tells how to use it")]
async fn simulate(flags: Simulate) -> Result<(), Failure> {
    let mut options = simulator::Options::new(Clock::system());
    options.seed = flags.seed;
    options.clients = flags.clients.into();
    options.days = flags.days;
    options.billing_day = flags.billing_day;
    if let Some(path) = &flags.scenario {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::Use(format!("{}: cannot read the scenario: {error}", path.display()))
        })?;
        options.scenario =
            Scenario::parse(&text).map_err(|why| Failure::Use(format!("{}: {why}", path.display())))?;
    }
    start_logging(&flags.log);
    let listener = app::listen(&flags.listen_address, "--web.listen-address").await?;
    let address = listener.local_addr().context("a bound socket has an address")?;
    let simulator = simulator::Simulator::new(options);
    println!(
        "simulated vendors on http://{address}/ (stop with Ctrl-C)\n\n  \
         api_url and login_url  http://{address}\n  \
         token_url              http://{address}/oauth/token\n  \
         client_id              {}\n  \
         client_secret          {}\n\n{}",
        simulator::CLIENT_ID,
        simulator::CLIENT_SECRET,
        simulator.directory()
    );
    Ok(app::simulate(listener, simulator, stop_signal()).await?)
}

fn catalogue(flags: &Catalogue) -> Result<(), Failure> {
    let text = match flags.output {
        CatalogueOutput::Markdown => reference::markdown(),
        CatalogueOutput::Json => reference::json(),
    };
    print(&text)
}

fn artifacts(flags: &Artifacts) -> Result<(), Failure> {
    let named = flags.thresholds.clone().filter(|path| !path.as_os_str().is_empty());
    // Those that somebody has set in the folder hold there until others are named.
    let in_the_folder =
        || Some(flags.output_directory.join(artifacts::THRESHOLDS)).filter(|path| path.is_file());
    let (thresholds, source) = config::thresholds::load(named.or_else(in_the_folder).as_deref())?;
    let files = artifacts::all(&thresholds, source);
    let replace = Replace { fitting: flags.force, samples: flags.force_samples };
    let written =
        artifacts::write(&flags.output_directory, &files, replace).map_err(|refusal| match refusal {
            Refusal::Differs(_) => Failure::Use(refusal.to_string()),
            Refusal::Failed { .. } => Failure::RunTime(refusal.into()),
        })?;
    let lines = written.iter().map(|file| {
        let outcome = match file.outcome {
            Outcome::New => "written",
            Outcome::Replaced => "replaced",
            Outcome::Unchanged => "unchanged",
            Outcome::Kept => "kept",
        };
        let why = if file.outcome == Outcome::Kept {
            " (differs from the sample; --force-samples replaces it)"
        } else {
            ""
        };
        format!("{outcome:<10} {}{why}", file.path.display())
    });
    let mut lines: Vec<String> = lines.collect();
    if !thresholds.has_runbook_url() {
        let folder = flags.output_directory.display();
        lines.push(format!(
            "\nThe alerts link to {}, which is a path and no address. Set runbook_url in {folder}/{} to the URL at which your people read \
             the runbooks, and run this again with --force. The pages are in {folder}/runbooks.",
            thresholds.runbook_url,
            artifacts::THRESHOLDS,
        ));
    }
    print(&lines.join("\n"))
}

/// Prints an answer. A reader that has seen enough closes the pipe, which is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(format!("{}\n", text.trim_end()).as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output").into())
        }
        _ => Ok(()),
    }
}

/// Where the configuration is, once and for all reloads: in the named file; else in the default one if it exists; else `None`
/// for the vendors' variables.
fn config_place(named: Option<PathBuf>) -> Option<PathBuf> {
    let default = PathBuf::from(DEFAULT_CONFIG_FILE);
    named.filter(|path| !path.as_os_str().is_empty()).or_else(|| default.exists().then_some(default))
}

/// The configuration; how to start, when there is none.
fn read_config(place: Option<&Path>) -> Result<Config, Faults> {
    let environment = |name: &str| std::env::var(name).ok();
    match place {
        Some(path) => Config::load(path, &environment),
        None => match Config::from_environment(&environment)? {
            Some(config) => Ok(config),
            None => Config::load(Path::new(DEFAULT_CONFIG_FILE), &environment),
        },
    }
}

/// Logs to standard error: this program's own lines at the chosen level, those of libraries only from warnings on.
fn start_logging(log: &Log) {
    let level = match log.level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    let filter = EnvFilter::new(format!("warn,ccaas_exporter={level}"));
    let layer = match log.format {
        LogFormat::Logfmt => {
            tracing_logfmt::builder().with_target(false).layer().with_writer(std::io::stderr).boxed()
        }
        LogFormat::Json => {
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed()
        }
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
}

/// Asks for a reload at each SIGHUP. How it ended is logged where it is done.
async fn reload_at(mut hangups: Signal, control: Control) {
    while hangups.recv().await.is_some() {
        let _ = control.reload().await;
    }
}

/// Ends at SIGTERM or SIGINT, which are caught from the call on: whoever sees the exporter serve may stop it.
fn stop_signal() -> impl Future<Output = ()> {
    let [mut terminate, mut interrupt] = [SignalKind::terminate(), SignalKind::interrupt()]
        .map(|kind| signal(kind).expect("a signal handler can be set"));
    async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
