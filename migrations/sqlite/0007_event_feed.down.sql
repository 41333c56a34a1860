DROP TABLE sinks;
ALTER TABLE outbox_feed DROP COLUMN purged_position;

-- The release before knows events about predictions only.
CREATE TABLE outbox_of_predictions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    event_id BLOB NOT NULL UNIQUE CHECK (length(event_id) = 16),
    event_type TEXT NOT NULL,
    prediction_id BLOB NOT NULL CHECK (length(prediction_id) = 16),
    occurred_at INTEGER NOT NULL, -- microseconds since the epoch
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    published_at INTEGER,         -- microseconds since the epoch
    position INTEGER UNIQUE,      -- the place in the feed of published events
    CHECK ((published_at IS NULL) = (position IS NULL))
) STRICT;

INSERT INTO outbox_of_predictions
    SELECT seq, tenant, event_id, event_type, prediction_id, occurred_at, payload, published_at, position FROM outbox
    WHERE prediction_id IS NOT NULL;
DROP TABLE outbox;
ALTER TABLE outbox_of_predictions RENAME TO outbox;

CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;
