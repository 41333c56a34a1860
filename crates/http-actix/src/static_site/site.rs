use std::io;
use std::ops::Range;
use std::sync::OnceLock;

use actix_web::web::Bytes;

/// A page and the files that it refers to.
pub(crate) struct StaticSite {
    /// The digest of all files in 16 hexadecimal digits: part of their addresses, so that each is cached for good.
    pub(crate) version: &'static str,
    /// The page, with a placeholder for the version.
    index: &'static str,
    /// In the order of their paths.
    pub(super) files: &'static [StaticFile],
    /// The compressed contents of all files.
    contents: &'static [u8],
    page: OnceLock<Bytes>,
}

/// A file of a site.
pub(crate) struct StaticFile {
    /// The path below the folder of the site, with `/` between its parts.
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    /// The SHA-256 of the content before compression, in 64 hexadecimal digits.
    pub(crate) sha256: &'static str,
    /// Where the compressed content of all files has that of this one.
    at: Range<usize>,
    /// The content before compression, once it was needed.
    plain: OnceLock<Bytes>,
}

impl StaticFile {
    pub(super) const fn new(
        path: &'static str,
        content_type: &'static str,
        sha256: &'static str,
        at: Range<usize>,
    ) -> Self {
        Self { path, content_type, sha256, at, plain: OnceLock::new() }
    }
}

/// What the page has in place of the version.
const PLACEHOLDER: &str = "{version}";

impl StaticSite {
    pub(super) const fn new(
        version: &'static str,
        index: &'static str,
        files: &'static [StaticFile],
        contents: &'static [u8],
    ) -> Self {
        Self { version, index, files, contents, page: OnceLock::new() }
    }

    /// Returns the page, whose links contain the version.
    pub(crate) fn page(&self) -> Bytes {
        self.page.get_or_init(|| self.index.replace(PLACEHOLDER, self.version).into()).clone()
    }

    /// Returns a file, where this binary has it in this version.
    pub(crate) fn find_file(&self, version: &str, path: &str) -> Option<&'static StaticFile> {
        if version != self.version {
            return None;
        }
        let index = self.files.binary_search_by_key(&path, |file| file.path).ok()?;
        self.files.get(index)
    }

    /// Returns the content of `file`, compressed with Brotli; borrowed from the binary, so that a response takes no
    /// memory.
    pub(crate) fn compressed(&self, file: &StaticFile) -> Bytes {
        Bytes::from_static(self.contents.get(file.at.clone()).unwrap_or_default())
    }

    /// Returns the content of `file` as it is, for clients that do not accept Brotli, such as browsers over plain HTTP
    /// from another machine. It is decompressed once; all responses share its memory.
    ///
    /// # Errors
    /// Contents that are not those of the table.
    pub(crate) fn plain(&self, file: &StaticFile) -> io::Result<Bytes> {
        if let Some(plain) = file.plain.get() {
            return Ok(plain.clone());
        }
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut self.compressed(file).as_ref(), &mut plain)?;
        Ok(file.plain.get_or_init(|| plain.into()).clone())
    }
}
