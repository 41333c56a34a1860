use std::io::Write;

use super::Target;
use crate::bench::corpus::Corpus;
use crate::bench::load::Load;
use crate::bench::table::{megabytes, millis, table};

const CONNECTIONS: u32 = 64;
const MINUTE: u64 = 60;

/// Measures minute by minute until so many predictions were made. Each row is printed at the end of its minute.
pub(super) fn run(target: &mut Target, corpus: &Corpus, predictions: u64) -> anyhow::Result<()> {
    println!("texts: {}; {CONNECTIONS} connections\n", corpus.origin());
    let mut load = Load::new(corpus, target.run)?;
    let (mut minute, mut predicted, mut faults) = (0_u64, 0_u64, 0_u64);
    let mut memory = Vec::new();
    while predicted < predictions {
        let result = load.run(&target.url, CONNECTIONS, MINUTE)?;
        target.ensure_running()?;
        minute += 1;
        predicted += result.requests.saturating_sub(result.refused);
        faults += result.faults();
        let resident = target.resident();
        memory.extend(resident);
        let row = vec![
            minute.to_string(),
            predicted.to_string(),
            format!("{:.0}", result.answers_per_second()),
            millis(result.p50),
            millis(result.p99),
            result.faults().to_string(),
            megabytes(resident),
        ];
        let printed = table(&HEAD, &[row]);
        // The header once, then a line per minute.
        let lines = printed.lines().skip(if minute == 1 { 0 } else { 2 });
        let mut terminal = std::io::stdout().lock();
        for line in lines {
            writeln!(terminal, "{line}")?;
        }
        terminal.flush()?;
        anyhow::ensure!(predicted > 0, "the server makes no predictions");
    }
    println!("\n{predicted} predictions in {minute} minutes, {faults} faults; {}", growth(&memory));
    Ok(())
}

const HEAD: [&str; 7] =
    ["minute", "predictions", "answers/s", "  p50 ms", "  p99 ms", "faults", "resident MB"];

/// Describes how memory changed since the end of the first minute.
fn growth(memory: &[u64]) -> String {
    let (Some(first), Some(last)) = (memory.first(), memory.last()) else {
        return "the server's memory is unknown".to_owned();
    };
    let most = memory.iter().max().unwrap_or(last);
    let change = |bytes: u64| (bytes as f64 - *first as f64) / 1e6;
    format!(
        "resident after the first minute {} MB, at the end {:+.1} MB, at most {:+.1} MB",
        megabytes(Some(*first)),
        change(*last),
        change(*most)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_measured_from_the_end_of_the_first_minute() {
        let expected = "resident after the first minute 150 MB, at the end +1.0 MB, at most +2.0 MB";
        assert_eq!(growth(&[150_000_000, 152_000_000, 151_000_000]), expected);
        assert!(growth(&[]).contains("unknown"));
    }
}
