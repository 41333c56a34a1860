//! Finding texts by their terms: whole terms, all of them, and nothing but terms.

use application::ports::PredictionFilter;
use domain::entities::Prediction;
use domain::value_objects::Sentiment;

use crate::StoreHarness;
use crate::samples::{Samples, classified, text};
use crate::steps::{find, ids_descending, insert, list_ids, query, try_delete};

/// Inserts one prediction per text.
async fn insert_texts(store: &impl StoreHarness, texts: &[&str]) -> Vec<Prediction> {
    let mut samples = Samples::new();
    let stored: Vec<_> = texts.iter().map(|it| samples.one_with(|new| new.text = text(it))).collect();
    insert(store, &stored).await;
    stored
}

/// Asserts that `q` finds the texts of `stored` at the indices `expected`, and no other.
async fn assert_finds(store: &impl StoreHarness, stored: &[Prediction], q: &str, expected: &[usize]) {
    let expected = ids_descending(expected.iter().map(|place| &stored[*place]));
    assert_eq!(list_ids(store, &query(q)).await, expected, "q = {q:?}");
}

/// A part of a term finds nothing, neither its beginning nor its end nor its stem.
pub async fn a_search_finds_whole_terms_only(store: &impl StoreHarness) {
    let stored = insert_texts(store, &["the cats sat", "a cat", "concatenate", "CAT-like"]).await;
    assert_finds(store, &stored, "cat", &[1, 3]).await;
    assert_finds(store, &stored, "cats", &[0]).await;
    assert_finds(store, &stored, "ca", &[]).await;
    assert_finds(store, &stored, "sitting", &[]).await;
    // There are no stop words.
    assert_finds(store, &stored, "the", &[0]).await;
    assert_finds(store, &stored, "a", &[1]).await;
}

/// Capital letters make no difference, in any script.
pub async fn a_search_ignores_case(store: &impl StoreHarness) {
    let stored = insert_texts(store, &["GREAT Food", "great food", "ÜBER МОСКВА", "İstanbul", "ẞ ß"]).await;
    assert_finds(store, &stored, "great FOOD", &[0, 1]).await;
    assert_finds(store, &stored, "über", &[2]).await;
    assert_finds(store, &stored, "Москва", &[2]).await;
    assert_finds(store, &stored, "İSTANBUL", &[3]).await;
    assert_finds(store, &stored, "ß", &[4]).await;
}

/// Accents make a difference: nothing is folded.
pub async fn a_search_distinguishes_accents(store: &impl StoreHarness) {
    let stored =
        insert_texts(store, &["the café", "the cafe", "the cafe\u{301} in two pieces", "naïve résumé"]).await;
    assert_finds(store, &stored, "café", &[0]).await;
    assert_finds(store, &stored, "CAFÉ", &[0]).await;
    assert_finds(store, &stored, "cafe", &[1, 2]).await;
    assert_finds(store, &stored, "naïve", &[3]).await;
    assert_finds(store, &stored, "naive", &[]).await;
}

/// Addresses, hyphenated words, apostrophes and numbers are split into their terms, in texts and in queries.
pub async fn addresses_and_hyphens_are_found_by_their_terms(store: &impl StoreHarness) {
    let texts = [
        "write to ann.lee@mail.example today",
        "a well-known place",
        "it's 3.14, or 1,000 in all",
        "see https://example.test/a?b=c#d",
        "snake_case C++ #tag @user",
    ];
    let stored = insert_texts(store, &texts).await;
    assert_finds(store, &stored, "ann.lee@mail.example", &[0]).await;
    assert_finds(store, &stored, "lee", &[0]).await;
    assert_finds(store, &stored, "example", &[0, 3]).await;
    assert_finds(store, &stored, "well-known", &[1]).await;
    assert_finds(store, &stored, "known", &[1]).await;
    assert_finds(store, &stored, "-well", &[1]).await;
    assert_finds(store, &stored, "it's", &[2]).await;
    assert_finds(store, &stored, "3.14", &[2]).await;
    assert_finds(store, &stored, "000", &[2]).await;
    assert_finds(store, &stored, "100", &[]).await;
    assert_finds(store, &stored, "snake_case", &[4]).await;
    assert_finds(store, &stored, "#tag", &[4]).await;
}

