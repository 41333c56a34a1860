use std::sync::{Arc, Mutex};

use application::dtos::{
    Actor, AuditFault, ListAuditRequest, ListAuditResponse, VerifyAuditRequest, VerifyAuditResponse,
};
use application::errors::ApplicationError;
use application::ports::{AuditReadModel, AuditSealer, StoreError};
use application::use_cases::{ListAuditUseCase, VerifyAuditUseCase};
use async_trait::async_trait;
use domain::value_objects::{AuditAction, AuditLine, Seal, TenantId, Timestamp};

use crate::world::{failure, refusal};

/// Seals with a simple sum.
struct SumSealer;

impl AuditSealer for SumSealer {
    fn seal(&self, bytes: &[u8]) -> Seal {
        let mut seal = [7; 32];
        for (place, byte) in bytes.iter().enumerate() {
            seal[place % 32] = u8::wrapping_mul(seal[place % 32], 31).wrapping_add(*byte);
        }
        seal
    }
}

/// An audit whose lines a test can change.
struct Lines {
    lines: Mutex<Vec<AuditLine>>,
    appended: i64,
}

#[async_trait]
impl AuditReadModel for Lines {
    async fn list(
        &self,
        tenant: Option<&TenantId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let lines = self.lines.lock().unwrap();
        let is_listed = |line: &&AuditLine| {
            before.is_none_or(|before| line.seq < before)
                && tenant.is_none_or(|tenant| line.entry.tenant.as_ref() == Some(tenant))
        };
        Ok(lines.iter().rev().filter(is_listed).take(limit as usize).cloned().collect())
    }

    async fn walk(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        let lines = self.lines.lock().unwrap();
        Ok(lines.iter().filter(|line| line.seq > after).take(limit as usize).cloned().collect())
    }

    async fn appended(&self) -> Result<i64, StoreError> {
        Ok(self.appended)
    }
}

impl Lines {
    /// Lines of the tenants `default` and `ann` in turn; the first `unsealed` have no seals.
    fn chain(count: i64, unsealed: i64) -> Self {
        let (mut previous, mut lines) = ([0; 32], Vec::new());
        for seq in 1..=count {
            let tenant = if seq % 2 == 0 { TenantId::parse("ann").unwrap() } else { TenantId::default() };
            let at = Timestamp::from_micros(seq);
            let entry = Actor::command_line("ann").entry(at, Some(&tenant), AuditAction::KeyIssued, "key");
            let seal = (seq > unsealed).then(|| SumSealer.seal(&entry.sealed_bytes(seq, &previous)));
            previous = seal.unwrap_or_default();
            lines.push(AuditLine { seq, entry, seal });
        }
        Self { lines: Mutex::new(lines), appended: count }
    }

    fn change(self, change: impl FnOnce(&mut Vec<AuditLine>)) -> Self {
        change(&mut self.lines.lock().unwrap());
        self
    }

    async fn verify(self, anchor: Option<(i64, Seal)>) -> VerifyAuditResponse {
        self.verify_after(0, anchor).await
    }

    /// Accepts that the first lines have no seals.
    async fn verify_after(self, unsealed: u64, anchor: Option<(i64, Seal)>) -> VerifyAuditResponse {
        let use_case = VerifyAuditUseCase::new(Arc::new(self), Some(Arc::new(SumSealer)));
        use_case.execute(VerifyAuditRequest { anchor, unsealed }).await.unwrap()
    }
}

#[tokio::test]
async fn an_untouched_chain_is_valid_over_many_pages() {
    let report = Lines::chain(2_500, 3).verify_after(3, None).await;
    assert_eq!((report.lines, report.unsealed, report.faults), (2_500, 3, vec![]));
    let (seq, seal) = report.last.unwrap();
    assert_eq!(seq, 2_500);
    assert_eq!(Lines::chain(2_500, 3).verify_after(3, Some((seq, seal))).await.faults, []);
    let empty = Lines::chain(0, 0).verify(None).await;
    assert_eq!((empty.lines, empty.last, empty.faults), (0, None, vec![]));
}

