// Written by `cargo xtask codegen` from the files of `crates/http-actix/console`: change those.

use super::console_file::ConsoleFile;

pub(super) const VERSION: &str = "67332b9fd97ccee9";

pub(super) const INDEX: &str = include_str!("../../console/index.html");

/// In the order of their paths.
pub(super) static FILES: &[ConsoleFile] = &[
    ConsoleFile { path: "app.js", content_type: "text/javascript; charset=utf-8", sha256: "5f58182ba7c75a389fa7f4a2de7d53224efd39b7ab18b7f3b7b2aa84bae44c31", bytes: include_bytes!("../../console/app.js") },
    ConsoleFile { path: "style.css", content_type: "text/css; charset=utf-8", sha256: "471a3e6ffa6ba8d329ba369277bab2005772524b93583f1cc3f42d9082ab597e", bytes: include_bytes!("../../console/style.css") },
];
