//! From texts to token ids, as transformers would make them.
//!
//! `class.rs` chooses the class of transformers that a folder's tokenizer has, `configuration.rs` merges the files
//! beside the vocabulary, and `vocabulary.rs` builds the tokenizer: from `tokenizer.json` as it is, or from a
//! vocabulary with the rules of the class (`wordpiece.rs`, `byte_level.rs`, `unigram.rs`).

mod byte_level;
mod charsmap;
mod class;
mod configuration;
mod ordered_object;
mod sentence_piece;
mod source;
mod token_spec;
mod tokenizer_json;
mod unigram;
mod vocabulary;
mod wordpiece;

use tokenizers::Tokenizer;

use crate::inference_error::InferenceError;
use crate::load_error::LoadError;
use crate::model_folder::ModelFolder;
use crate::panic::catch_panic;

use source::TokenizerSource;

/// A tokenizer without truncation and padding: long texts are cut into windows, and engines that need padding add it.
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
    /// Reads the tokenizer in `folder`, for a model with `vocabulary` tokens.
    pub(crate) fn read(folder: &ModelFolder, vocabulary: usize) -> Result<Self, LoadError> {
        let source = TokenizerSource::read(folder)?;
        let refuse = |reason| source.refuse(format!("building it panicked: {reason}"));
        let (inner, specials) = catch_panic(|| vocabulary::build(&source, vocabulary)).map_err(refuse)??;
        if specials.before.is_empty() {
            let reason =
                "it adds no token before a text, but the classifier needs a first token such as [CLS]";
            return Err(source.refuse(reason).into());
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
mod tests;
