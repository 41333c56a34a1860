use serde::Deserialize;
use tokenizers::AddedToken;

/// A token as the files beside a vocabulary describe it.
#[expect(clippy::struct_excessive_bools, reason = "the properties of the format")]
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct TokenSpec {
    pub(super) content: String,
    #[serde(default)]
    pub(super) single_word: bool,
    #[serde(default)]
    pub(super) lstrip: bool,
    #[serde(default)]
    pub(super) rstrip: bool,
    /// None where the file does not say: then special tokens are matched before texts are normalized, others after.
    #[serde(default)]
    pub(super) normalized: Option<bool>,
    #[serde(default)]
    pub(super) special: bool,
    /// Whether the file has a plain string instead of an object.
    #[serde(skip)]
    pub(super) is_string: bool,
}

impl TokenSpec {
    /// A special token that is described by a string.
    pub(super) fn string(content: impl Into<String>) -> Self {
        Self { is_string: true, ..Self::object(content, true) }
    }

    pub(super) fn object(content: impl Into<String>, special: bool) -> Self {
        Self {
            content: content.into(),
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: None,
            special,
            is_string: false,
        }
    }

    pub(super) fn into_added(self) -> AddedToken {
        AddedToken::from(self.content, self.special)
            .single_word(self.single_word)
            .lstrip(self.lstrip)
            .rstrip(self.rstrip)
            .normalized(self.normalized.unwrap_or(!self.special))
    }
}

/// What a special token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Bos,
    Eos,
    Unk,
    Sep,
    Pad,
    Cls,
    Mask,
}

impl Role {
    /// In the order in which transformers adds their tokens.
    pub(super) const ALL: [Self; 7] =
        [Self::Bos, Self::Eos, Self::Unk, Self::Sep, Self::Pad, Self::Cls, Self::Mask];

    /// The key in `tokenizer_config.json`.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Bos => "bos_token",
            Self::Eos => "eos_token",
            Self::Unk => "unk_token",
            Self::Sep => "sep_token",
            Self::Pad => "pad_token",
            Self::Cls => "cls_token",
            Self::Mask => "mask_token",
        }
    }

    /// BERT's token of this role.
    pub(super) fn bracketed(self) -> &'static str {
        match self {
            Self::Bos | Self::Cls => "[CLS]",
            Self::Eos | Self::Sep => "[SEP]",
            Self::Unk => "[UNK]",
            Self::Pad => "[PAD]",
            Self::Mask => "[MASK]",
        }
    }

    /// RoBERTa's token of this role.
    pub(super) fn angled(self) -> &'static str {
        match self {
            Self::Bos | Self::Cls => "<s>",
            Self::Eos | Self::Sep => "</s>",
            Self::Unk => "<unk>",
            Self::Pad => "<pad>",
            Self::Mask => "<mask>",
        }
    }
}
