/// What an answer took, told truthfully.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The text's tokens that were read, special tokens not counted, each counted once however many windows hold it.
    pub tokens: u32,
    /// The windows that were read: those of the text, and of its sentences where they were asked for.
    pub windows: u32,
    /// Whether a part of the text was not read.
    pub truncated: bool,
}
