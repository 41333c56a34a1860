use sqlx::Executor;
use store_codec::timed;

use crate::error::Failure;
use crate::writer::session::Session;

/// Writes rows like those of a prediction and rolls them back before the commit. It fails where a small write set
/// would fail: on a full disk, without a privilege, or without a required confirmation of a standby. The commit still
/// waits for the disk, although it has nothing to commit.
const PROBE: &str = "SAVEPOINT probe; \
     INSERT INTO predictions (tenant, id, created_at, labels, model_name, model_revision, tokens, windows, truncated, \
     cached, metadata, text, terms) VALUES ('default', gen_random_uuid(), now(), '[]', 'probe', 'probe', 0, 0, false, \
     false, '{}', 'probe', ''); \
     INSERT INTO outbox (tenant, event_id, event_type, prediction_id, occurred_at, payload) \
     VALUES ('default', gen_random_uuid(), 'Probe', gen_random_uuid(), now(), '{}'); \
     ROLLBACK TO probe; COMMIT";

/// Tests whether the writer can write, and leaves nothing behind.
#[tracing::instrument(name = "db.probe", skip_all)]
pub(super) async fn write_and_roll_back(session: &mut Session) -> Result<(), Failure> {
    let timeout = session.timeout();
    let probe = async {
        let mut open = session.begin().await?;
        open.connection().execute(PROBE).await?;
        session.put_back(open);
        Ok(())
    };
    timed("probe", tokio::time::timeout(timeout, probe))
        .await
        .unwrap_or_else(|_elapsed| Err(Failure::TimedOut(timeout.as_millis())))
}
