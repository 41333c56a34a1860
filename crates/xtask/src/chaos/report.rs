use std::fmt::Write;

use super::faults::{Injected, ReplicaFault, StoreFault};
use super::ledger::{Item, Kind, Request, Tally, Violation};
use super::verification::Findings;
use crate::bench::table::table;

/// The result of a run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) injected: Injected,
    pub(super) tally: Tally,
    pub(super) sent: Sent,
    pub(super) findings: Findings,
    /// All violations, during the faults and afterwards.
    pub(super) violations: Vec<Violation>,
}

/// The numbers of texts of a run, including those of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    texts: usize,
    acknowledged: usize,
    deleted: usize,
}

impl Sent {
    pub(super) fn count(texts: &[Item]) -> Self {
        let acknowledged = texts.iter().filter(|text| text.id().is_some());
        let is_deleted = |text: &&Item| text.deletion == super::ledger::Deletion::Acknowledged;
        Self {
            texts: texts.len(),
            deleted: acknowledged.clone().filter(is_deleted).count(),
            acknowledged: acknowledged.count(),
        }
    }
}

/// How many violations are printed; the folder of the logs has all of them.
const PRINTED: usize = 10;
/// How many characters of each are printed.
const LENGTH: usize = 600;

impl Report {
    /// Whether there is no violation, in a run that acknowledged predictions.
    pub(super) fn has_passed(&self) -> bool {
        self.violations.is_empty() && self.sent.acknowledged > 0
    }

    /// Formats the tables of faults, requests and violations.
    pub(super) fn tables(&self) -> String {
        let faults = ReplicaFault::KINDS.into_iter().chain(StoreFault::KINDS).map(|kind| {
            let count = self.injected.kinds.iter().filter(|injected| **injected == kind).count();
            vec![kind.to_owned(), count.to_string()]
        });
        let requests = Request::ALL.into_iter().map(|(request, name)| {
            let count = self.tally.of(request);
            let sent = count.acknowledged + count.refused + count.unknown;
            [sent, count.acknowledged, count.refused, count.unknown].iter().fold(
                vec![name.to_owned()],
                |mut row, number| {
                    row.push(number.to_string());
                    row
                },
            )
        });
        let found = Kind::ALL.into_iter().map(|(kind, name)| {
            let count = self.violations.iter().filter(|violation| violation.kind == kind).count();
            vec![name.to_owned(), count.to_string()]
        });
        let rows = |rows: &mut dyn Iterator<Item = Vec<String>>| rows.collect::<Vec<_>>();
        [
            table(&["fault", "times"], &rows(&mut { faults })),
            table(&["requests", "sent", "answered", "refused", "unknown"], &rows(&mut { requests })),
            self.totals(),
            table(&["violation", "found"], &rows(&mut { found })),
        ]
        .join("\n\n")
    }

    fn totals(&self) -> String {
        format!(
            "{} texts sent, {} acknowledged, {} of them deleted; at the end {} rows and {} events, {} of which \
             may have lost their log line to a kill",
            self.sent.texts,
            self.sent.acknowledged,
            self.sent.deleted,
            self.findings.rows,
            self.findings.events,
            self.findings.cut
        )
    }

    /// Formats the first violations, each cut to a readable length.
    pub(super) fn first_violations(&self) -> String {
        let mut lines = String::new();
        if self.sent.acknowledged == 0 {
            lines.push_str("no prediction was acknowledged, so nothing was tested\n");
        }
        for violation in self.violations.iter().take(PRINTED) {
            let what: String = violation.what.chars().take(LENGTH).collect();
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{:?}: {what}", violation.kind);
        }
        if let Some(more) = self.violations.len().checked_sub(PRINTED).filter(|more| *more > 0) {
            let _ = writeln!(lines, "and {more} more");
        }
        lines
    }

    /// Formats every violation, each on one or more lines.
    pub(super) fn all_violations(&self) -> String {
        self.violations.iter().fold(String::new(), |mut lines, violation| {
            let _ = writeln!(lines, "{:?}: {}", violation.kind, violation.what);
            lines
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(acknowledged: usize, violations: Vec<Violation>) -> Report {
        let injected = Injected { kinds: vec!["SIGTERM", "kill -9", "SIGTERM"], problems: Vec::new() };
        let findings = Findings { violations: Vec::new(), rows: 3, events: 4, cut: 1 };
        let sent = Sent { texts: 5, acknowledged, deleted: 1 };
        let mut tally = Tally::default();
        tally.count(Request::Get).acknowledged += 7;
        Report { injected, tally, sent, findings, violations }
    }

    #[test]
    fn a_run_passes_with_acknowledged_predictions_and_without_violations() {
        assert!(report(1, Vec::new()).has_passed());
        assert!(!report(0, Vec::new()).has_passed());
        assert!(!report(1, vec![Kind::Lost.violation("x")]).has_passed());
    }

    #[test]
    fn the_tables_count_faults_requests_and_violations() {
        let tables = report(4, vec![Kind::Lost.violation("x"), Kind::Lost.violation("y")]).tables();
        let has = |words: &[&str]| {
            let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
            tables.lines().any(|line| cells(line).join(" ").trim() == words.join(" "))
        };
        assert!(has(&["SIGTERM", "2"]) && has(&["SIGSTOP of 8 s", "0"]), "{tables}");
        assert!(has(&["get", "7", "7", "0", "0"]) && has(&["lost", "2"]), "{tables}");
    }

    #[test]
    fn the_first_violations_are_printed_and_the_others_counted() {
        let many = (0..12).map(|number| Kind::Unhealthy.violation(format!("number {number}"))).collect();
        let lines = report(1, many).first_violations();
        assert_eq!(lines.lines().count(), PRINTED + 1);
        assert!(lines.ends_with("and 2 more\n"));
    }
}
