//! Measures the throughput and latency of the model gateway, including tokenization, without HTTP or a store.
//!
//! ```text
//! cargo run --release -p infra-ml --example engine_bench -- MODEL_FOLDER TEXTS [--precision f32|int8]
//!     [--device cpu|cuda:N] [--batch 1,8,32] [--threads N] [--texts N] [--rounds N] [--json]
//! ```
//!
//! `TEXTS` has one text per line, or is a `.tsv` with a header line and the texts in its first column. Batches of 1
//! are sent by one caller, so that their times are those of a text alone; larger batches by two callers per thread,
//! so that a batch always waits. The share of the peak counts the products of the whole encoder for every token, as
//! for any other engine, although the last layer needs most of them for the first token only. The peak is that of the
//! CPU, also for a CUDA device, which needs a build with `--features cuda` and `--precision f16`, `bf16` or `f32`.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use application::ports::{Admission, MlGateway, RunningModel};
use domain::value_objects::{InputText, ReadOptions, TenantId, TextLimits};
use infra_ml::{DeviceChoice, LocalModelLoader, ModelSettings, Precision, peak_products_per_second};
use serde_json::{Value, json};

type Failure = Box<dyn Error + Send + Sync>;

struct Options {
    model: String,
    texts: Vec<InputText>,
    precision: Precision,
    device: DeviceChoice,
    batches: Vec<usize>,
    threads: usize,
    rounds: usize,
    json: bool,
}

fn main() -> Result<(), Failure> {
    let options = options(env::args().skip(1))?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(options.threads).enable_all().build()?;
    runtime.block_on(run(options))
}

async fn run(options: Options) -> Result<(), Failure> {
    let mut settings = ModelSettings::new(&options.model);
    settings.precision = options.precision;
    settings.device = options.device;
    settings.threads = NonZeroUsize::new(options.threads);
    settings.max_queue_items = 100_000;
    settings.max_queue_tokens = 100_000_000;
    let (RunningModel { gateway, lifecycle }, loading) =
        LocalModelLoader::default().resolve(settings)?.start();
    loading.await?;
    let products = products_per_token(Path::new(&options.model))?;
    let peak = peak_products_per_second(options.precision, options.threads);
    let texts = Arc::new(options.texts);
    for batch in options.batches {
        let callers = if batch == 1 { 1 } else { 2 * options.threads };
        let mut best: Option<Round> = None;
        for _ in 0..options.rounds {
            let round = measure(&gateway, &texts, batch, callers).await?;
            if best.as_ref().is_none_or(|best| round.texts_per_second > best.texts_per_second) {
                best = Some(round);
            }
        }
        let Some(round) = best else { continue };
        let share = round.tokens_per_second * products / peak;
        if options.json {
            println!(
                "{}",
                json!({
                    "precision": options.precision.as_str(), "batch": batch, "texts": texts.len(),
                    "texts_per_second": round.texts_per_second, "tokens_per_second": round.tokens_per_second,
                    "p50_ms": round.p50, "p99_ms": round.p99, "peak_products_per_second": peak, "peak_share": share,
                })
            );
        } else {
            println!(
                "{} batch {batch}: {:.0} texts/s, {:.0} tokens/s, p50 {:.3} ms, p99 {:.3} ms, {:.1}% of the peak of {:.0} G/s",
                options.precision,
                round.texts_per_second,
                round.tokens_per_second,
                round.p50,
                round.p99,
                100.0 * share,
                peak / 1e9,
            );
        }
    }
    lifecycle.stop().await;
    Ok(())
}

/// The results of one pass over all texts.
struct Round {
    texts_per_second: f64,
    tokens_per_second: f64,
    /// The median time of a batch, in milliseconds.
    p50: f64,
    /// The 99th percentile of the time of a batch, in milliseconds.
    p99: f64,
}

