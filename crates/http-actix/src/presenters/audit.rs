use std::fmt::Write;

use application::dtos::ListAuditResponse;
use domain::value_objects::{AuditLine, Seal, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::presenters::present_timestamp;

/// One page of the audit, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The lines, in descending order of their numbers.
    #[schema(max_items = 100)]
    items: Vec<AuditLineView>,
    /// The `cursor` of the next page; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Who changed what.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditLine)]
pub(crate) struct AuditLineView {
    /// The line's number among those of all tenants; null without the scope `audit:instance`.
    #[schema(required = true)]
    seq: Option<i64>,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// The tenant that the change concerns; null for a change of the whole service.
    #[schema(required = true)]
    tenant: Option<String>,
    /// Who: `key:ID`, `token:SUBJECT`, `command-line:USER` or `anonymous`.
    #[schema(example = "key:4fT9aZ02kLmQ")]
    actor: String,
    /// The id of the actor's key.
    #[schema(required = true)]
    key_id: Option<String>,
    /// The client's IP address; null on the command line.
    #[schema(required = true)]
    address: Option<String>,
    /// The id of the request; null on the command line.
    #[schema(required = true)]
    request_id: Option<String>,
    /// What was done.
    #[schema(example = "key.issued")]
    action: String,
    /// What was changed, such as the id of a key or the name of a model.
    target: String,
    /// Further facts, such as the scopes of a key.
    #[schema(required = true)]
    detail: Option<String>,
    /// HMAC-SHA-256 of the line and of the seal before it, in hexadecimal; null where `audit.key` was not set, and
    /// without the scope `audit:instance`.
    #[schema(required = true, pattern = "^[0-9a-f]{64}$")]
    seal: Option<String>,
}

/// Presents a page of the audit; with the place of each line in the chain of all tenants if `with_chain`.
pub(crate) fn present_audit(page: ListAuditResponse, with_chain: bool) -> AuditPage {
    let items = page.items.into_iter().map(|line| present_audit_line(line, with_chain)).collect();
    AuditPage { items, next_cursor: page.next_cursor }
}

/// Presents a line of the audit; with its place in the chain of all tenants if `with_chain`.
pub(crate) fn present_audit_line(line: AuditLine, with_chain: bool) -> AuditLineView {
    let AuditLine { seq, entry, seal } = line;
    AuditLineView {
        seq: with_chain.then_some(seq),
        at: present_timestamp(entry.at),
        tenant: entry.tenant.as_ref().map(TenantId::to_string),
        actor: entry.actor,
        key_id: entry.key_id,
        address: entry.address,
        request_id: entry.request_id,
        action: entry.action,
        target: entry.target,
        detail: entry.detail,
        seal: seal.as_ref().filter(|_| with_chain).map(present_seal),
    }
}

fn present_seal(seal: &Seal) -> String {
    seal.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
