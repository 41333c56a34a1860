use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::policies::{distinct_terms, log_odds};

/// The least `|z|` of a term that distinguishes two sets of texts.
pub const MIN_Z: f64 = 3.0;

/// The most distinct terms that are counted at the same time.
const MAX_TERMS: usize = 200_000;

/// The most bytes of distinct terms that are counted at the same time.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The examples of a term on each side.
const EXAMPLES: usize = 3;

/// One of the two sets of texts that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The texts whose terms are wanted.
    First,
    /// The texts against which they are compared.
    Second,
}

/// Counts, on two sides, how many texts have each term. A text with a term many times counts once.
#[derive(Debug, Clone)]
pub struct TermCounts {
    ngrams: RangeInclusive<usize>,
    terms: HashMap<String, Counted>,
    /// The bytes of the terms.
    bytes: usize,
    /// The counts of all terms, of those that were dropped as well.
    totals: [u64; 2],
    max_terms: usize,
    truncated: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    texts: [u32; 2],
    /// The greatest numbers of texts on each side, in descending order; 0 is none.
    latest: [[u32; EXAMPLES]; 2],
}

/// A term that distinguishes the first side from the second.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedTerm {
    /// The term: words in lower case, separated by spaces.
    pub term: String,
    /// The texts of the first side that have it.
    pub texts: u32,
    /// The texts of the second side that have it.
    pub texts_other: u32,
    /// The log-odds ratio ([`log_odds()`]): positive if the term is more frequent on the first side.
    pub log_odds: f64,
    /// `log_odds` in standard deviations; at least [`MIN_Z`] from 0.
    pub z: f64,
    /// The numbers of texts with the term on the side where it is more frequent: the greatest three, in descending
    /// order.
    pub examples: Vec<u32>,
}

impl TermCounts {
    /// No texts yet. Terms are the n-grams of [`distinct_terms`].
    pub fn new(ngrams: RangeInclusive<usize>) -> Self {
        Self {
            ngrams,
            terms: HashMap::new(),
            bytes: 0,
            totals: [0, 0],
            max_terms: MAX_TERMS,
            truncated: false,
        }
    }

    /// Counts the terms of a text on a side. `number`, from 1 on, identifies the text among the examples.
    pub fn add(&mut self, side: Side, number: u32, text: &str) {
        for term in distinct_terms(text, self.ngrams.clone()) {
            self.totals[side.index()] += 1;
            let bytes = term.len();
            let counted = self.terms.entry(term).or_insert_with(|| {
                self.bytes += bytes;
                Counted::default()
            });
            counted.add(side, number);
        }
        if self.is_full(self.max_terms, MAX_BYTES) {
            self.drop_rare();
        }
    }

    /// Returns whether rare terms were dropped, because there were more than 200,000 distinct terms, or 16 MiB of them.
    /// A term that was dropped and occurs again has too low counts.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Returns the terms that distinguish the sides ([`MIN_Z`]) and that at least `min_texts` texts of both have, the
    /// greatest `|z|` first.
    pub fn rank(&self, min_texts: u32) -> Vec<RankedTerm> {
        let mut ranked: Vec<_> = self
            .terms
            .iter()
            .filter(|(_, counted)| counted.sum() >= u64::from(min_texts))
            .filter_map(|(term, counted)| counted.ranked(term, self.totals))
            .collect();
        ranked.sort_by(|a, b| b.z.abs().total_cmp(&a.z.abs()).then_with(|| a.term.cmp(&b.term)));
        ranked
    }

    fn is_full(&self, terms: usize, bytes: usize) -> bool {
        self.terms.len() > terms || self.bytes > bytes
    }

    /// Drops the terms that the fewest texts have, until half of the room is free.
    fn drop_rare(&mut self) {
        self.truncated = true;
        let mut most = 1;
        while self.is_full(self.max_terms / 2, MAX_BYTES / 2) {
            self.terms.retain(|_, counted| counted.sum() > most);
            self.bytes = self.terms.keys().map(String::len).sum();
            most += 1;
        }
    }
}

impl Side {
    fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

impl Counted {
    fn add(&mut self, side: Side, number: u32) {
        self.texts[side.index()] += 1;
        let latest = &mut self.latest[side.index()];
        let place = latest.partition_point(|later| *later > number);
        if place < EXAMPLES {
            latest[place..].rotate_right(1);
            latest[place] = number;
        }
    }

