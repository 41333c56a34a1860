/// A file of the console.
pub(crate) struct ConsoleFile {
    /// The path below the folder of the console, with `/` between its parts.
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    /// The SHA-256 of the content in 64 hexadecimal digits.
    pub(crate) sha256: &'static str,
    pub(crate) bytes: &'static [u8],
}
