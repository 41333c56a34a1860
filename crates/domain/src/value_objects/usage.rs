/// The tokens and windows that were computed for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The tokens of the text without special tokens; a token in several windows is counted once.
    pub tokens: u32,
    /// The windows of the text, and of its sentences if requested.
    pub windows: u32,
    /// Whether a part of the text was left out.
    pub truncated: bool,
}
