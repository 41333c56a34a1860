use super::corpus::Corpus;
use super::fixed_load::{FixedLoad, RequestHeaders};
use super::interval::median_and_interval;
use super::load::Load;
use super::server::Server;

/// A server under test, and what the requests to it have beside their texts.
#[derive(Debug)]
pub(crate) struct Variant<'a> {
    pub(crate) name: &'static str,
    pub(crate) server: &'a Server,
    pub(crate) headers: RequestHeaders,
}

/// The number of alternating pairs of measurements, and the length of each in seconds.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct PairArgs {
    /// Pairs of measurements
    #[arg(long, default_value_t = 20)]
    pairs: usize,
    /// Seconds for each measurement
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

/// Compares variants by the CPU time of their process for each answer, at the same load.
pub(crate) struct Comparison {
    load: FixedLoad,
    pairs: usize,
}

/// The head of the table of comparisons.
pub(crate) const HEAD: [&str; 6] = ["compared", "CPU ms", "CPU ms", "ratio", "95 % from", "to"];

/// The share of the most answers per second at which the cost is measured.
const LOAD: f64 = 0.6;
/// The connections and seconds that find out the most answers per second.
const MOST: (u32, u64) = (16, 5);

impl Comparison {
    /// Measures the most answers per second of `server`, which has to answer without authentication, and prints the
    /// load that follows.
    pub(crate) fn prepare(server: &Server, args: PairArgs) -> anyhow::Result<Self> {
        let corpus = Corpus::read(None)?;
        let PairArgs { pairs, seconds } = args;
        let most = Load::new(&corpus, 0)?.run(server.address(), MOST.0, MOST.1)?.answers_per_second();
        let rate = most * LOAD;
        println!("{pairs} pairs of {seconds} s at {rate:.0} answers/s, 60 % of {most:.0}\n");
        Ok(Self { load: FixedLoad::new(corpus, rate, seconds), pairs })
    }

    /// Measures the two in turn and returns their row: the medians of the CPU time, and of the ratio with its interval.
    pub(crate) fn compare(&self, first: &Variant<'_>, second: &Variant<'_>) -> anyhow::Result<Vec<String>> {
        let measure =
            |variant: &Variant<'_>| self.load.cpu_millis_per_answer(variant.server, &variant.headers);
        // Caches, connections and the store of each are warm before the first pair.
        measure(first)?;
        measure(second)?;
        let (mut of_first, mut of_second, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for pair in 0..self.pairs {
            let (one, two) = if pair % 2 == 0 {
                let one = measure(first)?;
                (one, measure(second)?)
            } else {
                let two = measure(second)?;
                (measure(first)?, two)
            };
            of_first.push(one);
            of_second.push(two);
            ratios.push(two / one);
        }
        let (ratio, from, to) = median_and_interval(&mut ratios);
        let millis = |values: &mut Vec<f64>| format!("{:.3}", median_and_interval(values).0);
        Ok(vec![
            format!("{} to {}", first.name, second.name),
            millis(&mut of_first),
            millis(&mut of_second),
            format!("{ratio:.4}"),
            format!("{from:.4}"),
            format!("{to:.4}"),
        ])
    }
}
