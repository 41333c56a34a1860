//! Finding texts by their terms: whole terms, all of them, and nothing but terms.

use application::ports::PredictionFilter;
use domain::entities::Prediction;
use domain::value_objects::Sentiment;

use crate::StoreHarness;
use crate::samples::{Samples, judged, text};
use crate::steps::{find, ids_descending, keep, list_ids, query, try_delete};

/// Keeps one prediction a text.
async fn keep_texts(store: &impl StoreHarness, texts: &[&str]) -> Vec<Prediction> {
    let mut samples = Samples::new();
    let kept: Vec<_> = texts.iter().map(|it| samples.one_with(|new| new.text = text(it))).collect();
    keep(store, &kept).await;
    kept
}

/// Asserts that `q` finds those texts of `kept` that stand at `expected`, and no other.
async fn assert_finds(store: &impl StoreHarness, kept: &[Prediction], q: &str, expected: &[usize]) {
    let expected = ids_descending(expected.iter().map(|place| &kept[*place]));
    assert_eq!(list_ids(store, &query(q)).await, expected, "q = {q:?}");
}

/// A part of a term finds nothing, neither its beginning nor its end nor its stem.
pub async fn a_search_finds_whole_terms_only(store: &impl StoreHarness) {
    let kept = keep_texts(store, &["the cats sat", "a cat", "concatenate", "CAT-like"]).await;
    assert_finds(store, &kept, "cat", &[1, 3]).await;
    assert_finds(store, &kept, "cats", &[0]).await;
    assert_finds(store, &kept, "ca", &[]).await;
    assert_finds(store, &kept, "sitting", &[]).await;
    // No word is too common to be looked for.
    assert_finds(store, &kept, "the", &[0]).await;
    assert_finds(store, &kept, "a", &[1]).await;
}

/// Capital letters make no difference, in any script.
pub async fn a_search_ignores_case(store: &impl StoreHarness) {
    let kept = keep_texts(store, &["GREAT Food", "great food", "ÜBER МОСКВА", "İstanbul", "ẞ ß"]).await;
    assert_finds(store, &kept, "great FOOD", &[0, 1]).await;
    assert_finds(store, &kept, "über", &[2]).await;
    assert_finds(store, &kept, "Москва", &[2]).await;
    assert_finds(store, &kept, "İSTANBUL", &[3]).await;
    assert_finds(store, &kept, "ß", &[4]).await;
}

/// Accents do make a difference: nothing is folded away.
pub async fn a_search_keeps_accents_apart(store: &impl StoreHarness) {
    let kept =
        keep_texts(store, &["the café", "the cafe", "the cafe\u{301} in two pieces", "naïve résumé"]).await;
    assert_finds(store, &kept, "café", &[0]).await;
    assert_finds(store, &kept, "CAFÉ", &[0]).await;
    assert_finds(store, &kept, "cafe", &[1, 2]).await;
    assert_finds(store, &kept, "naïve", &[3]).await;
    assert_finds(store, &kept, "naive", &[]).await;
}

/// Addresses, hyphens, apostrophes and numbers fall apart into their terms, in texts and in queries alike.
pub async fn addresses_and_hyphens_are_found_by_their_terms(store: &impl StoreHarness) {
    let texts = [
        "write to ann.lee@mail.example today",
        "a well-known place",
        "it's 3.14, or 1,000 in all",
        "see https://example.test/a?b=c#d",
        "snake_case C++ #tag @user",
    ];
    let kept = keep_texts(store, &texts).await;
    assert_finds(store, &kept, "ann.lee@mail.example", &[0]).await;
    assert_finds(store, &kept, "lee", &[0]).await;
    assert_finds(store, &kept, "example", &[0, 3]).await;
    assert_finds(store, &kept, "well-known", &[1]).await;
    assert_finds(store, &kept, "known", &[1]).await;
    assert_finds(store, &kept, "-well", &[1]).await;
    assert_finds(store, &kept, "it's", &[2]).await;
    assert_finds(store, &kept, "3.14", &[2]).await;
    assert_finds(store, &kept, "000", &[2]).await;
    assert_finds(store, &kept, "100", &[]).await;
    assert_finds(store, &kept, "snake_case", &[4]).await;
    assert_finds(store, &kept, "#tag", &[4]).await;
}

