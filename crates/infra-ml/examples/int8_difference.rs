//! Prints how much the outputs of a model in int8 differ from those in f32, for each SIMD level of this CPU: on the
//! built-in texts, by which `precision = "auto"` decides, and on other texts.
//!
//! ```text
//! cargo run --release -p infra-ml --example int8_difference -- MODEL_FOLDER TEXTS
//! ```
//!
//! `TEXTS` has one text per line, or is a `.tsv` with a header line and the texts in its first column. At most 128
//! tokens of a text are used.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use application::ports::Calibration;
use infra_ml::bench::compare_int8;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, file] = &arguments[..] else {
        return Err("usage: int8_difference MODEL_FOLDER TEXTS".into());
    };
    let content = fs::read_to_string(file)?;
    let is_tsv = Path::new(file).extension().is_some_and(|extension| extension == "tsv");
    let lines = content.lines().skip(usize::from(is_tsv));
    let texts: Vec<&str> =
        lines.map(|line| if is_tsv { line.split('\t').next().unwrap_or_default() } else { line }).collect();
    println!(
        "| SIMD level | norms | texts | same label | p95 of probabilities | max | max of logits | int8 |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (level, comparisons) in compare_int8(Path::new(folder), &texts)? {
        for (name, comparison) in ["built-in", "given"].into_iter().zip(comparisons) {
            print(level, name, &comparison);
        }
    }
    Ok(())
}

fn print(level: &str, name: &str, comparison: &Calibration) {
    let Calibration { texts, labels_agreeing, .. } = comparison;
    println!(
        "| {level} | {} | {texts} {name} | {:.2}% | {:.4} | {:.4} | {:.3} | {} |",
        if comparison.norms_folded { "folded" } else { "as they are" },
        100.0 * f64::from(*labels_agreeing) / f64::from(*texts),
        comparison.p95_probability_difference,
        comparison.max_probability_difference,
        comparison.max_logit_difference,
        if comparison.passed { "passes" } else { "is refused" },
    );
}
