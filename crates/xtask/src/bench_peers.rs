//! Measures Undertone and common Python engines and servers: the same model, texts and load, alternating.

mod agreement;
mod engines;
mod peers;
mod rounds;
mod servers;

use std::path::PathBuf;

use clap::Args;

use crate::bench::corpus::Corpus;
use crate::bench::undertone::UndertoneArgs;
use crate::bench_peers::peers::{Peer, Python};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct BenchPeersArgs {
    /// How many times everything is measured, alternating
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these peers [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Peer>,
    /// Seconds for each server and number of connections
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The texts: one per line, or a .tsv with a header line and the label last [default: generated sentences]
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// How many of the texts the engines compute
    #[arg(long, default_value_t = 1024)]
    count: usize,
    #[command(flatten)]
    undertone: UndertoneArgs,
}

impl BenchPeersArgs {
    /// Returns the selected peers that `is_included` accepts.
    fn peers(&self, is_included: impl Fn(Peer) -> bool) -> Vec<Peer> {
        let is_selected = |peer: &Peer| self.only.is_empty() || self.only.contains(peer);
        Peer::ALL.into_iter().filter(|peer| is_selected(peer) && is_included(*peer)).collect()
    }
}

/// Installs the peers, exports the model for them, measures, and prints a table of engines and one of servers.
pub(crate) fn run(workspace: &Workspace, args: &BenchPeersArgs) -> anyhow::Result<()> {
    let corpus = Corpus::read(args.texts.as_ref())?;
    let python = Python::prepare(workspace, &args.undertone.model(workspace))?;
    println!("texts: {}; {} rounds", corpus.origin(), args.rounds);
    let engines = args.peers(Peer::is_engine);
    if !engines.is_empty() {
        engines::run(workspace, args, &python, &corpus, &engines)?;
    }
    let servers = args.peers(|peer| !peer.is_engine());
    if !servers.is_empty() {
        servers::run(workspace, args, &python, &corpus, &servers)?;
    }
    Ok(())
}
