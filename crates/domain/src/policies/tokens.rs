/// Returns about how many tokens `text` has: one for each four ASCII characters, and one for each other character.
///
/// WordPiece vocabularies (Schuster and Nakajima, 2012) have whole English words and single characters of Chinese,
/// Japanese and Korean; words of other alphabets are between the two, so that this is rather too high for them.
pub fn estimate_tokens(text: &str) -> u64 {
    let (ascii, other) = text.chars().fold((0_u64, 0_u64), |(ascii, other), character| {
        if character.is_ascii() { (ascii + 1, other) } else { (ascii, other + 1) }
    });
    ascii.div_ceil(4) + other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_words_take_a_token_for_four_characters_and_other_characters_one_each() {
        assert_eq!(["", "a", "good", "I love it", "很好"].map(estimate_tokens), [0, 1, 1, 3, 2]);
    }
}
