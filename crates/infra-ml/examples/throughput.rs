//! Asks for the texts of a file from many callers at once, each with one text at a time: texts and tokens per second
//! of the gateway without HTTP or a store.
//!
//! ```text
//! cargo run --release -p infra-ml --example throughput -- MODEL_FOLDER FILE.tsv [ROWS [CALLERS [BATCH_TOKENS]]]
//! ```
//!
//! The file has one header line, then lines whose first column is a text.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

use application::ports::MlGateway;
use domain::value_objects::{InputText, TenantId, TextLimits};
use infra_ml::{LocalMlGateway, ModelSettings};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, file, rest @ ..] = &arguments[..] else {
        return Err("usage: throughput MODEL_FOLDER FILE.tsv [ROWS [CALLERS [BATCH_TOKENS]]]".into());
    };
    let number = |place: usize, default: usize| rest.get(place).map_or(Ok(default), |number| number.parse());
    let (rows, callers) = (number(0, 500)?, number(1, 64)?);
    let mut settings = ModelSettings::new(model);
    settings.max_batch_tokens = number(2, settings.max_batch_tokens)?;
    let lines = fs::read_to_string(file)?;
    let columns = lines.lines().skip(1).take(rows).map(|line| line.split('\t').next().unwrap_or_default());
    let texts: Arc<Vec<InputText>> =
        Arc::new(columns.filter_map(|text| InputText::parse(text, TextLimits::default()).ok()).collect());

    let (gateway, loading) = LocalMlGateway::start(settings);
    loading.await?;
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let calling: Vec<_> = (0..callers)
        .map(|_| tokio::spawn(call(Arc::clone(&gateway), Arc::clone(&texts), Arc::clone(&next))))
        .collect();
    let (mut tokens, mut latencies) = (0, Vec::new());
    for caller in calling {
        let (sum, took) = caller.await??;
        tokens += sum;
        latencies.extend(took);
    }
    let seconds = started.elapsed().as_secs_f64();
    gateway.stop().await;
    latencies.sort();
    let at = |share: usize| latencies.get(latencies.len() * share / 100).map_or(0.0, Duration::as_secs_f64);
    println!("texts {}, callers {callers}, seconds {seconds:.2}", latencies.len());
    println!("texts/s {:.1}, tokens/s {:.0}", latencies.len() as f64 / seconds, f64::from(tokens) / seconds);
    println!("latency s: p50 {:.3}, p95 {:.3}, p99 {:.3}", at(50), at(95), at(99));
    Ok(())
}

/// Asks for one text after another until none is left: the tokens read, and how long each answer took.
async fn call(
    gateway: Arc<LocalMlGateway>,
    texts: Arc<Vec<InputText>>,
    next: Arc<AtomicUsize>,
) -> Result<(u32, Vec<Duration>), Failure> {
    let (mut tokens, mut took) = (0, Vec::new());
    while let Some(text) = texts.get(next.fetch_add(1, Ordering::Relaxed)) {
        let asked = Instant::now();
        tokens += gateway.predict(&TenantId::default(), text).await?.usage.tokens;
        took.push(asked.elapsed());
    }
    Ok((tokens, took))
}
