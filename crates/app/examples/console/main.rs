//! The console in a browser: pictures of its pages, and measurements. `cargo xtask console-shots` and `cargo xtask
//! bench-console` start the service and the browser's driver, and run it.
//!
//! It is a program of its own because it drives the browser with the code of the browser tests.

mod measurements;
mod pictures;

#[path = "../../tests/browser/webdriver.rs"]
#[expect(dead_code, reason = "the browser tests use more of it")]
mod webdriver;

use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use self::webdriver::Session;

/// Drives the console of a running service.
#[derive(Debug, Parser)]
struct Arguments {
    /// The service, such as http://127.0.0.1:8000
    #[arg(long)]
    url: String,
    /// The WebDriver of Chromium, such as http://127.0.0.1:9515
    #[arg(long)]
    webdriver: String,
    /// The API key, where the service requires one
    #[arg(long)]
    key: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes pictures of every page into a folder
    Pictures(pictures::PicturesArgs),
    /// Measures first paint and interactivity over many starts
    Starts(measurements::StartsArgs),
    /// Measures memory and frames while the whole history is scrolled through
    Scrolling(measurements::DurationArgs),
    /// Measures tasks and frames while events arrive
    Events(measurements::DurationArgs),
}

/// How long a page may take to show what it has.
const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match &arguments.command {
        Command::Pictures(args) => pictures::run(&arguments, args),
        Command::Starts(args) => measurements::starts(&arguments, args),
        Command::Scrolling(args) => measurements::scrolling(&arguments, *args),
        Command::Events(args) => measurements::events(&arguments, *args),
    }
}

impl Arguments {
    /// Starts a browser whose tab has the key.
    fn session(&self) -> anyhow::Result<Session> {
        let session = Session::start(&self.webdriver)?;
        if let Some(key) = &self.key {
            // Not the console itself, which forgets a key when a request without one is refused.
            session.open(&format!("{}/health/live", self.url))?;
            session.evaluate(&format!("sessionStorage.setItem('undertone.key', {})", json!(key)))?;
        }
        Ok(session)
    }

    /// Returns the address of a page of the console.
    fn page(&self, page: &str) -> String {
        format!("{}/console/#/{page}", self.url)
    }
}

/// Waits until an expression is true in the page.
fn wait_until(session: &Session, expression: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    while session.evaluate(expression)? != Value::Bool(true) {
        ensure!(started.elapsed() < PATIENCE, "waited in vain until {expression}");
        pause(Duration::from_millis(20));
    }
    Ok(())
}

/// Waits.
fn pause(duration: Duration) {
    #[expect(clippy::disallowed_methods, reason = "a pause between two looks, or the time that is measured")]
    std::thread::sleep(duration);
}
