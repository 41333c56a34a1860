use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::policies::search_terms::words;

/// Returns the distinct n-grams of a text in the order in which they first occur, those that begin with the same word
/// by their lengths. An n-gram is `n` words that follow one another, for an `n` in `ngrams`, separated by spaces; its
/// words are the terms of [`search_terms`](crate::policies::search_terms()).
pub fn distinct_terms(text: &str, ngrams: RangeInclusive<usize>) -> Vec<String> {
    let words: Vec<String> = words(text).collect();
    let (mut seen, mut terms) = (HashSet::new(), Vec::new());
    for start in 0..words.len() {
        for length in ngrams.clone().filter(|length| *length > 0) {
            let Some(gram) = start.checked_add(length).and_then(|end| words.get(start..end)) else { break };
            let term = gram.join(" ");
            if seen.insert(term.clone()) {
                terms.push(term);
            }
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::policies::search_terms;

    #[test]
    fn terms_are_words_and_pairs_in_their_order() {
        assert_eq!(
            distinct_terms("The battery, the BATTERY died", 1..=2),
            ["the", "the battery", "battery", "battery the", "battery died", "died"]
        );
        assert_eq!(distinct_terms("to be or not to be", 2..=2), ["to be", "be or", "or not", "not to"]);
        assert_eq!(distinct_terms("one", 2..=2), Vec::<String>::new());
        assert_eq!(distinct_terms("… 😀", 1..=2), Vec::<String>::new());
    }

    #[test]
    fn every_range_of_lengths_has_a_result() {
        assert_eq!(distinct_terms("a b", 0..=0), Vec::<String>::new());
        assert_eq!(distinct_terms("a b", 0..=usize::MAX), ["a", "a b", "b"]);
    }

    proptest! {
        #[test]
        fn words_alone_are_the_terms_of_the_search(text in any::<String>()) {
            let terms = distinct_terms(&text, 1..=1);
            let set: BTreeSet<String> = terms.iter().cloned().collect();
            prop_assert_eq!(terms.len(), set.len());
            prop_assert_eq!(set, search_terms(&text));
        }
    }
}
