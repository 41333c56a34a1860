//! The table of the web console's files and their compressed contents, which the program is compiled with. Both are
//! made of the files alone, so that they can be written before the program is built.

mod packed;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::codegen::console::packed::{compressed, packed_script, packed_style};
use crate::digest::sha256;
use crate::workspace::Workspace;

/// The folder of the files.
const FOLDER: &str = "crates/http-actix/console";

/// The table, a module of the crate that serves the files.
const TABLE: &str = "crates/http-actix/src/console/files.rs";

/// The contents of all files, compressed with Brotli, one after the other.
const CONTENTS: &str = "crates/http-actix/src/console/files.br";

/// The own styles, which are served as one file.
const STYLES: &str = "css/";
const STYLE: &str = "style.css";

/// The page, which is apart from the files that it refers to.
const PAGE: &str = "index.html";

/// What the folder has for those who work on it; neither in the table nor in the program.
const NOT_SERVED: [&str; 2] = ["README.md", "jsconfig.json"];

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The content types by the end of a file's name, or its whole name.
const CONTENT_TYPES: [(&str, &str); 10] = [
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

impl File {
    fn new(path: String, content: &[u8]) -> anyhow::Result<Self> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let content_type = content_type(name)
            .with_context(|| format!("{FOLDER}/{path}: no content type is known for {name:?}"))?;
        let compressed = if path == PAGE { Vec::new() } else { compressed(content)? };
        Ok(Self { path, content_type, sha256: sha256(content), content: compressed })
    }
}

/// What is committed: the table, and the contents that it refers to.
struct Generated {
    table: String,
    contents: Vec<u8>,
}

impl Generated {
    fn of(files: &[File]) -> Self {
        let (mut lines, mut contents) = (String::new(), Vec::new());
        for File { path, content_type, sha256, content } in files.iter().filter(|file| file.path != PAGE) {
            let from = contents.len();
            contents.extend_from_slice(content);
            let to = contents.len();
            // A string accepts every write.
            let _ = writeln!(
                lines,
                "    ConsoleFile {{ path: {path:?}, content_type: {content_type:?}, sha256: {sha256:?}, \
                 at: {from}..{to} }},"
            );
        }
        let table = format!(
            "// Written by `cargo xtask codegen` from the files of `{FOLDER}`: change those.\n\
             \n\
             use super::console_file::ConsoleFile;\n\
             \n\
             pub(super) const VERSION: &str = {:?};\n\
             \n\
             pub(super) const INDEX: &str = include_str!(\"../../console/{PAGE}\");\n\
             \n\
             pub(super) static CONTENTS: &[u8] = include_bytes!(\"files.br\");\n\
             \n\
             /// In the order of their paths.\n\
             #[expect(clippy::unreadable_literal, reason = \"generated\")]\n\
             pub(super) static FILES: &[ConsoleFile] = &[\n{lines}];\n",
            version(files)
        );
        Self { table, contents }
    }
}

/// Checks that table and contents are those of the files.
///
/// # Errors
/// A line with the files that were added or changed, and what to do. Files that were removed are not named.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let files = read(workspace.root())?;
    let generated = Generated::of(&files);
    let committed = fs::read_to_string(workspace.root().join(TABLE)).unwrap_or_default();
    let contents = fs::read(workspace.root().join(CONTENTS)).unwrap_or_default();
    if committed == generated.table && contents == generated.contents {
        return Ok(());
    }
    let changed = files.iter().filter(|file| file.path != PAGE && !committed.contains(&file.sha256));
    let changed: Vec<_> = changed.map(|file| file.path.as_str()).collect();
    let named = if changed.is_empty() { String::new() } else { format!(" ({})", changed.join(", ")) };
    bail!("{TABLE} differs from the files of {FOLDER}{named}; run `cargo xtask codegen`")
}

/// Writes table and contents.
pub(super) fn write(workspace: &Workspace) -> anyhow::Result<()> {
    let Generated { table, contents } = Generated::of(&read(workspace.root())?);
    super::write_document(workspace, TABLE, table.as_bytes())?;
    super::write_document(workspace, CONTENTS, &contents)
}

/// Returns the digest of all files, the page included, in 16 hexadecimal digits.
fn version(files: &[File]) -> String {
    let lines: Vec<_> = files.iter().map(|file| format!("{} {}\n", file.sha256, file.path)).collect();
    let mut digits = sha256(lines.concat().as_bytes());
    digits.truncate(16);
    digits
}

