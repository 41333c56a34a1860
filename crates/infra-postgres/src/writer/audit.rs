use application::ports::AuditSealer;
use domain::value_objects::{AuditEntry, AuditLine, TenantId};
use sqlx::PgConnection;
use sqlx::postgres::PgBindIterExt;
use store_codec::{AuditHead, PreparedSet};

use crate::timestamp::PgTimestamp;

/// Locks the head until the end of the transaction, so that lines are numbered in the order of their commits.
const LOCK_HEAD: &str = "SELECT seq, seal FROM audit_head FOR UPDATE";

/// The columns are passed as arrays, one element per line, and the new head at the end.
const INSERT_LINES: &str = "WITH lines AS ( \
         INSERT INTO audit (seq, tenant, at, actor, key_id, address, request_id, action, target, detail, seal) \
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], \
         $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[])) \
     UPDATE audit_head SET seq = $12, seal = $13";

/// Appends the entries of `sets` to the audit, in the order of the sets, numbered and sealed behind its last line.
///
/// Must be the last write of the transaction: one that waits for the head holds all its other locks by then, and one
/// that has the head waits for nothing, so that two never wait for each other.
pub(super) async fn append_lines<'s>(
    connection: &mut PgConnection,
    sets: impl IntoIterator<Item = &'s PreparedSet>,
    sealer: Option<&dyn AuditSealer>,
) -> Result<(), sqlx::Error> {
    let entries: Vec<&AuditEntry> = sets.into_iter().flat_map(PreparedSet::entries).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let (seq, seal): (i64, Option<Vec<u8>>) = sqlx::query_as(LOCK_HEAD).fetch_one(&mut *connection).await?;
    let seal = seal.map(<[u8; 32]>::try_from).transpose();
    let seal = seal.map_err(|_| sqlx::Error::Decode("the seal in audit_head has not 32 bytes".into()))?;
    let (lines, head) = AuditHead { seq, seal }.append(entries, sealer);
    insert_lines(connection, &lines, head).await
}

async fn insert_lines(
    connection: &mut PgConnection,
    lines: &[AuditLine],
    head: AuditHead,
) -> Result<(), sqlx::Error> {
    let entries = || lines.iter().map(|line| &line.entry);
    sqlx::query(INSERT_LINES)
        .bind(lines.iter().map(|line| line.seq).bind_iter())
        .bind(entries().map(|entry| entry.tenant.as_ref().map(TenantId::as_str)).bind_iter())
        .bind(entries().map(|entry| PgTimestamp::bound(entry.at)).bind_iter())
        .bind(entries().map(|entry| entry.actor.as_str()).bind_iter())
        .bind(entries().map(|entry| entry.key_id.as_deref()).bind_iter())
        .bind(entries().map(|entry| entry.address.as_deref()).bind_iter())
        .bind(entries().map(|entry| entry.request_id.as_deref()).bind_iter())
        .bind(entries().map(|entry| entry.action.as_str()).bind_iter())
        .bind(entries().map(|entry| entry.target.as_str()).bind_iter())
        .bind(entries().map(|entry| entry.detail.as_deref()).bind_iter())
        .bind(lines.iter().map(|line| line.seal.as_ref().map(|seal| &seal[..])).bind_iter())
        .bind(head.seq)
        .bind(head.seal.as_ref().map(|seal| &seal[..]))
        .execute(connection)
        .await?;
    Ok(())
}
