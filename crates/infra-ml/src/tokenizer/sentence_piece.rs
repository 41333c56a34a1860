use prost::Message;

use super::token_spec::TokenSpec;

/// What is needed of a SentencePiece model (`sentencepiece_model.proto`).
#[derive(Clone, PartialEq, Message)]
pub(super) struct SentencePiece {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<Piece>,
    #[prost(message, optional, tag = "2")]
    trainer_spec: Option<TrainerSpec>,
    #[prost(message, optional, tag = "3")]
    normalizer_spec: Option<NormalizerSpec>,
}

#[derive(Clone, PartialEq, Message)]
struct Piece {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(float, tag = "2")]
    score: f32,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct TrainerSpec {
    #[prost(int32, optional, tag = "3")]
    model_type: Option<i32>,
    #[prost(int32, tag = "40")]
    unk_id: i32,
}

#[derive(Clone, PartialEq, Message)]
struct NormalizerSpec {
    #[prost(bytes = "vec", tag = "2")]
    precompiled_charsmap: Vec<u8>,
}

const UNIGRAM: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

impl SentencePiece {
    pub(super) fn is_unigram(&self) -> bool {
        let model_type = self.trainer_spec.as_ref().and_then(|spec| spec.model_type);
        model_type.is_none_or(|model_type| model_type == UNIGRAM)
    }

    /// The id of the unknown token; none where the model has none.
    pub(super) fn unk_id(&self) -> Option<usize> {
        self.trainer_spec.as_ref().map_or(0, |spec| spec.unk_id).try_into().ok()
    }

    /// The pieces with their scores.
    pub(super) fn pieces(&self) -> Vec<(String, f64)> {
        self.pieces.iter().map(|piece| (piece.text.clone(), f64::from(piece.score))).collect()
    }

    /// Control symbols and user-defined symbols, which are matched before texts are split.
    pub(super) fn symbols(&self) -> Vec<TokenSpec> {
        let symbols = self.pieces.iter().filter(|piece| matches!(piece.kind, Some(CONTROL | USER_DEFINED)));
        let token = |piece: &Piece| TokenSpec {
            normalized: Some(false),
            ..TokenSpec::object(&piece.text, piece.kind == Some(CONTROL))
        };
        symbols.map(token).collect()
    }

    /// The normalization table; empty where there is none.
    pub(super) fn charsmap(&self) -> &[u8] {
        self.normalizer_spec.as_ref().map_or(&[], |spec| &spec.precompiled_charsmap)
    }
}