#[tokio::test]
async fn a_changed_removed_or_reordered_line_is_found() {
    let changed = Lines::chain(9, 0).change(|lines| lines[4].entry.target = "other".into());
    assert_eq!(changed.verify(None).await.faults, [AuditFault::Mismatch(5)]);
    let removed = Lines::chain(9, 0).change(|lines| drop(lines.remove(4)));
    assert_eq!(removed.verify(None).await.faults, [AuditFault::Missing(5, 5), AuditFault::Mismatch(6)]);
    let reordered = Lines::chain(9, 0).change(|lines| {
        lines.swap(3, 4);
        (lines[3].seq, lines[4].seq) = (4, 5);
    });
    let faults = [4, 5, 6].map(AuditFault::Mismatch);
    assert_eq!(reordered.verify(None).await.faults, faults);
    let renumbered = Lines::chain(9, 0).change(|lines| {
        lines.remove(4);
        (4..8).for_each(|place| lines[place].seq -= 1);
    });
    assert!(renumbered.verify(None).await.faults.contains(&AuditFault::Mismatch(5)));
    let stripped = Lines::chain(9, 0).change(|lines| lines[4].seal = None);
    assert_eq!(stripped.verify(None).await.faults, [AuditFault::Unsealed(5), AuditFault::Mismatch(6)]);
}

#[tokio::test]
async fn lines_without_seals_are_faults_unless_they_are_expected() {
    let stripped = || Lines::chain(4, 4);
    assert_eq!(stripped().verify(None).await.faults, [1, 2, 3, 4].map(AuditFault::Unsealed));
    assert_eq!(stripped().verify_after(3, None).await.faults, [AuditFault::Unsealed(4)]);
    assert_eq!(stripped().verify_after(4, None).await.faults, []);
}

#[tokio::test]
async fn lines_removed_from_the_end_are_found_by_the_count_or_by_an_anchor() {
    let whole = Lines::chain(9, 0).verify(None).await;
    let cut = Lines::chain(9, 0).change(|lines| lines.truncate(7));
    assert_eq!(cut.verify(None).await.faults, [AuditFault::Missing(8, 9)]);
    let cut = Lines { appended: 7, ..Lines::chain(9, 0).change(|lines| lines.truncate(7)) };
    assert_eq!(cut.verify(whole.last).await.faults, [AuditFault::Missing(8, 9)]);
    let rewritten = Lines::chain(10, 3).verify_after(3, whole.last).await;
    assert_eq!(rewritten.faults, [AuditFault::Anchor(9)]);
}

#[tokio::test]
async fn an_audit_without_seals_cannot_be_checked() {
    let use_case = VerifyAuditUseCase::new(Arc::new(Lines::chain(1, 1)), None);
    assert_eq!(failure(&use_case.execute(VerifyAuditRequest::default()).await), ("not_sealed", ""));
}

async fn list(
    tenant: Option<TenantId>,
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Result<ListAuditResponse, ApplicationError> {
    let use_case = ListAuditUseCase::new(Arc::new(Lines::chain(9, 0)));
    use_case.execute(ListAuditRequest { tenant, limit, cursor: cursor.map(str::to_owned) }).await
}

#[tokio::test]
async fn following_the_cursor_lists_every_line_of_the_tenant_once() {
    for (tenant, expected) in
        [(Some(TenantId::default()), vec![9, 7, 5, 3, 1]), (None, (1..=9).rev().collect::<Vec<_>>())]
    {
        let (mut seqs, mut cursor) = (Vec::new(), None);
        loop {
            let page = list(tenant.clone(), Some(2), cursor.as_deref()).await.unwrap();
            seqs.extend(page.items.iter().map(|line| line.seq));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seqs, expected);
    }
}

#[tokio::test]
async fn limits_and_cursors_are_checked() {
    for limit in [0, 101] {
        assert_eq!(refusal(&list(None, Some(limit), None).await), ("limit", "out_of_range"));
    }
    for cursor in ["", "9", "zzzzzzzzzzzzzzzz", "ffffffffffffffff", "+00000000000001"] {
        assert_eq!(refusal(&list(None, None, Some(cursor)).await), ("cursor", "malformed"), "{cursor}");
    }
}
