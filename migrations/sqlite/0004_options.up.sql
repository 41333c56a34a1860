-- What was asked of an answer beyond the usual: of how many labels it told (all of them are kept), and what was found
-- out about each sentence. Both are null where nothing was asked.
ALTER TABLE predictions ADD COLUMN top_k INTEGER CHECK (top_k > 0);
ALTER TABLE predictions ADD COLUMN sentences TEXT CHECK (json_valid(sentences));
