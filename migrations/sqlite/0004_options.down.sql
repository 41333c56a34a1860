ALTER TABLE predictions DROP COLUMN sentences;
ALTER TABLE predictions DROP COLUMN top_k;
