use std::mem;

use application::errors::BoxError;
use prost::Message;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{self, Lowercase, NFC, NormalizerWrapper, Precompiled, Replace, Strip};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::punctuation::Punctuation;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;
use tokenizers::{SplitDelimiterBehavior, Tokenizer};

use super::charsmap;
use super::class::TokenizerClass;
use super::sentence_piece::SentencePiece;
use super::source::TokenizerSource;
use super::token_spec::{Role, TokenSpec};
use super::tokenizer_json::TokenizerJson;
use super::vocabulary::VocabularyTokenizer;
use crate::load_error::{LoadError, TokenizerError};
use crate::model_folder::{SENTENCEPIECE, SPM};

/// The longest piece in bytes, since the library visits the pieces' tree by recursion; SentencePiece's are 16
/// characters.
const MOST_PIECE_BYTES: usize = 4_096;

/// The most bytes of all pieces together; XLM-RoBERTa has 3 million.
const MOST_BYTES: usize = 8 << 20;

/// The pieces with their scores, and what a SentencePiece model or a `tokenizer.json` has beside them.
struct Pieces {
    list: Vec<(String, f64)>,
    charsmap: Option<Precompiled>,
    /// Of a SentencePiece model.
    symbols: Option<Vec<TokenSpec>>,
    /// Of a SentencePiece model.
    unk_id: Option<usize>,
}

/// CamemBERT's class: [`Role::Pad`], [`Role::Unk`] and tokens that are not used, the pieces after the first,
/// [`Role::Mask`].
pub(super) fn camembert(source: &TokenizerSource<'_>) -> Result<VocabularyTokenizer, LoadError> {
    let configuration = &source.configuration;
    let unknown = configuration.required(Role::Unk)?;
    let pieces = if let Some(json) = &source.json {
        Pieces::of_json(json)?
    } else {
        let mut pieces = Pieces::of_model(source, SENTENCEPIECE)?;
        let unused = |token: &str| format!("{token}NOTUSED");
        let pad = configuration.required(Role::Pad)?;
        let first = vec![unused("<s>"), pad, unused("</s>"), unknown.clone(), unused("<unk>")];
        pieces.reframe(first, 1, configuration.required(Role::Mask)?);
        pieces.list[4].1 = -100.0;
        pieces
    };
    let unk_id = pieces.list.iter().position(|(piece, _)| *piece == unknown).unwrap_or(0);
    roberta_like(source, pieces, unk_id)
}

/// XLM-RoBERTa's class: [`Role::Bos`], [`Role::Pad`], [`Role::Eos`], [`Role::Unk`], the pieces after the third,
/// [`Role::Mask`].
pub(super) fn xlm_roberta(source: &TokenizerSource<'_>) -> Result<VocabularyTokenizer, LoadError> {
    let configuration = &source.configuration;
    if let Some(json) = &source.json {
        return roberta_like(source, Pieces::of_json(json)?, 3);
    }
    let mut pieces = Pieces::of_model(source, SENTENCEPIECE)?;
    let first = [Role::Bos, Role::Pad, Role::Eos, Role::Unk].map(|role| configuration.required(role));
    let first = first.into_iter().collect::<Result<Vec<_>, _>>()?;
    pieces.reframe(first, 3, configuration.required(Role::Mask)?);
    roberta_like(source, pieces, 3)
}

/// DeBERTa's class, which does not use the model's normalization table.
pub(super) fn deberta_v2(source: &TokenizerSource<'_>) -> Result<VocabularyTokenizer, LoadError> {
    let configuration = &source.configuration;
    let pieces = match &source.json {
        Some(json) => Pieces::of_json(json)?,
        None => Pieces::of_model(source, SPM)?,
    };
    let unknown = (configuration.required(Role::Unk)?, 0.0);
    let unk_id = match pieces.list.iter().position(|piece| *piece == unknown) {
        Some(place) => place,
        None => pieces.unk_id.map_or_else(|| configuration.number("unk_id", 1), Ok)?,
    };
    let space = ReplacePattern::Regex(r"\s{2,}|[\n\r\t]".to_owned());
    let space = Replace::new(space, " ").map_err(|error| source.refuse(error))?;
    let mut normalizer: Vec<NormalizerWrapper> = Vec::new();
    if configuration.flag("do_lower_case", false)? {
        normalizer.push(Lowercase.into());
    }
    normalizer.extend([space.into(), NFC.into(), Strip::new(false, true).into()]);
    let mut splitting: Vec<PreTokenizerWrapper> = Vec::new();
    if configuration.flag("split_by_punct", false)? {
        splitting.push(Punctuation::new(SplitDelimiterBehavior::Isolated).into());
    }
    let scheme = if configuration.flag("add_prefix_space", true)? {
        PrependScheme::Always
    } else {
        PrependScheme::First
    };
    splitting.push(Metaspace::new('▁', scheme, true).into());
    let normalizer = normalizers::Sequence::new(normalizer);
    pieces.tokenizer(source, unk_id, Some(normalizer.into()), splitting)
}

