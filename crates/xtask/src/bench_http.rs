//! Measures the service end to end under load: every text new, every prediction stored.

mod mixed;
mod soak;
mod steady;

use std::path::PathBuf;

use clap::Args;

use crate::bench::client::Client;
use crate::bench::corpus::Corpus;
use crate::bench::disk;
use crate::bench::server::Server;
use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct BenchHttpArgs {
    /// A running server, such as http://127.0.0.1:8000 [default: the release binary, built and started]
    #[arg(long, conflicts_with_all = ["store", "model", "program", "settings"])]
    url: Option<String>,
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// Numbers of connections, each with one request in flight
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    connections: Vec<u32>,
    /// Seconds for each number of connections
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// The texts: one per line, or a .tsv with a header line and the label last [default: generated sentences]
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// Send short texts over 32 connections and long ones over 32 instead, and compare the short ones' times
    #[arg(long, conflicts_with = "soak")]
    mixed: bool,
    /// Make this many predictions over 64 connections instead, and print the memory after each minute
    #[arg(long, value_name = "PREDICTIONS")]
    soak: Option<u64>,
}

/// The server under load.
#[derive(Debug)]
struct Target {
    url: String,
    /// `None` for a server that was running already, whose memory is unknown.
    server: Option<Server>,
    /// Part of each text, so that the texts of several runs against the same server differ.
    run: u64,
}

/// Starts the server, prints what is measured, and measures it.
pub(crate) fn run(workspace: &Workspace, args: &BenchHttpArgs) -> anyhow::Result<()> {
    let corpus = Corpus::read(args.texts.as_ref())?;
    // It owns the database, which must outlive the server.
    let (_undertone, mut target) = if let Some(url) = &args.url {
        let url = url.trim_end_matches('/').to_owned();
        (None, Target { url, server: None, run: u64::from(std::process::id()) })
    } else {
        let undertone = Undertone::prepare(workspace, &args.undertone)?;
        let server = start(&undertone)?;
        println!("store: {}", store_name(&args.undertone.store));
        println!(
            "fdatasync p50 of the disk: {:.2} ms",
            disk::sync_time(&workspace.target()?)?.as_secs_f64() * 1e3
        );
        (Some(undertone), Target { url: server.address().to_owned(), server: Some(server), run: 0 })
    };
    Client::new(&target.url).ensure_stored("Is this prediction stored?")?;
    match args.soak {
        Some(predictions) => soak::run(&mut target, &corpus, predictions),
        None if args.mixed => mixed::run(&mut target, &corpus, args.seconds),
        None => steady::run(&mut target, &corpus, &args.connections, args.seconds),
    }
}

/// The kind of a store; its address may contain a password.
fn store_name(store: &str) -> &str {
    store.split(':').next().unwrap_or_default()
}

/// Starts it three times, prints the median time until it was ready, and returns the last.
fn start(undertone: &Undertone) -> anyhow::Result<Server> {
    let times = [undertone.start()?.start_to_ready(), undertone.start()?.start_to_ready()];
    let server = undertone.start()?;
    let mut times = [times[0], times[1], server.start_to_ready()];
    times.sort();
    println!("start to ready: {:.2} s (median of three)", times[1].as_secs_f64());
    Ok(server)
}

impl Target {
    fn resident(&self) -> Option<u64> {
        self.server.as_ref().and_then(Server::resident)
    }

    fn ensure_running(&mut self) -> anyhow::Result<()> {
        self.server.as_mut().map_or(Ok(()), Server::ensure_running)
    }
}