/// A run of characters that are written without spaces is one term.
pub async fn a_run_without_spaces_is_one_term(store: &impl StoreHarness) {
    let kept = keep_texts(store, &["最高の一日でした。ありがとう", "最高", "ขอบคุณ มาก", "정말 좋아요"]).await;
    assert_finds(store, &kept, "最高", &[1]).await;
    assert_finds(store, &kept, "最高の一日でした", &[0]).await;
    assert_finds(store, &kept, "ありがとう", &[0]).await;
    assert_finds(store, &kept, "좋아요", &[3]).await;
    assert_finds(store, &kept, "มาก", &[2]).await;
}

/// Emoji are no terms, but they do not get in the way of their neighbours.
pub async fn emoji_divide_terms_and_are_none(store: &impl StoreHarness) {
    let kept = keep_texts(store, &["love😀it", "👩‍👩‍👧family👨🏽‍💻", "😀😀😀", "\u{1d400}bold ①"]).await;
    assert_finds(store, &kept, "love", &[0]).await;
    assert_finds(store, &kept, "it 😀 love", &[0]).await;
    assert_finds(store, &kept, "family", &[1]).await;
    assert_finds(store, &kept, "loveit", &[]).await;
    assert_finds(store, &kept, "\u{1d400}bold", &[3]).await;
    assert_finds(store, &kept, "①", &[3]).await;
}

/// A text is found when it holds every term of the query, in any order and anywhere.
pub async fn every_term_must_be_in_the_text(store: &impl StoreHarness) {
    let kept = keep_texts(store, &["one two three", "three one", "two", "one. Two?"]).await;
    assert_finds(store, &kept, "one two", &[0, 3]).await;
    assert_finds(store, &kept, "three one", &[0, 1]).await;
    assert_finds(store, &kept, "three two one", &[0]).await;
    assert_finds(store, &kept, "two two", &[0, 2, 3]).await;
    assert_finds(store, &kept, "one four", &[]).await;

    let sixteen: Vec<String> = (0..16).map(|n| format!("w{n}")).collect();
    let long = sixteen.join(" ");
    let mut samples = Samples::new();
    let mut other = samples.many(4);
    other.push(samples.one_with(|new| new.text = text(&long)));
    other.push(samples.one_with(|new| new.text = text(long.trim_end_matches("w15"))));
    keep(store, &other[4..]).await;
    assert_eq!(list_ids(store, &query(&long)).await, [other[4].id()]);
}

/// Whatever the engine underneath makes of a word or a sign, here it is a term or nothing.
pub async fn no_word_and_no_sign_is_an_operator(store: &impl StoreHarness) {
    let texts = [
        "cats and dogs or birds, not fish",
        "cats dogs",
        "near the sea",
        "terms of service",
        "null true select",
    ];
    let kept = keep_texts(store, &texts).await;
    assert_finds(store, &kept, "cats AND dogs", &[0]).await;
    assert_finds(store, &kept, "cats OR sea", &[]).await;
    assert_finds(store, &kept, "cats NOT dogs", &[0]).await;
    assert_finds(store, &kept, "NEAR(sea the)", &[2]).await;
    assert_finds(store, &kept, "cat*", &[]).await;
    assert_finds(store, &kept, "\"dogs cats\"", &[0, 1]).await;
    assert_finds(store, &kept, "!cats", &[0, 1]).await;
    assert_finds(store, &kept, "cats & dogs | x", &[]).await;
    assert_finds(store, &kept, "cats <-> dogs", &[0, 1]).await;
    assert_finds(store, &kept, "^cats", &[0, 1]).await;
    assert_finds(store, &kept, "terms:service", &[3]).await;
    assert_finds(store, &kept, "{cats dogs}", &[0, 1]).await;
    assert_finds(store, &kept, "cats'; --", &[0, 1]).await;
    assert_finds(store, &kept, "%cats\\ $1 ?", &[]).await;
    assert_finds(store, &kept, "NULL", &[4]).await;
    assert_finds(store, &kept, "select", &[4]).await;
}

