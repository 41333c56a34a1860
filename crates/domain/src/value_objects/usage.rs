/// What an answer took, told truthfully.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The text's tokens, special tokens not counted, each counted once however many windows hold it.
    pub tokens: u32,
    /// The windows the text was read in.
    pub windows: u32,
    /// Whether a part of the text was not read.
    pub truncated: bool,
}