/// A run of characters that are written without spaces is one term.
pub async fn a_run_without_spaces_is_one_term(store: &impl StoreHarness) {
    let stored =
        insert_texts(store, &["最高の一日でした。ありがとう", "最高", "ขอบคุณ มาก", "정말 좋아요"]).await;
    assert_finds(store, &stored, "最高", &[1]).await;
    assert_finds(store, &stored, "最高の一日でした", &[0]).await;
    assert_finds(store, &stored, "ありがとう", &[0]).await;
    assert_finds(store, &stored, "좋아요", &[3]).await;
    assert_finds(store, &stored, "มาก", &[2]).await;
}

/// Emoji are not terms, but they separate their neighbors.
pub async fn emoji_separate_terms_and_are_none(store: &impl StoreHarness) {
    let stored = insert_texts(store, &["love😀it", "👩‍👩‍👧family👨🏽‍💻", "😀😀😀", "\u{1d400}bold ①"]).await;
    assert_finds(store, &stored, "love", &[0]).await;
    assert_finds(store, &stored, "it 😀 love", &[0]).await;
    assert_finds(store, &stored, "family", &[1]).await;
    assert_finds(store, &stored, "loveit", &[]).await;
    assert_finds(store, &stored, "\u{1d400}bold", &[3]).await;
    assert_finds(store, &stored, "①", &[3]).await;
}

/// A text is found when it holds every term of the query, in any order and anywhere.
pub async fn every_term_must_be_in_the_text(store: &impl StoreHarness) {
    let stored = insert_texts(store, &["one two three", "three one", "two", "one. Two?"]).await;
    assert_finds(store, &stored, "one two", &[0, 3]).await;
    assert_finds(store, &stored, "three one", &[0, 1]).await;
    assert_finds(store, &stored, "three two one", &[0]).await;
    assert_finds(store, &stored, "two two", &[0, 2, 3]).await;
    assert_finds(store, &stored, "one four", &[]).await;

    let sixteen: Vec<String> = (0..16).map(|n| format!("w{n}")).collect();
    let long = sixteen.join(" ");
    let mut samples = Samples::new();
    let mut other = samples.many(4);
    other.push(samples.one_with(|new| new.text = text(&long)));
    other.push(samples.one_with(|new| new.text = text(long.trim_end_matches("w15"))));
    insert(store, &other[4..]).await;
    assert_eq!(list_ids(store, &query(&long)).await, [other[4].id()]);
}

/// A word or sign with a meaning in the store's query language is a plain term or ignored.
pub async fn no_word_and_no_sign_is_an_operator(store: &impl StoreHarness) {
    let texts = [
        "cats and dogs or birds, not fish",
        "cats dogs",
        "near the sea",
        "terms of service",
        "null true select",
    ];
    let stored = insert_texts(store, &texts).await;
    assert_finds(store, &stored, "cats AND dogs", &[0]).await;
    assert_finds(store, &stored, "cats OR sea", &[]).await;
    assert_finds(store, &stored, "cats NOT dogs", &[0]).await;
    assert_finds(store, &stored, "NEAR(sea the)", &[2]).await;
    assert_finds(store, &stored, "cat*", &[]).await;
    assert_finds(store, &stored, "\"dogs cats\"", &[0, 1]).await;
    assert_finds(store, &stored, "!cats", &[0, 1]).await;
    assert_finds(store, &stored, "cats & dogs | x", &[]).await;
    assert_finds(store, &stored, "cats <-> dogs", &[0, 1]).await;
    assert_finds(store, &stored, "^cats", &[0, 1]).await;
    assert_finds(store, &stored, "terms:service", &[3]).await;
    assert_finds(store, &stored, "{cats dogs}", &[0, 1]).await;
    assert_finds(store, &stored, "cats'; --", &[0, 1]).await;
    assert_finds(store, &stored, "%cats\\ $1 ?", &[]).await;
    assert_finds(store, &stored, "NULL", &[4]).await;
    assert_finds(store, &stored, "select", &[4]).await;
}

