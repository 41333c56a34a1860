//! The console in a browser: the real binary, the real model, Chromium. `cargo xtask test` brings the browser;
//! `cargo xtask test --without browser` leaves these tests out, by the name of the module `in_browser`.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod in_browser;
mod page;
mod program;
mod webdriver;

// The program is started and called as in the end-to-end tests.
#[path = "../e2e/api.rs"]
#[expect(dead_code, reason = "the end-to-end tests use more of it")]
mod api;
#[path = "../e2e/command.rs"]
mod command;
#[path = "../e2e/undertone.rs"]
#[expect(dead_code, reason = "the end-to-end tests use more of it")]
mod undertone;
