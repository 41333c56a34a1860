use std::collections::HashMap;

use application::errors::BoxError;
use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::source::TokenizerSource;
use super::vocabulary::VocabularyTokenizer;
use crate::load_error::LoadError;
use crate::model_folder::{MERGES, VOCAB_JSON};

/// RoBERTa's class, byte-level BPE: `vocab.json` has the ids, `merges.txt` the merges, the first of them first.
pub(super) fn roberta(source: &TokenizerSource<'_>) -> Result<VocabularyTokenizer, LoadError> {
    let (vocabulary, merges) = if let Some(json) = &source.json {
        json.check_without_vocabulary()?;
        (json.vocabulary()?, json.merges()?)
    } else {
        let vocabulary = source.vocabulary_file(VOCAB_JSON)?;
        let merges = source.vocabulary_file(MERGES)?;
        let vocabulary = serde_json::from_slice(&vocabulary).map_err(|error| source.refuse(error))?;
        (vocabulary, parse_merges(&merges).map_err(|error| source.refuse(error))?)
    };
    check_merges(&vocabulary, &merges).map_err(|error| source.refuse(error))?;
    let vocabulary: Vocab = vocabulary.into_iter().collect();
    let model = BPE::builder().vocab_and_merges(vocabulary, merges).build();
    let mut tokenizer = Tokenizer::new(model.map_err(|error| source.refuse(error))?);
    let add_prefix_space = source.configuration.flag("add_prefix_space", false)?;
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(add_prefix_space, true, true)));
    Ok(VocabularyTokenizer { tokenizer, symbols: None })
}

/// Parses the lines of `merges.txt`, two tokens each, without those that begin with `#version`.
fn parse_merges(bytes: &[u8]) -> Result<Vec<(String, String)>, BoxError> {
    let lines = std::str::from_utf8(bytes)?.lines().enumerate();
    let merge = |(number, line): (usize, &str)| match line.split_once(' ') {
        Some((left, right)) if !right.contains(' ') => Ok((left.to_owned(), right.to_owned())),
        _ => Err(format!("line {} of {MERGES} is not two tokens", number + 1).into()),
    };
    lines.filter(|(_, line)| !line.starts_with("#version")).map(merge).collect()
}

/// Checks that both parts and the result of each merge are tokens, which the library relies on.
fn check_merges(vocabulary: &HashMap<String, u32>, merges: &[(String, String)]) -> Result<(), BoxError> {
    let is_known = |token: &str| vocabulary.contains_key(token);
    let unknown = |(left, right): &&(String, String)| {
        !is_known(left) || !is_known(right) || !is_known(&format!("{left}{right}"))
    };
    match merges.iter().find(unknown) {
        Some((left, right)) => {
            Err(format!("the merge of {left:?} and {right:?} is not in the vocabulary").into())
        }
        None => Ok(()),
    }
}