/// Reads the files of the folder and returns those that are served, in the order of their paths: vendored files as they
/// are, scripts packed, and the own styles as one file.
fn read(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut style = String::new();
    for (path, content) in sources(&root.join(FOLDER))? {
        let text =
            || String::from_utf8(content.clone()).with_context(|| format!("{FOLDER}/{path} is not UTF-8"));
        if path.starts_with(STYLES) {
            style.push_str(&packed_style(&text()?));
        } else if content_type(&path) == Some(SCRIPT) && !path.starts_with("vendor/") {
            files.push(File::new(path.clone(), packed_script(&text()?).as_bytes())?);
        } else {
            files.push(File::new(path.clone(), &content)?);
        }
    }
    if !style.is_empty() {
        files.push(File::new(STYLE.to_owned(), style.as_bytes())?);
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
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

    /// A workspace with a console of three files.
    fn console() -> (TempDir, Workspace) {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        for (path, content) in [
            (PAGE, "<script src=\"assets/{version}/app.js\"></script>"),
            ("app.js", "start();"),
            ("pages/try.js", "export {};"),
        ] {
            put(&workspace, path, content);
        }
        (root, workspace)
    }

    fn put(workspace: &Workspace, path: &str, content: &str) {
        let file = workspace.root().join(FOLDER).join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn error(workspace: &Workspace) -> String {
        check(workspace).unwrap_err().to_string()
    }

    fn written(workspace: &Workspace) -> String {
        write(workspace).unwrap();
        fs::read_to_string(workspace.root().join(TABLE)).unwrap()
    }

    #[test]
    fn a_file_that_was_changed_fails_the_check_until_the_table_is_written() {
        let (_root, workspace) = console();
        assert!(error(&workspace).contains("(app.js, pages/try.js)"), "there is no table");
        let before = written(&workspace);
        assert!(check(&workspace).is_ok());

        put(&workspace, "pages/try.js", "export { changed };");
        assert_eq!(
            error(&workspace),
            "crates/http-actix/src/console/files.rs differs from the files of crates/http-actix/console \
             (pages/try.js); run `cargo xtask codegen`"
        );
        let after = written(&workspace);
        assert!(check(&workspace).is_ok());
        let version = |table: &str| table.lines().find(|line| line.contains("VERSION")).unwrap().to_owned();
        assert_ne!(version(&before), version(&after));
    }

    #[test]
    fn a_changed_page_and_added_or_removed_files_fail_the_check() {
        let (_root, workspace) = console();
        written(&workspace);
        put(&workspace, PAGE, "<p></p>");
        assert!(error(&workspace).contains("crates/http-actix/console; run"));
        written(&workspace);
        put(&workspace, "ui/new.js", "");
        assert!(error(&workspace).contains("(ui/new.js)"));
        written(&workspace);
        fs::remove_file(workspace.root().join(FOLDER).join("app.js")).unwrap();
        assert!(check(&workspace).is_err());
    }

    #[test]
    fn the_table_has_each_served_file_once_in_the_order_of_paths() {
        let (_root, workspace) = console();
        for path in ["README.md", "jsconfig.json", ".eslintrc.json", ".cache/a.js", "types.d.ts"] {
            put(&workspace, path, "not served");
        }
        put(&workspace, "vendor/lit-html/LICENSE", "BSD");
        let table = written(&workspace);
        let paths: Vec<_> = table.lines().filter_map(|line| line.split("path: \"").nth(1)).collect();
        let paths: Vec<_> = paths.iter().filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(paths, ["app.js", "pages/try.js", "vendor/lit-html/LICENSE"]);
        assert_eq!(written(&workspace), table);
    }

    #[test]
    fn the_own_styles_are_one_file_in_the_order_of_paths() {
        let (_root, workspace) = console();
        put(&workspace, "css/b.css", "/* B */\n.b {\n  top: 0;\n}\n");
        put(&workspace, "css/a.css", ".a {\n}\n");
        let table = written(&workspace);
        assert!(table.contains("path: \"style.css\""), "{table}");
        assert!(!table.contains("css/a.css"), "{table}");
        assert!(table.contains(&sha256(b".a {\n}\n.b {\ntop: 0;\n}\n")), "{table}");
    }

    #[test]
    fn a_file_without_a_content_type_is_an_error_that_names_it() {
        let (_root, workspace) = console();
        put(&workspace, "pages/data.bin", "");
        assert_eq!(
            error(&workspace),
            "crates/http-actix/console/pages/data.bin: no content type is known for \"data.bin\""
        );
    }
}
