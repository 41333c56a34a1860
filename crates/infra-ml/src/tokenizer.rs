use std::path::Path;

use tokenizers::Tokenizer;

use crate::inference_error::InferenceError;
use crate::load_error::TokenizerError;
use crate::panic::catch_panic;

/// The tokenizer of `tokenizer.json`, without its truncation and padding: long texts are cut into windows, and engines
/// that need padding add it.
pub(crate) struct TextTokenizer {
    inner: Tokenizer,
    specials: SpecialTokens,
}

/// The token ids before and after every window, such as `[CLS]` and `[SEP]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpecialTokens {
    pub(crate) before: Vec<u32>,
    pub(crate) after: Vec<u32>,
}

impl SpecialTokens {
    pub(crate) fn len(&self) -> usize {
        self.before.len() + self.after.len()
    }
}

impl TextTokenizer {
    /// Parses the `bytes` of the file `path`, for a model with `vocabulary` tokens.
    pub(crate) fn from_bytes(path: &Path, bytes: &[u8], vocabulary: usize) -> Result<Self, TokenizerError> {
        let refuse = |source| TokenizerError::Unusable { path: path.to_owned(), source };
        let mut inner = Tokenizer::from_bytes(bytes).map_err(refuse)?;
        inner.with_truncation(None).map_err(refuse)?.with_padding(None);
        let largest =
            inner.get_vocab(true).into_values().max().ok_or_else(|| refuse("it has no tokens".into()))?;
        if largest as usize >= vocabulary {
            return Err(TokenizerError::Vocabulary { path: path.to_owned(), largest, vocabulary });
        }
        let specials = find_specials(&inner).map_err(refuse)?;
        if specials.before.is_empty() {
            return Err(refuse(
                "it adds no token before a text, but the classifier needs a first token such as [CLS]".into(),
            ));
        }
        Ok(Self { inner, specials })
    }

    /// Returns the token ids of `text`, without special tokens.
    ///
    /// # Errors
    /// If the tokenizer fails. The error does not contain the text.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>, InferenceError> {
        let encode = || self.inner.encode_fast(text, false).map(|encoding| encoding.get_ids().to_vec());
        match catch_panic(encode) {
            Ok(Ok(ids)) => Ok(ids),
            Ok(Err(_)) => Err(InferenceError::TokenizerRefused),
            Err(_) => Err(InferenceError::TokenizerPanicked),
        }
    }

    pub(crate) fn specials(&self) -> &SpecialTokens {
        &self.specials
    }
}

/// Finds the special tokens that the post-processor adds, by comparing the ids of a text with and without them.
fn find_specials(tokenizer: &Tokenizer) -> tokenizers::Result<SpecialTokens> {
    let (without, with) = (tokenizer.encode_fast("a", false)?, tokenizer.encode_fast("a", true)?);
    let (without, with) = (without.get_ids(), with.get_ids());
    let start = with.windows(without.len().max(1)).position(|ids| ids == without);
    let start = start.ok_or("it adds special tokens between the tokens of a text")?;
    Ok(SpecialTokens { before: with[..start].to_vec(), after: with[start + without.len()..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::small_model;

    fn tokenizer() -> TextTokenizer {
        let json = small_model::tokenizer_json().to_string();
        TextTokenizer::from_bytes(Path::new("tokenizer.json"), json.as_bytes(), small_model::VOCABULARY)
            .unwrap()
    }

    #[test]
    fn the_special_tokens_are_found_and_not_encoded() {
        let tokenizer = tokenizer();
        assert_eq!(tokenizer.specials(), &SpecialTokens { before: vec![1], after: vec![2] });
        assert_eq!(tokenizer.encode("good bad unheard").unwrap(), [4, 5, 0]);
        assert_eq!(tokenizer.encode("").unwrap(), [0; 0]);
    }

    #[test]
    fn the_files_own_truncation_and_padding_are_off() {
        let mut json = small_model::tokenizer_json();
        json["truncation"] = serde_json::json!({
            "direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0
        });
        json["padding"] = serde_json::json!({
            "strategy": { "Fixed": 8 }, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 3, "pad_type_id": 0, "pad_token": "[PAD]"
        });
        let path = Path::new("tokenizer.json");
        let tokenizer =
            TextTokenizer::from_bytes(path, json.to_string().as_bytes(), small_model::VOCABULARY).unwrap();
        assert_eq!(tokenizer.encode("good").unwrap(), [4]);
        assert_eq!(tokenizer.encode("good bad good bad").unwrap(), [4, 5, 4, 5]);
    }
}
