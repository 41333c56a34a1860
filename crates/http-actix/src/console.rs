//! The files of the web console (`console/` beside `src/`), which are part of the binary, compressed with Brotli.

mod console_file;
#[rustfmt::skip]
mod files;

use std::io;
use std::sync::LazyLock;

use actix_web::web::Bytes;

pub(crate) use console_file::ConsoleFile;

/// The digest of all files in 16 hexadecimal digits: part of their addresses, so that each is cached for good.
pub(crate) const VERSION: &str = files::VERSION;

/// What the page has in place of the version.
const PLACEHOLDER: &str = "{version}";

/// Returns the page, whose links contain the version.
pub(crate) fn page() -> Bytes {
    static PAGE: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(files::INDEX.replace(PLACEHOLDER, VERSION)));
    PAGE.clone()
}

/// Returns a file of the console, where this binary has it in this version.
pub(crate) fn find_file(version: &str, path: &str) -> Option<&'static ConsoleFile> {
    if version != VERSION {
        return None;
    }
    let index = files::FILES.binary_search_by_key(&path, |file| file.path).ok()?;
    files::FILES.get(index)
}

impl ConsoleFile {
    /// Returns the content, compressed with Brotli; borrowed from the binary, so that a response takes no memory.
    pub(crate) fn compressed(&self) -> Bytes {
        Bytes::from_static(files::CONTENTS.get(self.at.clone()).unwrap_or_default())
    }

    /// Returns the content as it is, for the few clients that do not accept Brotli.
    ///
    /// # Errors
    /// Contents that are not those of the table.
    pub(crate) fn plain(&self) -> io::Result<Bytes> {
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut self.compressed().as_ref(), &mut plain)?;
        Ok(plain.into())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use std::fmt::Write;

    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn every_listed_file_is_found_in_this_version_only() {
        for file in files::FILES {
            assert_eq!(find_file(VERSION, file.path).unwrap().path, file.path);
            assert!(find_file("0000000000000000", file.path).is_none());
        }
        assert!(find_file(VERSION, "index.html").is_none(), "the page has one address");
    }

    #[test]
    fn the_table_has_the_digests_of_the_files() {
        for file in files::FILES {
            let mut digits = String::new();
            for byte in Sha256::digest(file.plain().unwrap()) {
                write!(digits, "{byte:02x}").unwrap();
            }
            assert_eq!(digits, file.sha256, "{}: run `cargo xtask codegen`", file.path);
        }
    }

    #[test]
    fn the_page_has_the_version_in_place_of_its_placeholder() {
        let page = String::from_utf8(page().to_vec()).unwrap();
        assert!(page.contains(&format!("\"assets/{VERSION}/app.js\"")), "{page}");
        assert!(!page.contains(PLACEHOLDER), "{page}");
    }
}