/// What XLM-RoBERTa and CamemBERT share.
fn roberta_like(
    source: &TokenizerSource<'_>,
    mut pieces: Pieces,
    unk_id: usize,
) -> Result<VocabularyTokenizer, LoadError> {
    let scheme = if source.configuration.flag("add_prefix_space", true)? {
        PrependScheme::Always
    } else {
        PrependScheme::Never
    };
    let normalizer = pieces.charsmap.take().map(NormalizerWrapper::from);
    let splitting = vec![WhitespaceSplit.into(), Metaspace::new('▁', scheme, true).into()];
    pieces.tokenizer(source, unk_id, normalizer, splitting)
}

impl Pieces {
    fn of_json(json: &TokenizerJson) -> Result<Self, TokenizerError> {
        json.check_without_vocabulary()?;
        Ok(Self { list: json.pieces()?, charsmap: json.charsmap()?, symbols: None, unk_id: None })
    }

    /// Reads the SentencePiece model `name`. Its scores are used as those of a unigram model, whatever its type, except
    /// by CamemBERT's class, which requires a unigram model.
    fn of_model(source: &TokenizerSource<'_>, name: &'static str) -> Result<Self, LoadError> {
        let bytes = source.vocabulary_file(name)?;
        let model = SentencePiece::decode(bytes.as_slice()).map_err(|error| source.refuse(error))?;
        if source.class == TokenizerClass::Camembert && !model.is_unigram() {
            return Err(source.refuse("it is not a unigram model, which this class needs").into());
        }
        let charsmap = match model.charsmap() {
            [] => None,
            bytes => Some(charsmap::parse(bytes).map_err(|error| source.refuse(error))?),
        };
        let unk_id = model.unk_id().ok_or_else(|| source.refuse("it has no unknown token"))?;
        Ok(Self { list: model.pieces(), charsmap, symbols: Some(model.symbols()), unk_id: Some(unk_id) })
    }

    /// Replaces the `count` first pieces by `first`, and appends `last`.
    fn reframe(&mut self, first: Vec<String>, count: usize, last: String) {
        let rest = mem::take(&mut self.list).into_iter().skip(count);
        let without_score = |piece| (piece, 0.0);
        self.list = first.into_iter().map(without_score).chain(rest).collect();
        self.list.push(without_score(last));
    }

    fn tokenizer(
        self,
        source: &TokenizerSource<'_>,
        unk_id: usize,
        normalizer: Option<NormalizerWrapper>,
        splitting: Vec<PreTokenizerWrapper>,
    ) -> Result<VocabularyTokenizer, LoadError> {
        check_pieces(&self.list).map_err(|error| source.refuse(error))?;
        let model = Unigram::from(self.list, Some(unk_id), false).map_err(|error| source.refuse(error))?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_normalizer(normalizer).map_err(|error| source.refuse(error))?;
        tokenizer.with_pre_tokenizer(Some(Sequence::new(splitting)));
        Ok(VocabularyTokenizer { tokenizer, symbols: self.symbols })
    }
}

/// Checks that the library can use the pieces without a panic or an endless loop.
pub(super) fn check_pieces(pieces: &[(String, f64)]) -> Result<(), BoxError> {
    for (id, (piece, score)) in pieces.iter().enumerate() {
        if piece.is_empty() || piece.len() > MOST_PIECE_BYTES || !score.is_finite() {
            return Err(format!(
                "token {id} is empty, longer than {MOST_PIECE_BYTES} bytes, or has no finite score"
            )
            .into());
        }
    }
    if pieces.iter().map(|(piece, _)| piece.len()).sum::<usize>() > MOST_BYTES {
        return Err(format!("its tokens have more than {MOST_BYTES} bytes together").into());
    }
    Ok(())
}
