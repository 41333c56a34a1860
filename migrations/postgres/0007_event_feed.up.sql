-- What an event is about: a prediction, or an aggregate of another type with an id of its own. Rows of earlier releases
-- are about predictions, so that the check needs no look at them.
ALTER TABLE outbox
    ADD COLUMN aggregate_type text COLLATE "C" NOT NULL DEFAULT 'prediction',
    ADD COLUMN aggregate_id text COLLATE "C",
    ADD COLUMN traceparent text COLLATE "C", -- of the request that caused it: W3C Trace Context
    ALTER COLUMN prediction_id DROP NOT NULL,
    ADD CONSTRAINT outbox_is_about_one CHECK ((prediction_id IS NULL) <> (aggregate_id IS NULL)) NOT VALID;

-- Rows come, change once and go: dead ones must not pile up before the first live one in the order of positions.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);

-- The last position that was purged.
ALTER TABLE outbox_feed ADD COLUMN purged_position bigint NOT NULL DEFAULT 0;
UPDATE outbox_feed SET purged_position
    = coalesce((SELECT min(position) - 1 FROM outbox WHERE position IS NOT NULL), last_position);

-- The consumers of the feed, each with the last position that it has passed; -1 before its first run. A fence is that of
-- the lease that opened the sink last. Earlier releases have published every event that has a position.
CREATE TABLE sinks (
    name text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    fence bigint NOT NULL,
    lost bigint NOT NULL -- events that were purged before the sink passed them
);

INSERT INTO sinks (name, position, fence, lost) SELECT 'log', last_position, 0, 0 FROM outbox_feed;
INSERT INTO sinks (name, position, fence, lost) VALUES ('analytics', -1, 0, 0);
