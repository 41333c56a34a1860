// Written by `cargo xtask codegen` from the files of `crates/http-actix/api-docs`: change those.

use super::site::{StaticFile, StaticSite};

pub(super) static SITE: StaticSite = StaticSite::new(
    "c4d9aacaeb9ab2a0",
    include_str!("../../api-docs/index.html"),
    &FILES,
    include_bytes!("api_docs.br"),
);

/// In the order of their paths.
#[expect(clippy::unreadable_literal, reason = "generated")]
static FILES: [StaticFile; 7] = [
    StaticFile::new("icon.svg", "image/svg+xml", "a3c6fe50429c6b86805013a2f9f5a2153de381d8525fcbe4cc72ea15ccfc5d6e", 0..168),
    StaticFile::new("page.css", "text/css; charset=utf-8", "bb59b29c4ec28c243eec0d2b0ffe6c07035bc778fcb9778782bed3160a906aef", 168..272),
    StaticFile::new("page.js", "text/javascript; charset=utf-8", "880444596f37e355c7df737b0cd36fd2d6fe4f91c7929baf58b2161e07046e60", 272..477),
    StaticFile::new("vendor/swagger-ui/LICENSE", "text/plain; charset=utf-8", "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30", 477..3533),
    StaticFile::new("vendor/swagger-ui/NOTICE", "text/plain; charset=utf-8", "0d20d1adef18aee3f40dd258172155521ce702ac445cb5f7b7d60ed32dad2fb2", 3533..3585),
    StaticFile::new("vendor/swagger-ui/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "4b5a9b35a1adf37f00d39c0bae23cdb37007e2946240ef035137cc85b4d55349", 3585..338159),
    StaticFile::new("vendor/swagger-ui/swagger-ui.css", "text/css; charset=utf-8", "ca238f7d7c2cf4480c1e77a9c3b9da915ab216e96ffd354e69076560c650c6de", 338159..357536),
];
