-- What happened, in the order in which it was written, until it is published and for a while after.
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL UNIQUE,
    event_type text COLLATE "C" NOT NULL,
    prediction_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    payload jsonb NOT NULL CHECK (jsonb_typeof(payload) = 'object'),
    published_at timestamptz,
    position bigint, -- the place in the feed of published events
    CHECK ((published_at IS NULL) = (position IS NULL))
);

CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;
CREATE UNIQUE INDEX outbox_by_position ON outbox (position) WHERE position IS NOT NULL;

-- The last position given out; it must not start again when all published events have been purged.
CREATE TABLE outbox_feed (
    only_row boolean PRIMARY KEY CHECK (only_row),
    last_position bigint NOT NULL
);

INSERT INTO outbox_feed (only_row, last_position) VALUES (true, 0);
