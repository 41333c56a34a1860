//! Any Unicode text that the domain accepts comes back unchanged.

use crate::StoreHarness;
use crate::cases::round_trips::assert_stored;
use crate::samples::{Samples, text};
use crate::steps::{find, insert};

/// Texts that have broken stores before.
const NASTY: &[&str] = &[
    "e\u{301} and \u{e9} are not the same",
    "Z\u{351}\u{32b}\u{343}\u{32a}\u{302}a\u{32d}\u{336}l\u{317}go",
    "שלום עולם \u{202e}reversed\u{202c} مرحبا",
    "😀 🏳️‍🌈 👩🏽‍💻 👨‍👩‍👧‍👦 🇩🇪",
    "\u{10ffff}\u{10fffe}\u{fffe}\u{ffff}\u{fdd0} noncharacters",
    "\u{d7ff}\u{e000}\u{f8ff} around the surrogates",
    "\u{feff}a byte-order mark in front",
    "\u{fffd} a replacement",
    "it's ''quoted'' \"twice\" `and` $$so$$ E'\\n'",
    "C:\\path\\new \\u0000 \\x00 \\",
    "100% of %s, %n and _ and ? and $1 and :name and {}",
    "'; DROP TABLE predictions; -- /* */",
    "\n\r\n\ttabs and lines\u{b}\u{c}\u{85}\u{2028}\u{2029}",
    "\u{1}\u{2}\u{7f}\u{80}\u{9f} control characters",
    "   white space around   ",
    "\u{200b}\u{200d}\u{ad} invisible",
    "NULL",
    "null",
    "x",
    "-0",
    "İıſßẞŉ",
];

/// The table of texts that have broken stores before.
pub async fn difficult_texts_come_back(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions: Vec<_> =
        NASTY.iter().map(|nasty| samples.one_with(|new| new.text = text(nasty))).collect();
    assert_stored(store, &predictions).await;
}

/// Every block of Unicode, at least one character of each run of 61, without U+0000.
pub async fn a_sweep_over_unicode_comes_back(store: &impl StoreHarness) {
    let characters: Vec<char> = (1..=0x0010_ffff).step_by(61).filter_map(char::from_u32).collect();
    let mut samples = Samples::new();
    let predictions: Vec<_> = characters
        .chunks(1_000)
        .map(|chunk| {
            let swept: String = chunk.iter().collect();
            samples.one_with(|new| new.text = text(&swept))
        })
        .collect();
    assert_stored(store, &predictions).await;
}

/// Characters drawn from all of Unicode by a fixed sequence, in texts of 1 to 200.
pub async fn random_texts_come_back(store: &impl StoreHarness) {
    let mut draw = SplitMix(7);
    let mut samples = Samples::new();
    let mut predictions = Vec::new();
    while predictions.len() < 200 {
        let length = 1 + draw.below(200);
        let drawn: String = (0..length).filter_map(|_| draw.character()).collect();
        if drawn.trim().is_empty() {
            continue;
        }
        predictions.push(samples.one_with(|new| new.text = text(&drawn)));
    }
    assert_stored(store, &predictions).await;
}

/// 50,000 characters of four bytes each.
pub async fn a_text_of_fifty_thousand_characters_comes_back(store: &impl StoreHarness) {
    let long = "😀é最a".repeat(12_500);
    let mut samples = Samples::new();
    let prediction = samples.one_with(|new| new.text = text(&long));
    insert(store, std::slice::from_ref(&prediction)).await;
    let found = find(store, prediction.id()).await.expect("the row is there");
    assert!(found.text.as_deref() == Some(&long), "the text came back otherwise");
}

/// SplitMix64 (Steele, Lea, Flood 2014): a fixed sequence, so that failures are reproducible.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A character other than U+0000; none where the drawn number is not a character.
    fn character(&mut self) -> Option<char> {
        let end = if self.below(2) == 0 { 0x250 } else { 0x0011_0000 };
        char::from_u32(1 + self.below(end - 1) as u32)
    }
}
