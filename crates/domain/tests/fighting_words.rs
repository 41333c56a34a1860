//! The z-scores of 1,000 terms equal those of ConvoKit's `FightingWords`.
//!
//! The fixture has counts of invented terms, drawn from Zipf's law with a different tilt for each term, and the scores
//! that `FightingWords._bayes_compare_language` of convokit 5.0.0 (Python 3.11, numpy 2.4.6) computes for them. Its
//! `CountVectorizer` was replaced by one that returns the counts, and its prior is
//! `500 * (texts + texts_other) / sum(texts + texts_other)`.

#![expect(clippy::expect_used, reason = "tests")]

use domain::policies::log_odds;

/// A row: the counts on both sides, and the score.
fn row(line: &str) -> ([u64; 2], f64) {
    let fields: Vec<&str> = line.split(',').collect();
    let [_term, texts, texts_other, z] = fields[..] else { panic!("{line}") };
    let count = |field: &str| field.parse().expect("a count");
    ([count(texts), count(texts_other)], z.parse().expect("a score"))
}

#[test]
fn scores_equal_those_of_convokit() {
    let rows: Vec<_> = include_str!("fixtures/fighting_words.csv").lines().skip(1).map(row).collect();
    assert_eq!(rows.len(), 1_000);
    let totals = [0, 1].map(|side: usize| rows.iter().map(|(counts, _)| counts[side]).sum());
    for (counts, z) in rows {
        let actual = log_odds(counts, totals).z;
        assert!((actual - z).abs() <= 1e-9, "{counts:?}: {actual} instead of {z}");
    }
}
