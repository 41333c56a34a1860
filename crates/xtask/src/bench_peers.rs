//! Undertone beside what a Python team would run: the same model, the same texts, the same load, measured in turns.

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
    /// How often everything is measured, in turns
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these peers [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Peer>,
    /// Seconds for each server and number of connections
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The texts: a text a line, or a .tsv with a header line and the label last [default: made-up sentences]
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// How many of them the engines read
    #[arg(long, default_value_t = 1024)]
    count: usize,
    #[command(flatten)]
    undertone: UndertoneArgs,
}

impl BenchPeersArgs {
    /// The peers that were asked for, of all that `of` says yes to.
    fn peers(&self, of: impl Fn(Peer) -> bool) -> Vec<Peer> {
        let asked = |peer: &Peer| self.only.is_empty() || self.only.contains(peer);
        Peer::ALL.into_iter().filter(|peer| asked(peer) && of(*peer)).collect()
    }
}

/// Installs the peers, exports the model for them, and prints a table of engines and one of servers.
pub(crate) fn run(workspace: &Workspace, args: &BenchPeersArgs) -> anyhow::Result<()> {
    let corpus = Corpus::read(args.texts.as_ref())?;
    let python = Python::prepare(workspace, &args.undertone.model(workspace))?;
    println!("texts: {}; {} rounds in turns", corpus.origin(), args.rounds);
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
