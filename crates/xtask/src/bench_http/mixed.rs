use anyhow::Context;

use super::Target;
use super::steady::WARM_UP_SECONDS;
use crate::bench::client::Client;
use crate::bench::corpus::Corpus;
use crate::bench::load::{Load, LoadResult};
use crate::bench::table::{millis, table};

/// The connections of each class.
const EACH: u32 = 32;
/// The words of a short text, least and most: some 5 to 30 tokens with the special ones.
const SHORT: (usize, usize) = (3, 18);
/// The words of a long text, least and most: some 50 to 500 tokens.
const LONG: (usize, usize) = (40, 370);
/// Distinct texts of each class.
const TEXTS: usize = 2_000;

/// Measures the short texts alone, then short and long texts at the same time. Each class has its own load, since
/// `wrk` reports the times of a load as a whole.
pub(super) fn run(target: &mut Target, corpus: &Corpus, seconds: u64) -> anyhow::Result<()> {
    let short = corpus.of_lengths("short", TEXTS, |number| within(SHORT, number));
    let long = corpus.of_lengths("long", TEXTS, |number| within(LONG, number));
    println!("{}: {}", short.origin(), lengths(target, &short)?);
    println!("{}: {}", long.origin(), lengths(target, &long)?);
    println!("{EACH} connections for each class; {seconds} s\n");
    let (mut short, mut long) = (Load::new(&short, target.run)?, Load::new(&long, target.run)?);
    both(target, &mut short, &mut long, WARM_UP_SECONDS)?;
    let alone = short.run(&target.url, EACH, seconds)?;
    let (beside, long) = both(target, &mut short, &mut long, seconds)?;
    target.ensure_running()?;
    let rows = [row("short, alone", &alone), row("short, beside long", &beside), row("long", &long)];
    println!("{}", table(&HEAD, &rows));
    Ok(())
}

const HEAD: [&str; 7] = ["texts", "answers/s", "p50 ms", "p99 ms", "max ms", "p99 / p50", "faults"];

fn row(name: &str, result: &LoadResult) -> Vec<String> {
    vec![
        name.to_owned(),
        format!("{:.0}", result.answers_per_second()),
        millis(result.p50),
        millis(result.p99),
        millis(result.max),
        format!("{:.2}", result.p99 as f64 / result.p50.max(1) as f64),
        result.faults().to_string(),
    ]
}

fn both(
    target: &Target,
    short: &mut Load,
    long: &mut Load,
    seconds: u64,
) -> anyhow::Result<(LoadResult, LoadResult)> {
    let running = (short.start(&target.url, EACH, seconds)?, long.start(&target.url, EACH, seconds)?);
    Ok((short.finish(running.0, EACH)?, long.finish(running.1, EACH)?))
}

/// Returns the number of words of the n-th text: every length equally often, long texts between short ones.
fn within((least, most): (usize, usize), number: usize) -> usize {
    const STRIDE: usize = 7_919;
    least + number * STRIDE % (most - least + 1)
}

/// Returns the shortest, the mean and the longest text in tokens, by the server's counts for some of them.
fn lengths(target: &Target, corpus: &Corpus) -> anyhow::Result<String> {
    let client = Client::new(&target.url);
    let tokens = |text: &String| client.predict(text)?.tokens.context("the prediction has no token count");
    let counts: Vec<u64> = corpus.first(300).iter().map(tokens).collect::<anyhow::Result<_>>()?;
    let (least, most) = (counts.iter().min().unwrap_or(&0), counts.iter().max().unwrap_or(&0));
    let mean = counts.iter().sum::<u64>() as f64 / counts.len().max(1) as f64;
    Ok(format!("{least} to {most} tokens, {mean:.0} on average"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_of_a_class_is_equally_frequent() {
        for (least, most) in [SHORT, LONG] {
            let period = most - least + 1;
            let mut words: Vec<usize> = (0..period).map(|number| within((least, most), number)).collect();
            words.sort_unstable();
            assert_eq!(words, (least..=most).collect::<Vec<_>>());
        }
    }
}
