-- What happened, in the order in which it was committed, until it is published and for a while after.
CREATE TABLE outbox (
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

CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

-- The last position given out; it must not start again when all published events have been purged.
CREATE TABLE outbox_feed (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    last_position INTEGER NOT NULL
) STRICT;

INSERT INTO outbox_feed (only_row, last_position) VALUES (1, 0);
