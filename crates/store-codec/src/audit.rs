use application::ports::{AuditSealer, StoreError};
use domain::value_objects::{AuditEntry, AuditLine, Seal, TenantId};

use crate::columns::{Columns, Unreadable, text};

/// The number and the seal of the audit's last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The number; 0 where there is no line.
    pub seq: i64,
    /// The seal; none where there is no line, or the last one was written without a sealer.
    pub seal: Option<Seal>,
}

impl AuditHead {
    /// Returns the lines that append `entries` behind this head, in their order, and the head after them. With a sealer
    /// each line is sealed over the seal before it, or over zeros where there is none.
    pub fn append<'e>(
        self,
        entries: impl IntoIterator<Item = &'e AuditEntry>,
        sealer: Option<&dyn AuditSealer>,
    ) -> (Vec<AuditLine>, Self) {
        let mut head = self;
        let lines = entries.into_iter().map(|entry| {
            let seq = head.seq + 1;
            let previous = head.seal.unwrap_or_default();
            let seal = sealer.map(|sealer| sealer.seal(&entry.sealed_bytes(seq, &previous)));
            head = Self { seq, seal };
            AuditLine { seq, entry: entry.clone(), seal }
        });
        (lines.collect(), head)
    }
}

/// Reads a row of `audit`.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub fn read_line(row: &impl Columns) -> Result<AuditLine, StoreError> {
    let seq = row.integer("seq").ok().flatten().unwrap_or_default();
    let read = || Ok(AuditLine { seq, entry: read_entry(row)?, seal: row.digest("seal")? });
    read().map_err(|error: Unreadable| error.corrupt("audit", seq.to_string()))
}

fn read_entry(row: &impl Columns) -> Result<AuditEntry, Unreadable> {
    let tenant = row.text("tenant")?.map(TenantId::parse).transpose();
    Ok(AuditEntry {
        at: row.time("at")?,
        tenant: tenant.map_err(|_| Unreadable("tenant"))?,
        actor: text(row, "actor")?,
        key_id: row.text("key_id")?,
        address: row.text("address")?,
        request_id: row.text("request_id")?,
        action: text(row, "action")?,
        target: text(row, "target")?,
        detail: row.text("detail")?,
    })
}
