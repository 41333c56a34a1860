-- The models that rollups name by number.
CREATE TABLE rollup_models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    UNIQUE (name, revision)
) STRICT;

-- Counts of predictions by quarters of an hour (UTC), of all of them (dimension and value empty) or of those with one
-- value of one metadata key. All are whole numbers, so that they stay exact when predictions are deleted.
CREATE TABLE rollups (
    tenant TEXT NOT NULL,
    dimension TEXT NOT NULL,
    value TEXT NOT NULL,
    sentiment TEXT NOT NULL, -- empty where the model has no mapping to sentiments
    bucket INTEGER NOT NULL, -- its start: microseconds since the epoch
    model INTEGER NOT NULL REFERENCES rollup_models,
    predictions INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    confident INTEGER NOT NULL, -- those with a confidence
    confidence_sum INTEGER NOT NULL, -- billionths
    -- Those with a confidence, by twentieths.
    confidence_00 INTEGER NOT NULL, confidence_01 INTEGER NOT NULL, confidence_02 INTEGER NOT NULL, confidence_03 INTEGER NOT NULL,
    confidence_04 INTEGER NOT NULL, confidence_05 INTEGER NOT NULL, confidence_06 INTEGER NOT NULL, confidence_07 INTEGER NOT NULL,
    confidence_08 INTEGER NOT NULL, confidence_09 INTEGER NOT NULL, confidence_10 INTEGER NOT NULL, confidence_11 INTEGER NOT NULL,
    confidence_12 INTEGER NOT NULL, confidence_13 INTEGER NOT NULL, confidence_14 INTEGER NOT NULL, confidence_15 INTEGER NOT NULL,
    confidence_16 INTEGER NOT NULL, confidence_17 INTEGER NOT NULL, confidence_18 INTEGER NOT NULL, confidence_19 INTEGER NOT NULL,
    -- All, by tokens: none, and each number of binary digits.
    length_00 INTEGER NOT NULL, length_01 INTEGER NOT NULL, length_02 INTEGER NOT NULL, length_03 INTEGER NOT NULL,
    length_04 INTEGER NOT NULL, length_05 INTEGER NOT NULL, length_06 INTEGER NOT NULL, length_07 INTEGER NOT NULL,
    length_08 INTEGER NOT NULL, length_09 INTEGER NOT NULL, length_10 INTEGER NOT NULL, length_11 INTEGER NOT NULL,
    length_12 INTEGER NOT NULL, length_13 INTEGER NOT NULL, length_14 INTEGER NOT NULL, length_15 INTEGER NOT NULL,
    PRIMARY KEY (tenant, dimension, value, sentiment, bucket, model)
) STRICT, WITHOUT ROWID;

-- The values of dimensions that are counted apart, by the day (UTC) of the predictions.
CREATE TABLE rollup_values (
    tenant TEXT NOT NULL,
    day INTEGER NOT NULL, -- days since the epoch
    dimension TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, day, dimension, value)
) STRICT, WITHOUT ROWID;

-- Buckets whose rollups must be counted again from the predictions: from the first to the last one, by their starts in
-- microseconds since the epoch.
CREATE TABLE rollup_outdated (
    tenant TEXT NOT NULL,
    first_bucket INTEGER NOT NULL,
    last_bucket INTEGER NOT NULL CHECK (last_bucket >= first_bucket),
    PRIMARY KEY (tenant, first_bucket)
) STRICT, WITHOUT ROWID;
