use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

/// The figures published with a model.
#[derive(Debug)]
pub(super) struct ModelCard(Value);

impl ModelCard {
    /// Reads a `metrics.json`.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let json = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Self(serde_json::from_slice(&json).with_context(|| file.display().to_string())?))
    }

    /// Returns a measure of a set, as a fraction.
    pub(super) fn figure(&self, set: &str, measure: &str) -> anyhow::Result<f64> {
        self.0[set][measure].as_f64().with_context(|| format!("the model card lacks {measure} of {set}"))
    }
}

/// A measured figure and the published one, both as fractions.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) set: &'static str,
    pub(super) size: usize,
    pub(super) measure: &'static str,
    pub(super) measured: f64,
    pub(super) expected: f64,
}

impl Figure {
    /// Returns the difference from the model card in percentage points.
    pub(super) fn points(&self) -> f64 {
        (self.measured - self.expected) * 100.0
    }
}

/// Formats the figures as a Markdown table.
pub(super) fn table(figures: &[Figure]) -> String {
    let row = |cells: [String; 6]| {
        let [set, size, measure, measured, expected, points] = cells;
        format!("| {set:<9} | {size:>6} | {measure:<19} | {measured:>8} | {expected:>10} | {points:>10} |")
    };
    let head = ["set", "n", "measure", "measured", "model card", "difference"].map(str::to_owned);
    let line = format!(
        "|{}|{}:|{}|{}:|{}:|{}:|",
        "-".repeat(11),
        "-".repeat(7),
        "-".repeat(21),
        "-".repeat(9),
        "-".repeat(11),
        "-".repeat(11)
    );
    let mut lines = vec![row(head), line];
    lines.extend(figures.iter().map(|figure| {
        row([
            figure.set.to_owned(),
            figure.size.to_string(),
            figure.measure.to_owned(),
            format!("{:.2} %", figure.measured * 100.0),
            format!("{:.2} %", figure.expected * 100.0),
            // Adding zero turns a negative zero into a positive one.
            format!("{:+.3}", (figure.points() * 1_000.0).round() / 1_000.0 + 0.0),
        ])
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::eval::labeled::{Classes, SETS};
    use crate::workspace::Workspace;

    #[test]
    fn the_bundled_model_has_every_figure() {
        let card = Workspace::new().unwrap().root().join("models/sentiment-minilm-l6/metrics.json");
        let card = ModelCard::read(&card).unwrap();
        for set in &SETS {
            let measures: &[&str] = match set.classes {
                Classes::Two => &["accuracy_pos_vs_neg"],
                Classes::Three => &["accuracy", "macro_recall", "ece"],
            };
            for measure in measures {
                assert!((0.0..=1.0).contains(&card.figure(set.name, measure).unwrap()), "{measure}");
            }
        }
        assert!(card.figure("sst2_dev", "unknown").is_err());
    }

    #[test]
    fn a_row_has_both_figures_and_their_difference_in_points() {
        let figure =
            Figure { set: "sst2_dev", size: 872, measure: "accuracy", measured: 0.9, expected: 0.905 };
        assert!((figure.points() + 0.5).abs() < 1e-9);
        let table = table(&[figure]);
        let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
        assert!(
            table.contains("90.00 %") && table.contains("90.50 %") && table.contains("-0.500"),
            "{table}"
        );
    }
}
