-- The models that rollups name by number.
CREATE TABLE rollup_models (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    revision text COLLATE "C" NOT NULL,
    UNIQUE (name, revision)
);

-- Counts of predictions by quarters of an hour (UTC), of all of them (dimension and value empty) or of those with one
-- value of one metadata key. All are whole numbers, so that they stay exact when predictions are deleted.
CREATE TABLE rollups (
    tenant text COLLATE "C" NOT NULL,
    dimension text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    sentiment text COLLATE "C" NOT NULL, -- empty where the model has no mapping to sentiments
    bucket timestamptz NOT NULL,
    model integer NOT NULL REFERENCES rollup_models,
    predictions bigint NOT NULL,
    truncated bigint NOT NULL,
    cached bigint NOT NULL,
    tokens bigint NOT NULL,
    confident bigint NOT NULL, -- those with a confidence
    confidence_sum bigint NOT NULL, -- billionths
    -- Those with a confidence, by twentieths.
    confidence_00 integer NOT NULL, confidence_01 integer NOT NULL, confidence_02 integer NOT NULL, confidence_03 integer NOT NULL,
    confidence_04 integer NOT NULL, confidence_05 integer NOT NULL, confidence_06 integer NOT NULL, confidence_07 integer NOT NULL,
    confidence_08 integer NOT NULL, confidence_09 integer NOT NULL, confidence_10 integer NOT NULL, confidence_11 integer NOT NULL,
    confidence_12 integer NOT NULL, confidence_13 integer NOT NULL, confidence_14 integer NOT NULL, confidence_15 integer NOT NULL,
    confidence_16 integer NOT NULL, confidence_17 integer NOT NULL, confidence_18 integer NOT NULL, confidence_19 integer NOT NULL,
    -- All, by tokens: none, and each number of binary digits.
    length_00 integer NOT NULL, length_01 integer NOT NULL, length_02 integer NOT NULL, length_03 integer NOT NULL,
    length_04 integer NOT NULL, length_05 integer NOT NULL, length_06 integer NOT NULL, length_07 integer NOT NULL,
    length_08 integer NOT NULL, length_09 integer NOT NULL, length_10 integer NOT NULL, length_11 integer NOT NULL,
    length_12 integer NOT NULL, length_13 integer NOT NULL, length_14 integer NOT NULL, length_15 integer NOT NULL,
    PRIMARY KEY (tenant, dimension, value, sentiment, bucket, model)
        INCLUDE (predictions, truncated, confident, confidence_sum)
);

-- The values of dimensions that are counted apart, by the day (UTC) of the predictions.
CREATE TABLE rollup_values (
    tenant text COLLATE "C" NOT NULL,
    day date NOT NULL,
    dimension text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, day, dimension, value)
);

-- Buckets whose rollups must be counted again from the predictions: from the first to the last one.
CREATE TABLE rollup_outdated (
    tenant text COLLATE "C" NOT NULL,
    first_bucket timestamptz NOT NULL,
    last_bucket timestamptz NOT NULL CHECK (last_bucket >= first_bucket),
    PRIMARY KEY (tenant, first_bucket)
);
