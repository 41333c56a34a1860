use std::collections::BTreeSet;

use tokenizers::{AddedToken, Tokenizer};

use super::class::TokenizerClass;
use super::source::TokenizerSource;
use super::token_spec::TokenSpec;
use super::{SpecialTokens, byte_level, find_specials, unigram, wordpiece};
use crate::load_error::{LoadError, TokenizerError};
use crate::model_folder::TOKENIZER;

/// A tokenizer of a vocabulary, without added tokens.
pub(super) struct VocabularyTokenizer {
    pub(super) tokenizer: Tokenizer,
    /// The symbols of a SentencePiece model, which are added as tokens.
    pub(super) symbols: Option<Vec<TokenSpec>>,
}

/// Builds the tokenizer for a model with `vocabulary` tokens.
pub(super) fn build(
    source: &TokenizerSource<'_>,
    vocabulary: usize,
) -> Result<(Tokenizer, SpecialTokens), LoadError> {
    let VocabularyTokenizer { mut tokenizer, symbols } = match source.class {
        TokenizerClass::Bert => wordpiece::bert(source)?,
        TokenizerClass::Roberta => byte_level::roberta(source)?,
        TokenizerClass::XlmRoberta => unigram::xlm_roberta(source)?,
        TokenizerClass::Camembert => unigram::camembert(source)?,
        TokenizerClass::DebertaV2 => unigram::deberta_v2(source)?,
        TokenizerClass::Serialized => serialized(source)?,
    };
    check_ids(source, &tokenizer, vocabulary)?;
    let configuration = &source.configuration;
    tokenizer.set_encode_special_tokens(configuration.flag("split_special_tokens", false)?);
    let existing: BTreeSet<String> =
        tokenizer.get_added_tokens_decoder().into_values().map(|token| token.content).collect();
    let padding = tokenizer.get_padding().map(|padding| padding.pad_token.clone());
    let tokens = configuration.tokens_to_add(&existing, padding, symbols)?;
    let tokens = within(&tokenizer, tokens.into_iter().map(TokenSpec::into_added), vocabulary);
    tokenizer.add_tokens(tokens).map_err(|error| source.refuse(error))?;
    tokenizer.with_truncation(None).map_err(|error| source.refuse(error))?.with_padding(None);
    let specials = specials(source, &tokenizer)?;
    Ok((tokenizer, specials))
}

fn serialized(source: &TokenizerSource<'_>) -> Result<VocabularyTokenizer, LoadError> {
    let json = source.json.as_ref().ok_or_else(|| source.missing(TOKENIZER))?;
    Ok(VocabularyTokenizer { tokenizer: json.tokenizer()?, symbols: None })
}

/// Checks that the model has every token of the vocabulary.
fn check_ids(
    source: &TokenizerSource<'_>,
    tokenizer: &Tokenizer,
    vocabulary: usize,
) -> Result<(), TokenizerError> {
    let ids = tokenizer.get_vocab(true).into_values();
    let largest = ids.max().ok_or_else(|| source.refuse("it has no tokens"))?;
    if largest as usize >= vocabulary {
        return Err(TokenizerError::Vocabulary { path: source.path(), largest, vocabulary });
    }
    Ok(())
}

/// Returns the `tokens` for which the model has an embedding. transformers adds the others too, and fails on texts that
/// contain them.
fn within(
    tokenizer: &Tokenizer,
    tokens: impl Iterator<Item = AddedToken>,
    vocabulary: usize,
) -> Vec<AddedToken> {
    let known = tokenizer.get_vocab_size(false);
    let added = tokenizer.get_added_tokens_decoder();
    let mut next = added.keys().max().map_or(known, |largest| known.max(*largest as usize + 1));
    let mut new = BTreeSet::new();
    let (within, beyond): (Vec<_>, Vec<_>) =
        tokens.filter(|token| !token.content.is_empty()).partition(|token| {
            let has_id = tokenizer.token_to_id(&token.content).is_some() || new.contains(&token.content);
            if !has_id && next < vocabulary {
                next += 1;
                return new.insert(token.content.clone());
            }
            has_id
        });
    if !beyond.is_empty() {
        tracing::warn!(tokens = beyond.len(), "added tokens that the model does not have are left out");
    }
    within
}

/// The ids of the tokens before and after every text.
fn specials(source: &TokenizerSource<'_>, tokenizer: &Tokenizer) -> Result<SpecialTokens, TokenizerError> {
    let Some((first, last)) = source.class.frame() else {
        return find_specials(tokenizer).map_err(|error| source.refuse(error));
    };
    let id = |role| {
        let token = source.configuration.required(role)?;
        let lacking =
            || source.refuse(format!("the model has no token {token:?}, which begins or ends every text"));
        tokenizer.token_to_id(&token).ok_or_else(lacking)
    };
    Ok(SpecialTokens { before: vec![id(first)?], after: vec![id(last)?] })
}
