ALTER TABLE predictions DROP COLUMN sentences, DROP COLUMN top_k;
