use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{Model, Tokenizer};

use super::source::TokenizerSource;
use super::token_spec::Role;
use super::vocabulary::VocabularyTokenizer;
use crate::load_error::LoadError;
use crate::model_folder::VOCAB_TXT;

/// BERT's class, WordPiece: the vocabulary is the lines of `vocab.txt`.
pub(super) fn bert(source: &TokenizerSource<'_>) -> Result<VocabularyTokenizer, LoadError> {
    let configuration = &source.configuration;
    let vocabulary = if let Some(json) = &source.json {
        json.check_without_vocabulary()?;
        json.vocabulary()?.into_iter().collect()
    } else {
        WordPiece::read_bytes(&source.vocabulary_file(VOCAB_TXT)?).map_err(|error| source.refuse(error))?
    };
    let unknown = configuration.required(Role::Unk)?;
    let builder = WordPiece::builder().vocab(vocabulary);
    let model = builder.unk_token(unknown.clone()).build().map_err(|error| source.refuse(error))?;
    if model.token_to_id(&unknown).is_none() {
        return Err(source.refuse(format!("it lacks the unknown token {unknown:?}")).into());
    }
    let mut tokenizer = Tokenizer::new(model);
    let normalizer = BertNormalizer::new(
        true,
        configuration.flag("tokenize_chinese_chars", true)?,
        configuration.optional_flag("strip_accents")?,
        configuration.flag("do_lower_case", true)?,
    );
    tokenizer.with_normalizer(Some(normalizer)).map_err(|error| source.refuse(error))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    Ok(VocabularyTokenizer { tokenizer, symbols: None })
}
