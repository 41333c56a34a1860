use std::collections::BTreeSet;

use crate::errors::{DomainError, Rule};

/// The largest number of terms in a query.
pub const MAX_QUERY_TERMS: usize = 16;

/// The largest number of characters in a term; longer words are cut. It bounds the longest term by what the stores'
/// indexes accept (PostgreSQL: 2,046 bytes a lexeme).
const MAX_TERM_CHARS: usize = 255;

/// Returns the search terms of a text: its runs of alphanumeric characters, in lower case, sorted, without duplicates.
pub fn search_terms(text: &str) -> BTreeSet<String> {
    words(text).collect()
}

/// Returns the words of a text in their order: its runs of alphanumeric characters, in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|run| !run.is_empty())
        .map(|run| run.chars().take(MAX_TERM_CHARS).flat_map(char::to_lowercase).collect())
}

/// Returns the terms of the query `q`, by the rules of [`search_terms`].
///
/// # Errors
/// A violation for the field `q`: [`Rule::ContainsNul`], [`Rule::NoTerms`] or [`Rule::TooMany`] (above 16).
pub fn parse_query(q: &str) -> Result<BTreeSet<String>, DomainError> {
    if q.contains('\0') {
        return Err(DomainError::violation("q", Rule::ContainsNul));
    }
    let terms = search_terms(q);
    match terms.len() {
        0 => Err(DomainError::violation("q", Rule::NoTerms)),
        1..=MAX_QUERY_TERMS => Ok(terms),
        actual => Err(DomainError::violation("q", Rule::TooMany { max: MAX_QUERY_TERMS, actual })),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms(text: &str) -> Vec<String> {
        search_terms(text).into_iter().collect()
    }

    #[test]
    fn terms_are_lower_cased_runs_of_letters_and_digits() {
        assert_eq!(terms("The Café, the CAFÉ! No. 42"), ["42", "café", "no", "the"]);
        assert_eq!(terms("ann.lee@mail.example"), ["ann", "example", "lee", "mail"]);
        assert_eq!(terms("well-known"), ["known", "well"]);
        assert_eq!(terms("最高の一日"), ["最高の一日"]);
        assert_eq!(terms("😀 … —"), Vec::<String>::new());
    }

    #[test]
    fn a_very_long_run_is_cut() {
        assert_eq!(terms(&"x".repeat(50_000)), ["x".repeat(255)]);
    }

    #[test]
    fn a_query_needs_a_term_and_has_at_most_sixteen() {
        assert!(parse_query("!?").is_err());
        assert!(parse_query("a\0").is_err());
        let many: Vec<String> = (0..17).map(|n| n.to_string()).collect();
        assert!(parse_query(&many.join(" ")).is_err());
        assert!(parse_query(&many[..16].join(" ")).is_ok());
    }

    proptest! {
        #[test]
        fn every_word_of_a_text_is_found_by_a_query_for_it(text in any::<String>()) {
            let terms = search_terms(&text);
            for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
                let query = parse_query(word);
                prop_assert!(query.as_ref().is_ok_and(|query| query.is_subset(&terms)), "{word}: {query:?}");
            }
        }
    }
}
