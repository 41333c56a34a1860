//! The pages that are part of the binary, with their files compressed with Brotli: the web console (`console/` beside
//! `src/`) and the page of the API (`api-docs/`).

#[rustfmt::skip]
mod api_docs;
#[rustfmt::skip]
mod console;
mod site;

pub(crate) use site::{StaticFile, StaticSite};

pub(crate) static CONSOLE: &StaticSite = &console::SITE;
pub(crate) static API_DOCS: &StaticSite = &api_docs::SITE;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use std::fmt::Write;

    use sha2::{Digest, Sha256};

    use super::*;

    const SITES: [&StaticSite; 2] = [&console::SITE, &api_docs::SITE];

    #[test]
    fn every_listed_file_is_found_in_this_version_only() {
        for site in SITES {
            for file in site.files {
                assert_eq!(site.find_file(site.version, file.path).unwrap().path, file.path);
                assert!(site.find_file("0000000000000000", file.path).is_none());
            }
            assert!(site.find_file(site.version, "index.html").is_none(), "the page has one address");
        }
    }

    #[test]
    fn the_tables_have_the_digests_of_the_files() {
        for site in SITES {
            for file in site.files {
                let mut digits = String::new();
                for byte in Sha256::digest(site.plain(file).unwrap()) {
                    write!(digits, "{byte:02x}").unwrap();
                }
                assert_eq!(digits, file.sha256, "{}: run `cargo xtask codegen`", file.path);
            }
        }
    }

    #[test]
    fn a_file_is_decompressed_once() {
        for site in SITES {
            for file in site.files {
                let (first, second) = (site.plain(file).unwrap(), site.plain(file).unwrap());
                assert_eq!(first.as_ptr(), second.as_ptr(), "{}", file.path);
            }
        }
    }

    #[test]
    fn the_pages_have_the_version_in_place_of_its_placeholder() {
        for site in SITES {
            let page = String::from_utf8(site.page().to_vec()).unwrap();
            assert!(page.contains(&format!("\"assets/{}/", site.version)), "{page}");
            assert!(!page.contains("{version}"), "{page}");
        }
    }
}
