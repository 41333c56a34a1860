-- The kept answers. `row` exists for the index of terms, which can name rows by whole numbers only.
-- `text` stands last, so that no filter has to read past a long one.
CREATE TABLE predictions (
    row INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    ref TEXT,
    metadata TEXT NOT NULL CHECK (json_valid(metadata)),
    sentiment TEXT CHECK (sentiment IN ('negative', 'neutral', 'positive', 'mixed')),
    confidence REAL CHECK (confidence BETWEEN 0 AND 1),
    score_negative REAL CHECK (score_negative BETWEEN 0 AND 1),
    score_neutral REAL CHECK (score_neutral BETWEEN 0 AND 1),
    score_positive REAL CHECK (score_positive BETWEEN 0 AND 1),
    labels TEXT NOT NULL CHECK (json_valid(labels)),
    model_name TEXT NOT NULL,
    model_revision TEXT NOT NULL,
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    windows INTEGER NOT NULL CHECK (windows >= 0),
    truncated INTEGER NOT NULL CHECK (truncated IN (0, 1)),
    cached INTEGER NOT NULL CHECK (cached IN (0, 1)),
    created_at INTEGER NOT NULL, -- microseconds since the epoch
    text TEXT
) STRICT;

CREATE UNIQUE INDEX predictions_by_id ON predictions (tenant, id);
CREATE INDEX predictions_by_sentiment ON predictions (tenant, sentiment, id);
CREATE INDEX predictions_by_ref ON predictions (tenant, ref, id) WHERE ref IS NOT NULL;

-- The terms of each text, by row. The terms are made outside and come here separated by spaces; the ascii
-- tokenizer keeps every other character as it is. Nothing but the index itself is stored.
CREATE VIRTUAL TABLE prediction_terms USING fts5 (
    terms,
    content = '',
    contentless_delete = 1,
    detail = none,
    tokenize = 'ascii'
);
