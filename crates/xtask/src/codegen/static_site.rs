//! The tables of the files of the web console and of the page of the API with their compressed contents, which the
//! program is compiled with. All are made of the files alone, so that they can be written before the program is built.

mod packed;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::codegen::static_site::packed::{compressed, packed_script, packed_style};
use crate::digest::sha256;
use crate::workspace::Workspace;

/// A page with the files that it refers to.
struct Site {
    /// The folder of the files, beside the sources of the crate that serves them.
    folder: &'static str,
    /// The name of the table, a module of that crate, and of the contents of all files, compressed with Brotli, one
    /// after the other.
    name: &'static str,
}

const SITES: [Site; 2] =
    [Site { folder: "console", name: "console" }, Site { folder: "api-docs", name: "api_docs" }];

/// The crate that serves the sites.
const CRATE: &str = "crates/http-actix";

/// The own styles, which are served as one file.
const STYLES: &str = "css/";
const STYLE: &str = "style.css";

/// The page, which is apart from the files that it refers to.
const PAGE: &str = "index.html";

/// What the folder has for those who work on it; neither in the table nor in the program.
const NOT_SERVED: [&str; 2] = ["README.md", "jsconfig.json"];

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The content types by the end of a file's name, or its whole name.
const CONTENT_TYPES: [(&str, &str); 11] = [
    (".css", "text/css; charset=utf-8"),
    (".html", "text/html; charset=utf-8"),
    (".ico", "image/x-icon"),
    (".js", SCRIPT),
    (".json", "application/json"),
    (".png", "image/png"),
    (".svg", "image/svg+xml"),
    (".txt", "text/plain; charset=utf-8"),
    (".woff2", "font/woff2"),
    ("LICENSE", "text/plain; charset=utf-8"),
    ("NOTICE", "text/plain; charset=utf-8"),
];

/// A file that is served.
struct File {
    /// Its path below the folder.
    path: String,
    content_type: &'static str,
    /// Of the content before compression, in hexadecimal digits.
    sha256: String,
    /// Compressed; empty for the page, which is compressed when it is sent.
    content: Vec<u8>,
}

/// What is committed: the table, and the contents that it refers to.
struct Generated {
    table: String,
    contents: Vec<u8>,
}

/// Checks that table and contents of each site are those of its files.
///
/// # Errors
/// A line for the first site that differs, with the files that were added or changed, and what to do. Files that were
/// removed are not named.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<()> {
    SITES.iter().try_for_each(|site| site.check(workspace.root()))
}

/// Writes table and contents of each site.
pub(super) fn write(workspace: &Workspace) -> anyhow::Result<()> {
    for site in SITES {
        let Generated { table, contents } = site.generate(&site.read(workspace.root())?);
        super::write_document(workspace, &site.table(), table.as_bytes())?;
        super::write_document(workspace, &site.contents(), &contents)?;
    }
    Ok(())
}

impl Site {
    fn folder(&self) -> String {
        format!("{CRATE}/{}", self.folder)
    }

    fn table(&self) -> String {
        format!("{CRATE}/src/static_site/{}.rs", self.name)
    }

    fn contents(&self) -> String {
        format!("{CRATE}/src/static_site/{}.br", self.name)
    }

    fn check(&self, root: &Path) -> anyhow::Result<()> {
        let files = self.read(root)?;
        let generated = self.generate(&files);
        let committed = fs::read_to_string(root.join(self.table())).unwrap_or_default();
        let contents = fs::read(root.join(self.contents())).unwrap_or_default();
        if committed == generated.table && contents == generated.contents {
            return Ok(());
        }
        let changed = files.iter().filter(|file| file.path != PAGE && !committed.contains(&file.sha256));
        let changed: Vec<_> = changed.map(|file| file.path.as_str()).collect();
        let named = if changed.is_empty() { String::new() } else { format!(" ({})", changed.join(", ")) };
        bail!(
            "{} differs from the files of {}{named}; run `cargo xtask codegen`",
            self.table(),
            self.folder()
        )
    }

