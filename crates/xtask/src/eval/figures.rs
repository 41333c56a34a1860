use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

/// The figures that a model was published with.
#[derive(Debug)]
pub(super) struct ModelCard(Value);

impl ModelCard {
    /// Reads a `metrics.json`.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let json = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(Self(serde_json::from_slice(&json).with_context(|| file.display().to_string())?))
    }

    /// The figure of a set.
    pub(super) fn figure(&self, set: &str, measure: &str) -> anyhow::Result<f64> {
        self.0[set][measure].as_f64().with_context(|| format!("the model card has no {measure} of {set}"))
    }
}

/// A measured figure beside the published one, both as shares of one.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) set: &'static str,
    pub(super) size: usize,
    pub(super) measure: &'static str,
    pub(super) measured: f64,
    pub(super) expected: f64,
}

impl Figure {
    /// How far it is from the model card, in points of a hundred.
    pub(super) fn points(&self) -> f64 {
        (self.measured - self.expected) * 100.0
    }
}

/// The figures as a table in Markdown.
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
            // Adding zero makes a negative zero positive.
            format!("{:+.3}", (figure.points() * 1_000.0).round() / 1_000.0 + 0.0),
        ])
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::eval::labelled::{Classes, SETS};
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
    fn a_row_tells_both_figures_and_their_distance_in_points() {
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
