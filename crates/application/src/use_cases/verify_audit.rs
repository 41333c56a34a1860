use std::sync::Arc;

use domain::value_objects::{AuditLine, Seal};

use crate::action::log_action;
use crate::dtos::{AuditFault, VerifyAuditRequest, VerifyAuditResponse};
use crate::errors::ApplicationError;
use crate::ports::{AuditReadModel, AuditSealer};

/// Checks that no line of the audit was changed, removed or moved since it was sealed.
///
/// Lines that are removed from the end are only detected by the number of lines that the store has appended, or by an
/// anchor: the number and seal of a line from an earlier check.
pub struct VerifyAuditUseCase {
    audit: Arc<dyn AuditReadModel>,
    sealer: Option<Arc<dyn AuditSealer>>,
}

/// The lines that are read at a time.
const PAGE: u32 = 1_000;

/// The most faults that are reported.
const MAX_FAULTS: usize = 100;

impl VerifyAuditUseCase {
    /// The use case over its ports; without a sealer nothing can be checked.
    pub fn new(audit: Arc<dyn AuditReadModel>, sealer: Option<Arc<dyn AuditSealer>>) -> Self {
        Self { audit, sealer }
    }

    /// Returns what was checked and what is wrong.
    ///
    /// # Errors
    /// `NotSealed` without `audit.key`; `Unavailable`, `Corrupt`.
    pub async fn execute(
        &self,
        request: VerifyAuditRequest,
    ) -> Result<VerifyAuditResponse, ApplicationError> {
        log_action("VerifyAuditUseCase.execute", async {
            let sealer = self.sealer.as_deref().ok_or(ApplicationError::NotSealed)?;
            let appended = self.audit.appended().await?;
            let mut check = Check::new(sealer, &request);
            loop {
                let page = self.audit.walk(check.seq, PAGE).await?;
                for line in &page {
                    check.add(line);
                }
                if page.len() < PAGE as usize {
                    break;
                }
            }
            Ok(check.end(appended))
        })
        .await
    }
}

/// A walk over the lines from the oldest on.
struct Check<'a> {
    sealer: &'a dyn AuditSealer,
    anchor: Option<(i64, Seal)>,
    /// How many lines from the first may have no seal.
    unsealed: u64,
    /// The number and the seal of the line before.
    seq: i64,
    previous: Option<Seal>,
    report: VerifyAuditResponse,
}

impl<'a> Check<'a> {
    fn new(sealer: &'a dyn AuditSealer, request: &VerifyAuditRequest) -> Self {
        let report = VerifyAuditResponse { lines: 0, unsealed: 0, last: None, faults: Vec::new() };
        let VerifyAuditRequest { anchor, unsealed } = *request;
        Self { sealer, anchor, unsealed, seq: 0, previous: None, report }
    }

    fn add(&mut self, line: &AuditLine) {
        self.report.lines += 1;
        self.expect_up_to(line.seq);
        if let Some(fault) = self.fault_of(line) {
            self.fault(fault);
        }
        if self.anchor.is_some_and(|(seq, seal)| seq == line.seq && Some(seal) != line.seal) {
            self.fault(AuditFault::Anchor(line.seq));
        }
        self.seq = line.seq;
        self.previous = line.seal;
        self.report.last = line.seal.map(|seal| (line.seq, seal)).or(self.report.last);
        self.report.unsealed += u64::from(self.report.last.is_none());
    }

    fn fault_of(&self, line: &AuditLine) -> Option<AuditFault> {
        let Some(seal) = line.seal else {
            let is_expected = self.report.last.is_none() && self.report.lines <= self.unsealed;
            return (!is_expected).then_some(AuditFault::Unsealed(line.seq));
        };
        let previous = self.previous.unwrap_or_default();
        let expected = self.sealer.seal(&line.entry.sealed_bytes(line.seq, &previous));
        (expected != seal).then_some(AuditFault::Mismatch(line.seq))
    }

    /// Notes the lines that are missing before line `seq`.
    fn expect_up_to(&mut self, seq: i64) {
        if seq > self.seq + 1 {
            self.fault(AuditFault::Missing(self.seq + 1, seq - 1));
        }
    }

    fn fault(&mut self, fault: AuditFault) {
        if self.report.faults.len() < MAX_FAULTS {
            self.report.faults.push(fault);
        }
    }

    fn end(mut self, appended: i64) -> VerifyAuditResponse {
        let anchored = self.anchor.map_or(0, |(seq, _)| seq);
        self.expect_up_to(appended.max(anchored) + 1);
        self.report
    }
}
