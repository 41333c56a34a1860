//! The tasks of the replica that leads: giving events their positions, and moving each sink at its own pace.

use std::sync::Arc;
use std::time::Duration;

use application::action::chain;
use application::dtos::SinkPass;
use application::errors::ApplicationError;
use application::use_cases::SequenceEventsUseCase;
use infra_local::BackgroundTasks;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::container::Container;

/// The pause after a sink failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The longest that the last passes may take when the service stops.
const LAST_PASSES_WITHIN: Duration = Duration::from_millis(1_500);
/// The longest that releasing the relay's lease may take.
const STEP_DOWN_WITHIN: Duration = Duration::from_millis(500);

/// Starts the tasks. The outbox is looked at every `pause`, and each sink whenever events have got positions.
pub(super) fn start(tasks: &mut BackgroundTasks, container: &Container, pause: Duration) {
    let (sequenced, _) = watch::channel(());
    let (sequence, sender) = (Arc::clone(&container.events.sequence), sequenced.clone());
    tasks.spawn("relay", move |cancel| sequence_events(Arc::clone(&sequence), sender.clone(), pause, cancel));
    let (log, sender) = (Arc::clone(&container.events.log), sequenced.clone());
    tasks.spawn("sink_log", move |cancel| {
        let log = Arc::clone(&log);
        let pass = move || {
            let log = Arc::clone(&log);
            async move { log.execute().await }
        };
        move_sink(pass, sender.subscribe(), pause, cancel)
    });
    let project = Arc::clone(&container.events.project);
    tasks.spawn("sink_analytics", move |cancel| {
        let project = Arc::clone(&project);
        let pass = move || {
            let project = Arc::clone(&project);
            async move { project.execute().await }
        };
        move_sink(pass, sequenced.subscribe(), pause, cancel)
    });
}

/// Gives what is waiting its positions, delivers it, and releases the lease.
pub(super) async fn stop(container: &Container) {
    let last = async {
        while container.events.sequence.execute().await.is_ok_and(|pass| pass.more) {}
        while container.events.log.execute().await.is_ok_and(|pass| pass.more) {}
    };
    if timeout(LAST_PASSES_WITHIN, last).await.is_err() {
        tracing::warn!("events are waiting; they are published by the next replica that leads");
    }
    match timeout(STEP_DOWN_WITHIN, container.events.leadership.step_down()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = chain(&error), "the relay's lease was not released"),
        Err(_elapsed) => tracing::warn!("the relay's lease was not released in time"),
    }
}

async fn sequence_events(
    sequence: Arc<SequenceEventsUseCase>,
    sequenced: watch::Sender<()>,
    pause: Duration,
    cancel: CancellationToken,
) {
    let mut tick = interval(pause);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        // The use case has logged what failed; the next pass tries again.
        while let Ok(pass) = sequence.execute().await {
            if pass.sequenced > 0 {
                sequenced.send_replace(());
            }
            if !pass.more || cancel.is_cancelled() {
                break;
            }
        }
    }
}

/// Makes one pass of a sink after another.
async fn move_sink<P: Future<Output = Result<SinkPass, ApplicationError>>>(
    pass: impl Fn() -> P,
    mut sequenced: watch::Receiver<()>,
    pause: Duration,
    cancel: CancellationToken,
) {
    loop {
        // The use case has logged what failed; the next pass tries again.
        let passed = pass().await;
        if passed.as_ref().is_ok_and(|pass| pass.more) && !cancel.is_cancelled() {
            continue;
        }
        let failed = passed.is_ok_and(|pass| pass.failed);
        let next = async {
            if failed {
                tokio::time::sleep(AFTER_FAILURE).await;
            } else {
                // Whether events came or the time is over, the next pass looks.
                drop(timeout(pause, sequenced.changed()).await);
            }
        };
        if cancel.run_until_cancelled(next).await.is_none() {
            return;
        }
    }
}
