DROP TABLE sinks;
ALTER TABLE outbox_feed DROP COLUMN purged_position;
ALTER TABLE outbox RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);

-- The release before knows events about predictions only.
DELETE FROM outbox WHERE prediction_id IS NULL;
ALTER TABLE outbox DROP CONSTRAINT outbox_is_about_one, DROP COLUMN traceparent, DROP COLUMN aggregate_id,
    DROP COLUMN aggregate_type, ADD CONSTRAINT outbox_is_about_a_prediction CHECK (prediction_id IS NOT NULL) NOT VALID;
ALTER TABLE outbox VALIDATE CONSTRAINT outbox_is_about_a_prediction;
ALTER TABLE outbox ALTER COLUMN prediction_id SET NOT NULL;
ALTER TABLE outbox DROP CONSTRAINT outbox_is_about_a_prediction;
