use std::ops::Range;

/// A file of the console.
pub(crate) struct ConsoleFile {
    /// The path below the folder of the console, with `/` between its parts.
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    /// The SHA-256 of the content before compression, in 64 hexadecimal digits.
    pub(crate) sha256: &'static str,
    /// Where the compressed content of all files has that of this one.
    pub(super) at: Range<usize>,
}