    fn sum(&self) -> u64 {
        self.texts.into_iter().map(u64::from).sum()
    }

    fn ranked(&self, term: &str, totals: [u64; 2]) -> Option<RankedTerm> {
        let odds = log_odds(self.texts.map(u64::from), totals);
        let side = if odds.z > 0.0 { Side::First } else { Side::Second };
        let [texts, texts_other] = self.texts;
        (odds.z.abs() >= MIN_Z).then(|| RankedTerm {
            term: term.to_owned(),
            texts,
            texts_other,
            log_odds: odds.delta,
            z: odds.z,
            examples: self.latest[side.index()].into_iter().filter(|number| *number > 0).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 400 texts of a side, of which every fourth has the words `planted`.
    fn add_texts(counts: &mut TermCounts, side: Side, planted: &str) {
        for number in 1..=400_u32 {
            let (noun, verb) =
                (["phone", "screen", "case"][number as usize % 3], ["is", "was"][number as usize % 2]);
            let words = if number % 4 == 0 { planted } else { "so what" };
            counts.add(side, number, &format!("the {noun} {verb} {words} and the the {noun}"));
        }
    }

    fn ranked(counts: &TermCounts) -> Vec<(String, u32, u32)> {
        let shown = |term: RankedTerm| (term.term, term.texts, term.texts_other);
        counts.rank(5).into_iter().map(shown).collect()
    }

    #[test]
    fn a_planted_term_ranks_first() {
        let mut counts = TermCounts::new(1..=1);
        add_texts(&mut counts, Side::First, "battery");
        add_texts(&mut counts, Side::Second, "fine");
        let ranked = counts.rank(5);
        let found: Vec<_> = ranked.iter().map(|term| (term.term.as_str(), term.z > 0.0)).collect();
        assert_eq!(found, [("battery", true), ("fine", false)]);
        assert_eq!((ranked[0].texts, ranked[0].texts_other), (100, 0));
        assert_eq!(ranked[0].examples, [400, 396, 392]);
        assert!(ranked[0].log_odds > 0.0 && !counts.is_truncated());
    }

    #[test]
    fn a_term_of_few_texts_is_left_out() {
        let mut counts = TermCounts::new(1..=2);
        add_texts(&mut counts, Side::First, "battery");
        add_texts(&mut counts, Side::Second, "fine");
        assert!(counts.rank(101).iter().all(|term| term.texts + term.texts_other >= 101));
        assert!(counts.rank(1).iter().any(|term| term.term == "battery and"));
    }

    #[test]
    fn equal_sides_have_no_terms() {
        let mut counts = TermCounts::new(1..=2);
        assert!(counts.rank(0).is_empty());
        add_texts(&mut counts, Side::First, "battery");
        assert!(counts.rank(1).is_empty(), "there is nothing to compare with: {:?}", counts.rank(1));
        add_texts(&mut counts, Side::Second, "battery");
        assert!(counts.rank(1).is_empty());
    }

    #[test]
    fn examples_are_the_greatest_numbers_in_any_order_of_texts() {
        let mut counted = Counted::default();
        for number in [7, 3, 9, 1, 8, 2] {
            counted.add(Side::First, number);
        }
        assert_eq!(counted.latest, [[9, 8, 7], [0, 0, 0]]);
    }

    #[test]
    fn rare_terms_are_dropped_when_there_are_too_many() {
        let counts = |max_terms| {
            let mut counts = TermCounts { max_terms, ..TermCounts::new(1..=1) };
            for number in 1..=2_000_u32 {
                let side = if number % 2 == 0 { Side::First } else { Side::Second };
                let planted = if number % 8 == 0 { "battery" } else { "fine" };
                counts.add(side, number, &format!("{planted} rare{number}"));
            }
            counts
        };
        let (whole, truncated) = (counts(MAX_TERMS), counts(100));
        assert!(!whole.is_truncated() && truncated.is_truncated());
        assert!(truncated.terms.len() <= 100);
        assert_eq!(truncated.bytes, truncated.terms.keys().map(String::len).sum::<usize>());
        assert_eq!(ranked(&truncated), ranked(&whole));
        assert_eq!(ranked(&truncated), ranked(&counts(100)));
        assert_eq!(ranked(&whole)[0], ("battery".to_owned(), 250, 0));
    }
}
