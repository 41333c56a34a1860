-- What was asked of an answer beyond the usual: of how many labels it told (all of them are kept), and what was found
-- out about each sentence. Both are null where nothing was asked.
ALTER TABLE predictions
    ADD COLUMN top_k bigint CHECK (top_k BETWEEN 1 AND 4294967295),
    ADD COLUMN sentences jsonb CHECK (jsonb_typeof(sentences) = 'array');
