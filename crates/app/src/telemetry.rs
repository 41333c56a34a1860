//! Logs and the metrics registry: set up once, at start.

use std::io::{self, IsTerminal};

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::config::{LogFormat, LogSettings};

/// Where log lines go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LogTo {
    /// Standard output: the service's own.
    Stdout,
    /// Standard error: beside a command's output.
    Stderr,
}

/// Sets the log up: pretty on a terminal, JSON otherwise.
///
/// # Errors
/// A filter that cannot be read.
pub(crate) fn init_log(settings: &LogSettings, to: LogTo) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.filter)
        .with_context(|| format!("configuration: log.filter {:?} cannot be read", settings.filter))?;
    let (terminal, writer) = match to {
        LogTo::Stdout => (io::stdout().is_terminal(), BoxMakeWriter::new(io::stdout)),
        LogTo::Stderr => (io::stderr().is_terminal(), BoxMakeWriter::new(io::stderr)),
    };
    let pretty = match settings.format {
        LogFormat::Auto => terminal,
        LogFormat::Json => false,
        LogFormat::Pretty => true,
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(terminal);
    let outcome = if pretty { log.try_init() } else { log.json().with_current_span(false).try_init() };
    outcome.map_err(|error| anyhow::anyhow!("the log cannot be set up: {error}"))
}

/// The edges of histograms over seconds: the ten of the source texts, and 1, 2.5 and 5 ms below them.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The edges of histograms over counts.
const COUNTS: &[f64] =
    &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0];
/// The edges of histograms over probabilities.
const PROBABILITIES: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];

/// Sets the metrics up and gives the handle that renders them.
///
/// # Errors
/// Where it was done before.
pub(crate) fn init_metrics() -> anyhow::Result<PrometheusHandle> {
    let suffix = |text: &str| Matcher::Suffix(text.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(suffix("_seconds"), SECONDS)?
        .set_buckets_for_metric(suffix("_confidence"), PROBABILITIES)?
        .set_buckets(COUNTS)?
        .install_recorder()?;
    http_actix::describe_http_metrics();
    infra_ml::describe_metrics();
    infra_local::describe_cache_metrics();
    infra_local::describe_relay_metrics();
    metrics::gauge!("undertone_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}