/// Signs that mean something to some engine do not spoil the terms beside them.
pub async fn terms_between_quotes_and_signs_are_found(store: &impl StoreHarness) {
    let texts = [
        "'quoted' \"twice\" `back`",
        "it''s \\'escaped\\'",
        "a:1b 'c':2 d:*",
        "(x) [y] {z} <w>",
        "+p -m ~t ^c",
    ];
    let kept = keep_texts(store, &texts).await;
    for (place, terms) in [
        (0, ["quoted", "twice", "back"]),
        (1, ["it", "s", "escaped"]),
        (2, ["1b", "2", "d"]),
        (3, ["x", "z", "w"]),
        (4, ["p", "m", "t"]),
    ] {
        for term in terms {
            assert_finds(store, &kept, term, &[place]).await;
        }
    }
}

/// A text of 50,000 characters is found by its first term, its last, and those between.
pub async fn a_text_of_fifty_thousand_characters_is_found_by_every_term(store: &impl StoreHarness) {
    let words: Vec<String> = (0..7_142).map(|n| format!("w{n:05}")).collect();
    let mut long = words.join(" ");
    long.extend(std::iter::repeat_n('!', 50_000 - long.chars().count()));
    let kept = keep_texts(store, &[&long, "w00000 alone"]).await;
    assert_finds(store, &kept, "w00000", &[0, 1]).await;
    for n in [1, 2_500, 6_999, 7_141] {
        assert_finds(store, &kept, &format!("w{n:05}"), &[0]).await;
    }
    assert_finds(store, &kept, "w00000 w03600 w07141", &[0]).await;
    assert_finds(store, &kept, "w07142", &[]).await;
}

/// A run of 50,000 characters is kept, and found by its beginning.
pub async fn a_very_long_run_is_found_by_its_beginning(store: &impl StoreHarness) {
    let wide = "最".repeat(50_000);
    let kept = keep_texts(store, &[&"x".repeat(50_000), &wide, &"x".repeat(254)]).await;
    assert_finds(store, &kept, &"x".repeat(50_000), &[0]).await;
    assert_finds(store, &kept, &"X".repeat(255), &[0]).await;
    assert_finds(store, &kept, &"x".repeat(254), &[2]).await;
    assert_finds(store, &kept, &wide, &[1]).await;
}

/// What was deleted is not found any more; what has the same terms still is.
pub async fn deleted_texts_are_not_found(store: &impl StoreHarness) {
    let kept = keep_texts(store, &["a nice day", "a nice place", "a nice day"]).await;
    try_delete(store, &[kept[0].id()]).await.expect("the row is deleted");
    assert_finds(store, &kept, "nice day", &[2]).await;
    try_delete(store, &[kept[1].id(), kept[2].id()]).await.expect("the rows are deleted");
    assert_finds(store, &kept, "nice", &[]).await;
    let next = keep_texts_after(store, &kept, "another nice day").await;
    assert_eq!(list_ids(store, &query("nice day")).await, [next.id()]);
    assert!(list_ids(store, &query("place")).await.is_empty());
}

/// Keeps `it` as the sample behind `kept`.
async fn keep_texts_after(store: &impl StoreHarness, kept: &[Prediction], it: &str) -> Prediction {
    let mut samples = Samples::new();
    samples.many(kept.len());
    let next = samples.one_with(|new| new.text = text(it));
    keep(store, std::slice::from_ref(&next)).await;
    next
}

/// A search and the other filters hold together, and the text comes back with its row.
pub async fn a_search_holds_together_with_other_filters(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let kept: Vec<_> = (0..60)
        .map(|n| {
            let word = ["rain", "sun"][n % 2];
            samples.one_with(|new| {
                new.text = text(&format!("{word} on day {n}"));
                new.result = judged(Sentiment::ALL[n % 3], 0.5);
            })
        })
        .collect();
    keep(store, &kept).await;
    let filter = PredictionFilter { sentiment: Some(Sentiment::Positive), ..query("sun day") };
    let expected = kept.iter().enumerate().filter(|(n, _)| n % 2 == 1 && n % 3 == 2).map(|(_, it)| it);
    assert_eq!(list_ids(store, &filter).await, ids_descending(expected));
    let found = find(store, kept[5].id()).await.expect("the row is there");
    assert_eq!(found.text.as_deref(), Some("sun on day 5"));
}