/// Signs with a meaning in a query language do not affect the terms beside them.
pub async fn terms_between_quotes_and_signs_are_found(store: &impl StoreHarness) {
    let texts = [
        "'quoted' \"twice\" `back`",
        "it''s \\'escaped\\'",
        "a:1b 'c':2 d:*",
        "(x) [y] {z} <w>",
        "+p -m ~t ^c",
    ];
    let stored = insert_texts(store, &texts).await;
    for (place, terms) in [
        (0, ["quoted", "twice", "back"]),
        (1, ["it", "s", "escaped"]),
        (2, ["1b", "2", "d"]),
        (3, ["x", "z", "w"]),
        (4, ["p", "m", "t"]),
    ] {
        for term in terms {
            assert_finds(store, &stored, term, &[place]).await;
        }
    }
}

/// A text of 50,000 characters is found by its first term, its last, and those between.
pub async fn a_text_of_fifty_thousand_characters_is_found_by_every_term(store: &impl StoreHarness) {
    let words: Vec<String> = (0..7_142).map(|n| format!("w{n:05}")).collect();
    let mut long = words.join(" ");
    long.extend(std::iter::repeat_n('!', 50_000 - long.chars().count()));
    let stored = insert_texts(store, &[&long, "w00000 alone"]).await;
    assert_finds(store, &stored, "w00000", &[0, 1]).await;
    for n in [1, 2_500, 6_999, 7_141] {
        assert_finds(store, &stored, &format!("w{n:05}"), &[0]).await;
    }
    assert_finds(store, &stored, "w00000 w03600 w07141", &[0]).await;
    assert_finds(store, &stored, "w07142", &[]).await;
}

/// A run of 50,000 characters is stored, and found by its beginning.
pub async fn a_very_long_run_is_found_by_its_beginning(store: &impl StoreHarness) {
    let wide = "最".repeat(50_000);
    let stored = insert_texts(store, &[&"x".repeat(50_000), &wide, &"x".repeat(254)]).await;
    assert_finds(store, &stored, &"x".repeat(50_000), &[0]).await;
    assert_finds(store, &stored, &"X".repeat(255), &[0]).await;
    assert_finds(store, &stored, &"x".repeat(254), &[2]).await;
    assert_finds(store, &stored, &wide, &[1]).await;
}

/// Deleted texts are no longer found; others with the same terms are.
pub async fn deleted_texts_are_not_found(store: &impl StoreHarness) {
    let stored = insert_texts(store, &["a nice day", "a nice place", "a nice day"]).await;
    try_delete(store, &[stored[0].id()]).await.expect("the row is deleted");
    assert_finds(store, &stored, "nice day", &[2]).await;
    try_delete(store, &[stored[1].id(), stored[2].id()]).await.expect("the rows are deleted");
    assert_finds(store, &stored, "nice", &[]).await;
    let next = insert_text_after(store, &stored, "another nice day").await;
    assert_eq!(list_ids(store, &query("nice day")).await, [next.id()]);
    assert!(list_ids(store, &query("place")).await.is_empty());
}

/// Inserts `it` as the sample after `stored`.
async fn insert_text_after(store: &impl StoreHarness, stored: &[Prediction], it: &str) -> Prediction {
    let mut samples = Samples::new();
    samples.many(stored.len());
    let next = samples.one_with(|new| new.text = text(it));
    insert(store, std::slice::from_ref(&next)).await;
    next
}

/// A search and other filters apply together, and the text comes back with its row.
pub async fn a_search_combines_with_other_filters(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let stored: Vec<_> = (0..60)
        .map(|n| {
            let word = ["rain", "sun"][n % 2];
            samples.one_with(|new| {
                new.text = text(&format!("{word} on day {n}"));
                new.result = classified(Sentiment::ALL[n % 3], 0.5);
            })
        })
        .collect();
    insert(store, &stored).await;
    let filter = PredictionFilter { sentiment: Some(Sentiment::Positive), ..query("sun day") };
    let expected = stored.iter().enumerate().filter(|(n, _)| n % 2 == 1 && n % 3 == 2).map(|(_, it)| it);
    assert_eq!(list_ids(store, &filter).await, ids_descending(expected));
    let found = find(store, stored[5].id()).await.expect("the row is there");
    assert_eq!(found.text.as_deref(), Some("sun on day 5"));
}
