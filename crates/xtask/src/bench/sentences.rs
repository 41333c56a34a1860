/// The parts of a sentence in order, with their alternatives. Together they make millions of sentences.
const PARTS: [&[&str]; 7] = [
    &[
        "@user honestly",
        "So",
        "Not gonna lie,",
        "OMG",
        "Day two:",
        "Well,",
        "RT @user:",
        "Wow,",
        "Update:",
        "Just saying,",
        "Good morning!",
        "Again:",
    ],
    &[
        "the new phone",
        "their customer support",
        "the café on 5th street",
        "my flight to Denver",
        "the season finale",
        "the concert last night",
        "the update to version 4.2",
        "Monday's match",
        "this book",
        "the hotel near the station",
        "the new menu",
        "the whole keynote",
    ],
    &["was", "turned out to be", "is still", "has become", "felt", "remains", "will be", "might just be"],
    &[
        "absolutely brilliant",
        "a waste of money",
        "okay I guess",
        "the best thing in months",
        "broken again",
        "so much fun",
        "slower than ever",
        "a bit overrated",
        "exactly what I needed",
        "disappointing",
        "scheduled for Friday",
        "better than I expected",
        "impossible to use",
        "pretty average",
    ],
    &[
        "and I'd do it again",
        "and nobody seems to care",
        "but the staff were lovely",
        "though it rained all day",
        "because they never answer emails",
        "says the news",
        "and my kids laughed",
        "but I'm keeping it for now",
        "and I want my 40 dollars",
        "which says a lot about them",
        "while everybody else was at work",
    ],
    &[
        "— thoughts?",
        "... seriously.",
        "!!!",
        "See you there.",
        "Whatever.",
        "Who else?",
        "Never again.",
        "Thank you!",
        "More soon.",
        "Highly recommended.",
    ],
    &[
        "#monday",
        "#fail",
        "#blessed :)",
        ":(",
        "http",
        "lol",
        "<3",
        "#news",
        "@user @user",
        "😂😂",
        "#worthit",
        "smh",
    ],
];

/// A prime that divides no part's length, so that every combination comes once before any comes again.
const STRIDE: usize = 9_999_991;

/// Returns `count` distinct texts of the length of a tweet, some 25 tokens of a BERT vocabulary; always the same.
pub(super) fn sentences(count: usize) -> Vec<String> {
    let combinations: usize = PARTS.iter().map(|part| part.len()).product();
    let sentence = |number: usize| {
        let mut rest = (number * STRIDE) % combinations;
        let mut words = Vec::with_capacity(PARTS.len());
        for part in PARTS {
            words.push(part[rest % part.len()]);
            rest /= part.len();
        }
        words.join(" ")
    };
    (0..count.min(combinations)).map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn all_sentences_differ_and_are_as_long_as_a_tweet() {
        let sentences = sentences(10_000);
        assert_eq!(sentences.iter().collect::<BTreeSet<_>>().len(), 10_000);
        let words: usize = sentences.iter().map(|sentence| sentence.split(' ').count()).sum();
        let mean = words as f64 / 10_000.0;
        assert!((13.0..20.0).contains(&mean), "{mean} words");
        assert!(sentences.iter().all(|sentence| sentence.chars().count() <= 280));
    }
}