async fn measure(
    gateway: &Arc<dyn MlGateway>,
    texts: &Arc<Vec<InputText>>,
    batch: usize,
    callers: usize,
) -> Result<Round, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let calling: Vec<_> = (0..callers)
        .map(|_| tokio::spawn(call(Arc::clone(gateway), Arc::clone(texts), Arc::clone(&next), batch)))
        .collect();
    let (mut tokens, mut times) = (0, Vec::new());
    for caller in calling {
        let (sum, of_caller) = caller.await??;
        tokens += sum;
        times.extend(of_caller);
    }
    let seconds = started.elapsed().as_secs_f64();
    times.sort();
    let percentile =
        |percent: usize| times.get(times.len() * percent / 100).map_or(0.0, Duration::as_secs_f64) * 1e3;
    Ok(Round {
        texts_per_second: texts.len() as f64 / seconds,
        tokens_per_second: tokens as f64 / seconds,
        p50: percentile(50),
        p99: percentile(99),
    })
}

/// Sends one batch after another until none is left. Returns the tokens, including special tokens, and the time of each
/// batch.
async fn call(
    gateway: Arc<dyn MlGateway>,
    texts: Arc<Vec<InputText>>,
    next: Arc<AtomicUsize>,
    batch: usize,
) -> Result<(u64, Vec<Duration>), Failure> {
    let (mut tokens, mut times) = (0, Vec::new());
    let tenant = TenantId::default();
    loop {
        let start = next.fetch_add(batch, Ordering::Relaxed);
        let Some(texts) = texts.get(start..texts.len().min(start + batch)).filter(|texts| !texts.is_empty())
        else {
            return Ok((tokens, times));
        };
        let started = Instant::now();
        let admission = if texts.len() == 1 { Admission::Single } else { Admission::BulkNext };
        let texts: Vec<&InputText> = texts.iter().collect();
        for output in gateway.classify(&tenant, &texts, ReadOptions::default(), admission.into()).await? {
            tokens += u64::from(output?.usage.tokens) + SPECIALS;
        }
        times.push(started.elapsed());
    }
}

/// `[CLS]` and `[SEP]`.
const SPECIALS: u64 = 2;

/// The multiply-accumulate operations of the encoder's matrix products for one token.
fn products_per_token(model: &Path) -> Result<f64, Failure> {
    let config: Value = serde_json::from_slice(&fs::read(model.join("config.json"))?)?;
    // The other name is DistilBERT's.
    let number = |key: &str, other: &str| {
        let found = config[key].as_f64().or_else(|| config[other].as_f64());
        found.ok_or_else(|| format!("config.json has no {key}"))
    };
    let (hidden, layers) = (number("hidden_size", "dim")?, number("num_hidden_layers", "n_layers")?);
    Ok(layers * (4.0 * hidden * hidden + 2.0 * hidden * number("intermediate_size", "hidden_dim")?))
}

fn options(arguments: impl Iterator<Item = String>) -> Result<Options, Failure> {
    let mut positional = Vec::new();
    let mut max_texts = usize::MAX;
    let mut options = Options {
        model: String::new(),
        texts: Vec::new(),
        precision: Precision::Int8,
        device: DeviceChoice::Cpu,
        batches: vec![1, 8, 32, 128],
        threads: thread::available_parallelism().map_or(1, NonZeroUsize::get),
        rounds: 3,
        json: false,
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--precision" => options.precision = value()?.parse()?,
            "--device" => options.device = value()?.parse()?,
            "--batch" => options.batches = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--threads" => options.threads = value()?.parse::<usize>()?.max(1),
            "--texts" => max_texts = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
            "--json" => options.json = true,
            _ => positional.push(argument),
        }
    }
    let [model, file] = &positional[..] else {
        return Err("usage: engine_bench MODEL_FOLDER TEXTS [--precision f32|int8] [--device cpu|cuda:N] \
                    [--batch 1,8,32] [--threads N] [--texts N] [--rounds N] [--json]"
            .into());
    };
    options.model.clone_from(model);
    let content = fs::read_to_string(file)?;
    let is_tsv = Path::new(file).extension().is_some_and(|extension| extension == "tsv");
    let lines = content
        .lines()
        .skip(usize::from(is_tsv))
        .map(|line| if is_tsv { line.split('\t').next().unwrap_or_default() } else { line });
    let texts = lines.filter_map(|line| InputText::parse(line, TextLimits::default()).ok());
    options.texts = texts.take(max_texts).collect();
    Ok(options)
}
