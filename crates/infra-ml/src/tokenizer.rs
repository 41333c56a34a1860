use std::path::Path;

use tokenizers::Tokenizer;

use crate::inference_error::InferenceError;
use crate::load_error::TokenizerError;
use crate::panic::catch_panic;

/// Cuts texts into token ids, as `tokenizer.json` says but for its truncation and padding, which are off: what is
/// too long for the model is read in windows, and what is shorter is padded by the engine if it must.
pub(crate) struct TextTokenizer {
    inner: Tokenizer,
    specials: SpecialTokens,
}

/// The ids that stand around every window, such as `[CLS]` and `[SEP]`.
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
    /// Reads `tokenizer.json` from the bytes of `path`, for a model of `vocabulary` tokens.
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
            return Err(refuse("it puts no token before a text, but the classifier reads the first".into()));
        }
        Ok(Self { inner, specials })
    }

    /// The ids of `text`, special tokens left out.
    ///
    /// # Errors
    /// Why it cannot be cut; the text is not repeated.
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

/// The special tokens that the post-processor puts before and after a text, seen by trying one.
fn find_specials(tokenizer: &Tokenizer) -> tokenizers::Result<SpecialTokens> {
    let bare = tokenizer.encode_fast("a", false)?;
    let dressed = tokenizer.encode_fast("a", true)?;
    let (bare, dressed) = (bare.get_ids(), dressed.get_ids());
    let at = dressed.windows(bare.len().max(1)).position(|ids| ids == bare);
    match at {
        Some(at) => {
            Ok(SpecialTokens { before: dressed[..at].to_vec(), after: dressed[at + bare.len()..].to_vec() })
        }
        None => Err("it does not keep a text's own tokens together".into()),
    }
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
    fn the_special_tokens_are_found_and_left_out() {
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
