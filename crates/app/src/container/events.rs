use std::sync::Arc;

use application::ports::Clock;
use application::use_cases::{
    DeliverEventsUseCase, Leadership, ProjectAnalyticsUseCase, ProjectionPorts, SequenceEventsUseCase,
    SequencingPorts,
};
use infra_local::{FeedLimits, LocalEventFeed, LogPublisher, LogQueue, MetricsRecorder};

use crate::config::Settings;
use crate::container::store::Store;

/// What gives events their positions, and what follows them.
pub(crate) struct Events {
    /// Whether this replica leads.
    pub(crate) leadership: Arc<Leadership>,
    /// Gives events their positions in the feed.
    pub(crate) sequence: Arc<SequenceEventsUseCase>,
    /// The sink of the feed that writes events to the log.
    pub(crate) log: Arc<DeliverEventsUseCase>,
    /// The sink of the feed that counts events.
    pub(crate) project: Arc<ProjectAnalyticsUseCase>,
    /// The feed of events for those who follow it.
    pub(crate) feed: Arc<LocalEventFeed>,
}

impl Events {
    /// The events of `store`; those of the sink of the log go to `log`.
    pub(super) fn new(
        settings: &Settings,
        store: &Store,
        clock: &Arc<dyn Clock>,
        log: &Arc<LogQueue>,
    ) -> Self {
        let leadership = Leadership::new(store.leases.clone(), clock.clone(), store.process.clone());
        let leadership = Arc::new(leadership);
        let sequencing = SequencingPorts {
            outbox: store.outbox.clone(),
            sinks: store.sinks.clone(),
            clock: clock.clone(),
            metrics: Arc::new(MetricsRecorder),
        };
        let keep = settings.outbox.keep.duration();
        let (events, sinks) = (store.event_feed.clone(), store.sinks.clone());
        let publisher = Arc::new(LogPublisher::new(Arc::clone(log)));
        let projection = ProjectionPorts {
            leadership: leadership.clone(),
            feed: events.clone(),
            sinks: sinks.clone(),
            rollups: store.rollups.clone(),
            clock: clock.clone(),
        };
        let project = ProjectAnalyticsUseCase::new(projection, settings.analytics.dimensions());
        let feed = LocalEventFeed::new(events.clone(), store.feed_wake_up.clone(), FeedLimits::default());
        Self {
            sequence: Arc::new(SequenceEventsUseCase::new(leadership.clone(), sequencing, keep)),
            log: Arc::new(DeliverEventsUseCase::new(leadership.clone(), events, sinks, publisher)),
            project: Arc::new(project),
            feed: Arc::new(feed),
            leadership,
        }
    }
}
