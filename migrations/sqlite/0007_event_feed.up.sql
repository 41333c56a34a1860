-- What an event is about: a prediction, or an aggregate of another type with an id of its own. Rows of earlier releases
-- are about predictions.
CREATE TABLE outbox_of_aggregates (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    event_id BLOB NOT NULL UNIQUE CHECK (length(event_id) = 16),
    event_type TEXT NOT NULL,
    aggregate_type TEXT NOT NULL DEFAULT 'prediction',
    prediction_id BLOB CHECK (length(prediction_id) = 16),
    aggregate_id TEXT,
    occurred_at INTEGER NOT NULL, -- microseconds since the epoch
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    traceparent TEXT,             -- of the request that caused it: W3C Trace Context
    published_at INTEGER,         -- when it got its position: microseconds since the epoch
    position INTEGER UNIQUE,      -- the place in the feed
    CHECK ((published_at IS NULL) = (position IS NULL)),
    CHECK ((prediction_id IS NULL) <> (aggregate_id IS NULL))
) STRICT;

INSERT INTO outbox_of_aggregates (seq, tenant, event_id, event_type, prediction_id, occurred_at, payload, published_at, position)
    SELECT seq, tenant, event_id, event_type, prediction_id, occurred_at, payload, published_at, position FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_of_aggregates RENAME TO outbox;

CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

-- The last position that was purged.
ALTER TABLE outbox_feed ADD COLUMN purged_position INTEGER NOT NULL DEFAULT 0;
UPDATE outbox_feed SET purged_position
    = coalesce((SELECT min(position) - 1 FROM outbox WHERE position IS NOT NULL), last_position);

-- The consumers of the feed, each with the last position that it has passed; -1 before its first run. A fence is that of
-- the lease that opened the sink last. Earlier releases have published every event that has a position.
CREATE TABLE sinks (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    lost INTEGER NOT NULL -- events that were purged before the sink passed them
) STRICT, WITHOUT ROWID;

INSERT INTO sinks (name, position, fence, lost) SELECT 'log', last_position, 0, 0 FROM outbox_feed;
INSERT INTO sinks (name, position, fence, lost) VALUES ('analytics', -1, 0, 0);