    fn generate(&self, files: &[File]) -> Generated {
        let (mut lines, mut contents) = (String::new(), Vec::new());
        for File { path, content_type, sha256, content } in files.iter().filter(|file| file.path != PAGE) {
            let from = contents.len();
            contents.extend_from_slice(content);
            let to = contents.len();
            // A string accepts every write.
            let _ =
                writeln!(lines, "    StaticFile::new({path:?}, {content_type:?}, {sha256:?}, {from}..{to}),");
        }
        let table = format!(
            "// Written by `cargo xtask codegen` from the files of `{}`: change those.\n\
             \n\
             use super::site::{{StaticFile, StaticSite}};\n\
             \n\
             pub(super) static SITE: StaticSite = StaticSite::new(\n    \
             {:?},\n    \
             include_str!(\"../../{}/{PAGE}\"),\n    \
             &FILES,\n    \
             include_bytes!(\"{}.br\"),\n\
             );\n\
             \n\
             /// In the order of their paths.\n\
             #[expect(clippy::unreadable_literal, reason = \"generated\")]\n\
             static FILES: [StaticFile; {}] = [\n{lines}];\n",
            self.folder(),
            version(files),
            self.folder,
            self.name,
            lines.lines().count(),
        );
        Generated { table, contents }
    }

    /// Reads the files of the folder and returns those that are served, in the order of their paths: vendored files as
    /// they are, scripts packed, and the own styles as one file.
    fn read(&self, root: &Path) -> anyhow::Result<Vec<File>> {
        let mut files = Vec::new();
        let mut style = String::new();
        for (path, content) in sources(&root.join(self.folder()))? {
            let text = || {
                String::from_utf8(content.clone())
                    .with_context(|| format!("{}/{path} is not UTF-8", self.folder()))
            };
            if path.starts_with(STYLES) {
                style.push_str(&packed_style(&text()?));
            } else if content_type(&path) == Some(SCRIPT) && !path.starts_with("vendor/") {
                files.push(self.file(path.clone(), packed_script(&text()?).as_bytes())?);
            } else {
                files.push(self.file(path.clone(), &content)?);
            }
        }
        if !style.is_empty() {
            files.push(self.file(STYLE.to_owned(), style.as_bytes())?);
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }

    fn file(&self, path: String, content: &[u8]) -> anyhow::Result<File> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let content_type = content_type(name)
            .with_context(|| format!("{}/{path}: no content type is known for {name:?}", self.folder()))?;
        let compressed = if path == PAGE { Vec::new() } else { compressed(content)? };
        Ok(File { path, content_type, sha256: sha256(content), content: compressed })
    }
}

/// Returns the digest of all files, the page included, in 16 hexadecimal digits.
fn version(files: &[File]) -> String {
    let lines: Vec<_> = files.iter().map(|file| format!("{} {}\n", file.sha256, file.path)).collect();
    let mut digits = sha256(lines.concat().as_bytes());
    digits.truncate(16);
    digits
}

/// Returns the paths below `folder` with their contents, in the order of the paths.
fn sources(folder: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(within) = folders.pop() {
        for entry in fs::read_dir(&within).with_context(|| format!("cannot read {}", within.display()))? {
            let entry = entry?;
            let place = entry.path();
            if !is_served(&entry.file_name().to_string_lossy()) {
                continue;
            }
            if place.is_dir() {
                folders.push(place);
                continue;
            }
            let content = fs::read(&place).with_context(|| format!("cannot read {}", place.display()))?;
            let path = place.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
            sources.push((path, content));
        }
    }
    sources.sort();
    Ok(sources)
}

/// Whether a file or folder of this name is part of the program. Declarations of types are for checkers only.
fn is_served(name: &str) -> bool {
    !name.starts_with('.') && !name.ends_with(".d.ts") && !NOT_SERVED.contains(&name)
}

