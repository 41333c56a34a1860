use application::dtos::{AuditFault, VerifyAuditRequest, VerifyAuditResponse};
use clap::Args;
use domain::value_objects::Seal;

use crate::administration::Administration;
use crate::commands::administer::counted;
use crate::commands::audit::hex;
use crate::commands::print;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Anchor that an earlier check has printed: detects lines that were removed from the end since
    #[arg(long, value_name = "LINE:SEAL", value_parser = parse_anchor)]
    anchor: Option<Anchor>,
}

/// The number and the seal of a line.
type Anchor = (i64, Seal);

/// The audit is not as it was written.
#[derive(Debug, thiserror::Error)]
#[error("the audit is not as it was written: {}", counted(*.0, "fault"))]
struct Tampered(u64);

pub(super) async fn run(administration: &Administration, args: VerifyArgs) -> Result<(), Failure> {
    let request = VerifyAuditRequest { anchor: args.anchor, ..VerifyAuditRequest::default() };
    let checked = administration.verify_audit.execute(request).await.map_err(Failure::set_up)?;
    print(&report(&checked))?;
    match checked.faults.len() {
        0 => Ok(()),
        faults => Err(Tampered(faults as u64).into()),
    }
}

/// What was checked, then either a line for each fault, or the anchor.
fn report(checked: &VerifyAuditResponse) -> String {
    let VerifyAuditResponse { lines, unsealed, last, faults } = checked;
    let unsealed = match unsealed {
        0 => String::new(),
        unsealed => format!("; the first {unsealed} have no seal, since audit.key was not set"),
    };
    let mut report = vec![format!("checked {}{unsealed}", counted(*lines, "line"))];
    report.extend(faults.iter().map(describe));
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
        AuditFault::Unsealed(seq) => format!("line {seq} has no seal, although a line before it has one"),
        AuditFault::Anchor(seq) => format!("line {seq} does not have the seal of the anchor"),
    }
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
            "checked 7 lines; the first 2 have no seal, since audit.key was not set\n\
             store this anchor elsewhere for the next check:\n--anchor 7:{}\n",
            "01".repeat(32)
        );
        assert_eq!(report(&good), expected);
        let faults = vec![AuditFault::Missing(3, 3), AuditFault::Missing(5, 6), AuditFault::Mismatch(7)];
        let bad = report(&VerifyAuditResponse { unsealed: 0, faults, ..good });
        assert_eq!(bad.lines().count(), 4);
        assert!(bad.contains("line 3 is missing\nlines 5 to 6 are missing\nline 7 does not match"), "{bad}");
    }
}
