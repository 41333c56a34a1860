-- The kept answers. Names are compared by their bytes: no name depends on a locale, and no index on a library's
-- idea of one.
CREATE TABLE predictions (
    tenant text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    ref text COLLATE "C",
    sentiment text COLLATE "C" CHECK (sentiment IN ('negative', 'neutral', 'positive', 'mixed')),
    confidence real CHECK (confidence BETWEEN 0 AND 1),
    score_negative real CHECK (score_negative BETWEEN 0 AND 1),
    score_neutral real CHECK (score_neutral BETWEEN 0 AND 1),
    score_positive real CHECK (score_positive BETWEEN 0 AND 1),
    labels jsonb NOT NULL CHECK (jsonb_typeof(labels) = 'array'),
    model_name text COLLATE "C" NOT NULL,
    model_revision text COLLATE "C" NOT NULL,
    tokens bigint NOT NULL CHECK (tokens BETWEEN 0 AND 4294967295),
    windows bigint NOT NULL CHECK (windows BETWEEN 0 AND 4294967295),
    truncated boolean NOT NULL,
    cached boolean NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    text text,
    terms tsvector NOT NULL, -- the terms of the text, made outside
    PRIMARY KEY (tenant, id)
);

CREATE INDEX predictions_by_sentiment ON predictions (tenant, sentiment, id);
CREATE INDEX predictions_by_ref ON predictions (tenant, ref, id) WHERE ref IS NOT NULL;

-- Terms wait in a list before they are sorted in. A short one bounds what a search must read through, and what
-- the commit that finds it full must do.
CREATE INDEX predictions_by_term ON predictions USING gin (terms) WITH (gin_pending_list_limit = 1024); -- KiB
