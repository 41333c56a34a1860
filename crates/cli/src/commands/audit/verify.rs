use application::dtos::{AuditFault, VerifyAuditRequest, VerifyAuditResponse};
use clap::Args;
use domain::value_objects::Seal;

use crate::administration::Administration;
use crate::commands::administer::counted;
use crate::commands::print;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Anchor that an earlier check has printed: detects lines that were removed from the end since
    #[arg(long, value_name = "LINE:SEAL", value_parser = parse_anchor)]
    anchor: Option<Anchor>,
    /// How many lines from the first may have no seal, because they were written before audit.key was set
    #[arg(long, value_name = "N", default_value_t = 0)]
    unsealed: u64,
}

/// The number and the seal of a line.
type Anchor = (i64, Seal);

/// The audit is not as it was written.
#[derive(Debug, thiserror::Error)]
#[error("the audit is not as it was written: {}", counted(*.0, "fault"))]
struct Tampered(u64);

pub(super) async fn run(administration: &Administration, args: VerifyArgs) -> Result<(), Failure> {
    let VerifyArgs { anchor, unsealed } = args;
    let request = VerifyAuditRequest { anchor, unsealed };
    let checked = administration.verify_audit.execute(request).await.map_err(Failure::set_up)?;
    print(&report(&checked, unsealed))?;
    match checked.faults.len() {
        0 => Ok(()),
        faults => Err(Tampered(faults as u64).into()),
    }
}

/// What was checked, then either a line for each fault, or the anchor. The first `accepted` lines may have no seal.
fn report(checked: &VerifyAuditResponse, accepted: u64) -> String {
    let VerifyAuditResponse { lines, unsealed, last, faults } = checked;
    let without = match unsealed {
        0 => String::new(),
        unsealed => format!("; {} at the beginning without a seal", counted(*unsealed, "line")),
    };
    let mut report = vec![format!("checked {}{without}", counted(*lines, "line"))];
    report.extend(faults.iter().map(describe));
    let next = i64::try_from(accepted).unwrap_or(i64::MAX).saturating_add(1);
    if faults.first() == Some(&AuditFault::Unsealed(next)) && *unsealed > accepted {
        report.push(format!("pass --unsealed {unsealed} if audit.key was set only after line {unsealed}"));
    }
    if let Some((seq, seal)) = last.filter(|_| faults.is_empty()) {
        report.push("store this anchor elsewhere for the next check:".to_owned());
        report.push(format!("--anchor {seq}:{}", hex(seal)));
    }
    report.push(String::new());
    report.join("\n")
}

fn describe(fault: &AuditFault) -> String {
    match fault {
        AuditFault::Missing(first, last) if first == last => format!("line {first} is missing"),
        AuditFault::Missing(first, last) => format!("lines {first} to {last} are missing"),
        AuditFault::Mismatch(seq) => {
            format!("line {seq} does not match its seal: it or the line before it was changed or moved")
        }
        AuditFault::Unsealed(seq) => format!("line {seq} has no seal"),
        AuditFault::Anchor(seq) => format!("line {seq} does not have the seal of the anchor"),
    }
}

/// The bytes of a seal in hexadecimal digits.
fn hex(seal: Seal) -> String {
    seal.map(|byte| format!("{byte:02x}")).concat()
}

/// Parses the number of a line and its seal in 64 hexadecimal digits.
fn parse_anchor(text: &str) -> Result<Anchor, &'static str> {
    let parts = text.split_once(':').and_then(|(seq, seal)| Some((seq.parse().ok()?, parse_seal(seal)?)));
    parts.ok_or("expected the number of a line, a colon and its seal, as an earlier check has printed them")
}

fn parse_seal(text: &str) -> Option<Seal> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let bytes: Vec<u8> =
        digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    bytes.try_into().ok().filter(|_| text.len() == 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_parsed_as_it_was_printed() {
        let seal: Seal = std::array::from_fn(|place| place as u8 * 8);
        assert_eq!(parse_anchor(&format!("17:{}", hex(seal))), Ok((17, seal)));
        let seal = hex(seal);
        for bad in [
            "",
            "17",
            ":",
            "17:",
            &seal,
            &format!("x:{seal}"),
            &format!("1:{seal}0"),
            &format!("1:{}g", &seal[1..]),
        ] {
            assert!(parse_anchor(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn a_report_has_the_anchor_or_a_line_for_each_fault() {
        let good =
            VerifyAuditResponse { lines: 7, unsealed: 2, last: Some((7, [1; 32])), faults: Vec::new() };
        let expected = format!(
            "checked 7 lines; 2 lines at the beginning without a seal\n\
             store this anchor elsewhere for the next check:\n--anchor 7:{}\n",
            "01".repeat(32)
        );
        assert_eq!(report(&good, 2), expected);
        let faults = vec![AuditFault::Missing(3, 3), AuditFault::Missing(5, 6), AuditFault::Mismatch(7)];
        let bad = report(&VerifyAuditResponse { unsealed: 0, faults, ..good }, 0);
        assert_eq!(bad.lines().count(), 4);
        assert!(bad.contains("line 3 is missing\nlines 5 to 6 are missing\nline 7 does not match"), "{bad}");
    }

    #[test]
    fn a_report_says_how_to_accept_lines_from_before_the_key() {
        let report = |unsealed, accepted, faults: &[AuditFault]| {
            let last = Some((7, [1; 32]));
            report(&VerifyAuditResponse { lines: 7, unsealed, last, faults: faults.to_vec() }, accepted)
        };
        let [second, third] = [2, 3].map(AuditFault::Unsealed);
        let hint = "line 3 has no seal\npass --unsealed 3 if audit.key was set only after line 3\n";
        assert!(report(3, 1, &[second, third.clone()]).ends_with(hint));
        let later = report(1, 1, &[third]);
        assert!(later.ends_with("line 3 has no seal\n"), "{later}");
    }
}
