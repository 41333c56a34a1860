use std::io::{self, Write};

use application::action::chain;
use application::errors::BoxError;
use clap::{Args, ValueEnum};
use console::Style;
use serde_json::json;

use crate::commands::print;
use crate::failure::Failure;
use crate::finding::{Finding, Verdict};
use crate::printable::printable;
use crate::program::{Overrides, Program};
use crate::screen::{Screen, wrap};

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Load every model, also large ones, and run its self-test; models on the hub are downloaded
    #[arg(long)]
    load: bool,
    /// Exit with code 1 also where there are warnings
    #[arg(long)]
    strict: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// Why `doctor` ends with exit code 1; the findings are printed already.
#[derive(Debug, thiserror::Error)]
#[error("{counts}")]
struct Found {
    counts: String,
}

/// Examines what the service needs. A configuration that cannot be read is the only finding: all others depend on it.
pub(super) async fn run<P: Program>(overrides: &Overrides, args: &DoctorArgs) -> Result<(), Failure> {
    let screen = Screen::of_standard_output();
    let mut findings = Vec::new();
    let mut report = |finding: Finding| {
        if args.format == Form::Text {
            // A reader that has left gets nothing more.
            let _ = io::stdout().write_all(text(&finding, screen).as_bytes());
        }
        findings.push(finding);
    };
    match P::configure(overrides) {
        Ok(program) => program.examine(overrides, args.load, &mut report).await,
        Err(error) => report(unusable(&error)),
    }
    let outcome = outcome(&findings, args.strict);
    match args.format {
        // The error says it where there is one.
        Form::Text if outcome.is_err() => print("\n")?,
        Form::Text => print(&summary(&findings, screen))?,
        Form::Json => print(&format!("{:#}\n", document(&findings)))?,
    }
    outcome
}

/// The finding about a configuration that cannot be used.
fn unusable(error: &BoxError) -> Finding {
    let error = chain(error.as_ref());
    let error = error.strip_prefix("configuration: ").unwrap_or(&error);
    Finding::of_error("configuration", error, "`undertone config --reference` lists every setting")
}

fn outcome(findings: &[Finding], strict: bool) -> Result<(), Failure> {
    let worst = findings.iter().map(|finding| finding.verdict).max();
    let most = if strict { Verdict::Ok } else { Verdict::Warn };
    match worst.filter(|worst| *worst > most) {
        None => Ok(()),
        Some(_) => Err(Found { counts: counts(findings) }.into()),
    }
}

/// The columns of the verdict and of the subject, with their gaps.
const SUBJECT: usize = 13;
const INDENT: usize = 2 + 4 + 2 + SUBJECT + 2;

/// The lines of one finding: what was seen, and below it what to do.
fn text(finding: &Finding, screen: Screen) -> String {
    let (word, style) = match finding.verdict {
        Verdict::Ok => ("ok", Style::new().green()),
        Verdict::Warn => ("warn", Style::new().yellow().bold()),
        Verdict::Fail => ("fail", Style::new().red().bold()),
    };
    let width = screen.width.map(|width| width.saturating_sub(INDENT).max(24));
    let word = screen.paint(&style, &format!("{word:<4}"));
    let mut head = format!("  {word}  {:<SUBJECT$}  ", finding.subject);
    let mut lines = String::new();
    for line in wrap(&printable(&finding.seen), width) {
        lines.extend([head.as_str(), line.as_str(), "\n"]);
        head = " ".repeat(INDENT);
    }
    let advice =
        finding.advice.iter().flat_map(|advice| wrap(&printable(advice), width.map(|width| width - 2)));
    let mut head = format!("{}{}", " ".repeat(INDENT), screen.paint(&style, "→ "));
    for line in advice {
        lines.extend([head.as_str(), line.as_str(), "\n"]);
        head = " ".repeat(INDENT + 2);
    }
    lines
}

/// The line below the findings.
fn summary(findings: &[Finding], screen: Screen) -> String {
    let has_warnings = findings.iter().any(|finding| finding.verdict == Verdict::Warn);
    let style = if has_warnings { Style::new().yellow().bold() } else { Style::new().green().bold() };
    format!("\n  {}\n", screen.paint(&style, &counts(findings)))
}

/// How many checks failed, warn and are fine.
fn counts(findings: &[Finding]) -> String {
    let of = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (failed, warned, fine) = (of(Verdict::Fail), of(Verdict::Warn), of(Verdict::Ok));
    let failed = if failed > 0 { format!("{failed} failed, ") } else { String::new() };
    let warned = match warned {
        0 => String::new(),
        1 => "1 warning, ".to_owned(),
        more => format!("{more} warnings, "),
    };
    format!("{failed}{warned}{fine} ok")
}

fn document(findings: &[Finding]) -> serde_json::Value {
    let worst = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok);
    json!({ "verdict": worst, "findings": findings })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Vec<Finding> {
        vec![
            Finding::ok("configuration", "undertone.toml, 2 settings by flags"),
            Finding::ok("store", "SQLite 3.50.4, /srv/undertone/data/undertone.db, writable, 0.4 ms"),
            Finding::ok("schema", "8 migrations, none missing"),
        ]
    }

    fn bad() -> Vec<Finding> {
        let error = "cannot connect to the database: connection refused; start PostgreSQL, or correct the host and \
             the port in store.url";
        vec![
            Finding::ok("configuration", "defaults"),
            Finding::of_error("store", error, ""),
            Finding::warn(
                "exposure",
                "every client that reaches 0.0.0.0 may use it",
                "set auth.mode = \"required\"",
            ),
        ]
    }

    fn shown(findings: &[Finding], width: usize, in_color: bool) -> String {
        let screen = Screen { width: Some(width), in_color };
        let lines: String = findings.iter().map(|finding| text(finding, screen)).collect();
        (lines + &summary(findings, screen)).replace('\u{1b}', "␛")
    }

    #[test]
    fn all_is_well() {
        insta::assert_snapshot!(shown(&good(), 100, false));
        assert!(outcome(&good(), true).is_ok());
    }

    #[test]
    fn what_is_wrong_comes_with_what_to_do() {
        insta::assert_snapshot!(shown(&bad(), 100, false));
        assert!(outcome(&bad(), false).is_err());
    }

    #[test]
    fn long_lines_are_wrapped_and_verdicts_have_their_colors() {
        insta::assert_snapshot!(shown(&bad(), 60, true));
    }

    #[test]
    fn programs_get_one_document() {
        insta::assert_snapshot!(format!("{:#}", document(&bad())));
    }

    #[test]
    fn warnings_fail_only_if_that_is_requested() {
        let warned = [bad().remove(2)];
        assert!(outcome(&warned, false).is_ok());
        assert!(outcome(&warned, true).is_err());
    }
}
