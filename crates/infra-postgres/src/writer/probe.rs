use sqlx::Executor;
use store_codec::timed;

use crate::error::Failure;
use crate::writer::session::Session;

/// What a prediction writes, taken back before the commit: it fails where a small write set would fail, on a full
/// disk, for want of a right or for a standby that must confirm and does not. The commit has nothing to commit and
/// waits for the disk all the same.
const PROBE: &str = "SAVEPOINT probe; \
     INSERT INTO predictions (tenant, id, created_at, labels, model_name, model_revision, tokens, windows, truncated, \
     cached, metadata, text, terms) VALUES ('default', gen_random_uuid(), now(), '[]', 'probe', 'probe', 0, 0, false, \
     false, '{}', 'probe', ''); \
     INSERT INTO outbox (tenant, event_id, event_type, prediction_id, occurred_at, payload) \
     VALUES ('default', gen_random_uuid(), 'Probe', gen_random_uuid(), now(), '{}'); \
     ROLLBACK TO probe; COMMIT";

/// Shows that the writer can write, and leaves nothing.
#[tracing::instrument(name = "db.probe", skip_all)]
pub(super) async fn write_and_take_back(session: &mut Session) -> Result<(), Failure> {
    let timeout = session.timeout();
    let probe = async {
        let mut open = session.begin().await?;
        open.connection().execute(PROBE).await?;
        session.keep(open);
        Ok(())
    };
    timed("probe", tokio::time::timeout(timeout, probe))
        .await
        .unwrap_or_else(|_elapsed| Err(Failure::TimedOut(timeout.as_millis())))
}
