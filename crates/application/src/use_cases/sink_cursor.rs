use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::errors::ApplicationError;
use crate::ports::{Lease, SinkRepository};

/// The place of a sink in the feed, as this replica knows it while it leads.
pub(super) struct SinkCursor {
    sink: &'static str,
    opened: Mutex<Option<(Lease, i64)>>,
}

impl SinkCursor {
    /// The cursor of `sink`, which is opened when it is first needed.
    pub(super) fn of(sink: &'static str) -> Self {
        Self { sink, opened: Mutex::default() }
    }

    /// The position of the sink under `lease`, for which it is opened once.
    pub(super) async fn position(
        &self,
        sinks: &dyn SinkRepository,
        lease: &Lease,
    ) -> Result<i64, ApplicationError> {
        let known =
            self.opened().as_ref().filter(|(opened, _)| opened == lease).map(|(_, position)| *position);
        if let Some(position) = known {
            return Ok(position);
        }
        let position = sinks.open(lease, self.sink).await?;
        self.moved(lease, position);
        Ok(position)
    }

    /// Remembers that the sink has passed `position`.
    pub(super) fn moved(&self, lease: &Lease, position: i64) {
        *self.opened() = Some((lease.clone(), position));
    }

    /// Forgets the position, so that the sink is opened again.
    pub(super) fn forget(&self) {
        *self.opened() = None;
    }

    fn opened(&self) -> MutexGuard<'_, Option<(Lease, i64)>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
