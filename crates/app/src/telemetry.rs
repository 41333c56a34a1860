//! Logs and the metrics registry: set up once, at start.

mod terminal_log;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use cli::Terminal;
use infra_local::LogQueue;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::config::LogSettings;

pub(crate) use terminal_log::TerminalLog;

/// The service's log on standard output. Its last lines are written when it is dropped.
pub(crate) struct ServiceLog {
    queue: Arc<LogQueue>,
    terminal: Option<TerminalLog>,
}

/// The bytes of the lines that may wait for standard output: some 10,000 lines. As many more may be being written.
const MAX_WAITING_BYTES: usize = 4 << 20;
/// How long writing the last lines may take if standard output is not read.
const LAST_LINES_WITHIN: Duration = Duration::from_secs(2);

impl ServiceLog {
    /// The lines that wait for standard output.
    pub(crate) fn queue(&self) -> &Arc<LogQueue> {
        &self.queue
    }

    /// The log for a person, where it is one.
    pub(crate) fn terminal(&self) -> Option<&TerminalLog> {
        self.terminal.as_ref()
    }
}

impl Drop for ServiceLog {
    fn drop(&mut self) {
        // Lines that are not written by then are lost.
        self.queue.close(LAST_LINES_WITHIN);
    }
}

/// Sets up the service's log on standard output: lines for a person on a terminal, above its bars, and JSON otherwise.
/// With `has_callers`, a person sees whose each request is. If standard output is not read, lines are dropped; logging
/// never waits.
///
/// # Errors
/// A filter that cannot be parsed.
pub(crate) fn init_service_log(
    settings: &LogSettings,
    terminal: &Terminal,
    has_callers: bool,
) -> anyhow::Result<ServiceLog> {
    let queue = LogQueue::start(terminal.above_bars(io::stdout()), MAX_WAITING_BYTES);
    let queue = Arc::new(queue.context("cannot start the log's thread")?);
    let chosen = filter(settings, Level::Info, terminal.verbosity());
    let is_terminal = io::stdout().is_terminal();
    if !settings.format.is_for_people(is_terminal) {
        let look = Look { pretty: false, color: terminal.colors_output() };
        init_log(chosen, look, BoxMakeWriter::new(Arc::clone(&queue)))?;
        return Ok(ServiceLog { queue, terminal: None });
    }
    let filter = terminal_log::without_feed(parse_filter(chosen)?, chosen)?;
    let terminal = TerminalLog::init(filter, &queue, has_callers)?;
    Ok(ServiceLog { queue, terminal: Some(terminal) })
}

/// Sets up a command's log on standard error, apart from the command's output, above the bars of `terminal`. It has
/// warnings only, and more by the verbosity of `terminal`.
///
/// # Errors
/// A filter that cannot be parsed.
pub(crate) fn init_command_log(settings: &LogSettings, terminal: &Terminal) -> anyhow::Result<()> {
    let filter = filter(settings, Level::Warn, terminal.verbosity());
    let pretty = settings.format.is_for_people(io::stderr().is_terminal());
    let look = Look { pretty, color: terminal.colors_messages() };
    let terminal = terminal.clone();
    init_log(filter, look, BoxMakeWriter::new(move || terminal.above_bars(io::stderr())))
}

/// How lines look.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// For reading on a terminal, rather than JSON.
    pretty: bool,
    color: bool,
}

/// How much is logged with the default of `log.filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Warn,
    /// The default of `log.filter`.
    Info,
    Debug,
}

/// Warnings, as a filter.
const WARN: &str = "warn,hf_hub=off";
/// The steps within requests and commands, as a filter. Other crates log whole frames and queries at debug.
const DEBUG: &str = "info,undertone=debug,application=debug,cli=debug,http_actix=debug,infra_http=debug,infra_local=debug,\
    infra_ml=debug,infra_postgres=debug,infra_sqlite=debug,hf_hub=off";

/// Returns what is logged: as the configuration says or, where it does not, from `usual` on and more by `verbosity`.
fn filter(settings: &LogSettings, usual: Level, verbosity: u8) -> &str {
    let level = match (usual, verbosity) {
        (usual, 0) => usual,
        (Level::Warn, 1) => Level::Info,
        _ => Level::Debug,
    };
    match level {
        _ if settings.has_own_filter() => &settings.filter,
        Level::Warn => WARN,
        Level::Info => &settings.filter,
        Level::Debug => DEBUG,
    }
}

/// Never logged: the database driver's warnings about unknown parameters of an address, which show their values.
const QUIET: &str = "sqlx_postgres::options=off";

fn parse_filter(text: &str) -> anyhow::Result<EnvFilter> {
    let filter = EnvFilter::try_new(text);
    let filter = filter.with_context(|| format!("configuration: cannot parse log.filter {text:?}"))?;
    Ok(filter.add_directive(QUIET.parse()?))
}

fn init_log(filter: &str, look: Look, writer: BoxMakeWriter) -> anyhow::Result<()> {
    let filter = parse_filter(filter)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(look.color);
    let outcome = if look.pretty { log.try_init() } else { log.json().with_current_span(false).try_init() };
    outcome.map_err(|error| anyhow::anyhow!("cannot set up the log: {error}"))
}

/// The buckets of histograms of seconds.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The buckets of histograms of counts.
const COUNTS: &[f64] =
    &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0];
/// The buckets of histograms of probabilities.
const PROBABILITIES: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];

/// Sets up the metrics and returns the handle that renders them.
///
/// # Errors
/// Metrics that are set up already.
pub(crate) fn init_metrics() -> anyhow::Result<PrometheusHandle> {
    let suffix = |text: &str| Matcher::Suffix(text.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(suffix("_seconds"), SECONDS)?
        .set_buckets_for_metric(suffix("_confidence"), PROBABILITIES)?
        .set_buckets(COUNTS)?
        .install_recorder()?;
    http_actix::describe_http_metrics();
    infra_ml::describe_metrics();
    infra_local::describe_metrics();
    infra_http::describe_metrics();
    metrics::gauge!("undertone_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_quiet_unless_they_are_asked_not_to_be() {
        let default = LogSettings::default();
        for (usual, verbosity, expected) in [
            (Level::Warn, 0, WARN),
            (Level::Warn, 1, &default.filter),
            (Level::Warn, 2, DEBUG),
            (Level::Info, 0, &default.filter),
            (Level::Info, 1, DEBUG),
        ] {
            assert_eq!(filter(&default, usual, verbosity), expected, "{usual:?} with {verbosity}");
            assert!(EnvFilter::try_new(expected).is_ok());
        }
    }

    #[test]
    fn a_filter_that_is_set_decides_alone() {
        let settings = LogSettings { filter: "error".to_owned(), ..LogSettings::default() };
        for (usual, verbosity) in [(Level::Warn, 0), (Level::Warn, 2), (Level::Info, 0), (Level::Info, 1)] {
            assert_eq!(filter(&settings, usual, verbosity), "error");
        }
    }
}
