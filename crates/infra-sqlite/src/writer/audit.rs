use application::ports::AuditSealer;
use domain::value_objects::{AuditEntry, AuditLine, TenantId};
use sqlx::{QueryBuilder, SqliteConnection};
use store_codec::{AuditHead, PreparedSet};

/// The lines that one statement inserts.
const LINES: usize = 128;

/// Appends the entries of `sets` to the audit, in the order of the sets, numbered and sealed behind its last line.
pub(super) async fn append_lines<'s>(
    connection: &mut SqliteConnection,
    sets: impl IntoIterator<Item = &'s PreparedSet>,
    sealer: Option<&dyn AuditSealer>,
) -> Result<(), sqlx::Error> {
    let entries: Vec<&AuditEntry> = sets.into_iter().flat_map(PreparedSet::entries).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let (seq, seal): (i64, Option<Vec<u8>>) =
        sqlx::query_as("SELECT seq, seal FROM audit_head").fetch_one(&mut *connection).await?;
    let seal = seal.map(<[u8; 32]>::try_from).transpose();
    let seal = seal.map_err(|_| sqlx::Error::Decode("the seal in audit_head has not 32 bytes".into()))?;
    let (lines, head) = AuditHead { seq, seal }.append(entries, sealer);
    for lines in lines.chunks(LINES) {
        insert_lines(connection, lines).await?;
    }
    sqlx::query("UPDATE audit_head SET seq = ?1, seal = ?2")
        .bind(head.seq)
        .bind(head.seal.as_ref().map(|seal| &seal[..]))
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert_lines(connection: &mut SqliteConnection, lines: &[AuditLine]) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new(
        "INSERT INTO audit (seq, tenant, at, actor, key_id, address, request_id, action, target, detail, seal) ",
    );
    query.push_values(lines, |mut row, line| {
        let entry = &line.entry;
        row.push_bind(line.seq)
            .push_bind(entry.tenant.as_ref().map(TenantId::as_str))
            .push_bind(entry.at.as_micros())
            .push_bind(entry.actor.as_str())
            .push_bind(entry.key_id.as_deref())
            .push_bind(entry.address.as_deref())
            .push_bind(entry.request_id.as_deref())
            .push_bind(entry.action.as_str())
            .push_bind(entry.target.as_str())
            .push_bind(entry.detail.as_deref())
            .push_bind(line.seal.as_ref().map(|seal| &seal[..]));
    });
    query.build().execute(connection).await?;
    Ok(())
}