fn content_type(name: &str) -> Option<&'static str> {
    CONTENT_TYPES.iter().find(|(end, _)| name.ends_with(end)).map(|(_, content_type)| *content_type)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use tempfile::TempDir;

    use super::*;

    const CONSOLE: &Site = &SITES[0];

    /// A workspace with a console of three files and the page of the API alone.
    fn sites() -> (TempDir, Workspace) {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        for (path, content) in [
            (PAGE, "<script src=\"assets/{version}/app.js\"></script>"),
            ("app.js", "start();"),
            ("pages/try.js", "export {};"),
        ] {
            put(&workspace, path, content);
        }
        let api_docs = workspace.root().join(SITES[1].folder());
        fs::create_dir_all(&api_docs).unwrap();
        fs::write(api_docs.join(PAGE), "<p></p>").unwrap();
        fs::create_dir_all(workspace.root().join(CONSOLE.table()).parent().unwrap()).unwrap();
        (root, workspace)
    }

    /// Writes a file of the console.
    fn put(workspace: &Workspace, path: &str, content: &str) {
        let file = workspace.root().join(CONSOLE.folder()).join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn error(workspace: &Workspace) -> String {
        check(workspace).unwrap_err().to_string()
    }

    /// The table of the console.
    fn written(workspace: &Workspace) -> String {
        write(workspace).unwrap();
        fs::read_to_string(workspace.root().join(CONSOLE.table())).unwrap()
    }

    #[test]
    fn a_file_that_was_changed_fails_the_check_until_the_table_is_written() {
        let (_root, workspace) = sites();
        assert!(error(&workspace).contains("(app.js, pages/try.js)"), "there is no table");
        let before = written(&workspace);
        assert!(check(&workspace).is_ok());

        put(&workspace, "pages/try.js", "export { changed };");
        assert_eq!(
            error(&workspace),
            "crates/http-actix/src/static_site/console.rs differs from the files of crates/http-actix/console \
             (pages/try.js); run `cargo xtask codegen`"
        );
        let after = written(&workspace);
        assert!(check(&workspace).is_ok());
        let version = |table: &str| table.lines().nth(5).unwrap().to_owned();
        assert_ne!(version(&before), version(&after));
    }

    #[test]
    fn a_changed_page_and_added_or_removed_files_fail_the_check() {
        let (_root, workspace) = sites();
        written(&workspace);
        put(&workspace, PAGE, "<p></p>");
        assert!(error(&workspace).contains("crates/http-actix/console; run"));
        written(&workspace);
        put(&workspace, "ui/new.js", "");
        assert!(error(&workspace).contains("(ui/new.js)"));
        written(&workspace);
        fs::remove_file(workspace.root().join(CONSOLE.folder()).join("app.js")).unwrap();
        assert!(check(&workspace).is_err());
    }

    #[test]
    fn every_site_is_checked() {
        let (_root, workspace) = sites();
        written(&workspace);
        fs::write(workspace.root().join(SITES[1].folder()).join("page.js"), "start();").unwrap();
        assert_eq!(
            error(&workspace),
            "crates/http-actix/src/static_site/api_docs.rs differs from the files of \
             crates/http-actix/api-docs (page.js); run `cargo xtask codegen`"
        );
    }

    #[test]
    fn the_table_has_each_served_file_once_in_the_order_of_paths() {
        let (_root, workspace) = sites();
        for path in ["README.md", "jsconfig.json", ".eslintrc.json", ".cache/a.js", "types.d.ts"] {
            put(&workspace, path, "not served");
        }
        put(&workspace, "vendor/lit-html/LICENSE", "BSD");
        let table = written(&workspace);
        let paths: Vec<_> =
            table.lines().filter_map(|line| line.split("StaticFile::new(\"").nth(1)).collect();
        let paths: Vec<_> = paths.iter().filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(paths, ["app.js", "pages/try.js", "vendor/lit-html/LICENSE"]);
        assert_eq!(written(&workspace), table);
    }

    #[test]
    fn the_own_styles_are_one_file_in_the_order_of_paths() {
        let (_root, workspace) = sites();
        put(&workspace, "css/b.css", "/* B */\n.b {\n  top: 0;\n}\n");
        put(&workspace, "css/a.css", ".a {\n}\n");
        let table = written(&workspace);
        assert!(table.contains("StaticFile::new(\"style.css\""), "{table}");
        assert!(!table.contains("css/a.css"), "{table}");
        assert!(table.contains(&sha256(b".a {\n}\n.b {\ntop: 0;\n}\n")), "{table}");
    }

    #[test]
    fn a_file_without_a_content_type_is_an_error_that_names_it() {
        let (_root, workspace) = sites();
        put(&workspace, "pages/data.bin", "");
        assert_eq!(
            error(&workspace),
            "crates/http-actix/console/pages/data.bin: no content type is known for \"data.bin\""
        );
    }
}
