-- 90 days from 2026-01-01 on: 96 buckets a day, 2 models, 3 sentiments, and 100 values of a dimension beside all
-- predictions.
PRAGMA busy_timeout = 60000;
BEGIN IMMEDIATE;
INSERT INTO rollup_models (id, name, revision) VALUES (1001, 'bench-a', '1'), (1002, 'bench-b', '1');
WITH RECURSIVE day (n) AS (SELECT 20454 UNION ALL SELECT n + 1 FROM day WHERE n < 20454 + 89),
    value (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM value WHERE n < 99)
INSERT INTO rollup_values (tenant, day, dimension, value)
SELECT 'default', day.n, 'channel', printf('v%02d', value.n) FROM day CROSS JOIN value;
WITH RECURSIVE bucket (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM bucket WHERE n < 90 * 96 - 1),
    number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 99),
    slice (dimension, value) AS (SELECT '', '' UNION ALL SELECT 'channel', printf('v%02d', n) FROM number),
    sentiment (name) AS (VALUES ('negative'), ('neutral'), ('positive')),
    model (id) AS (VALUES (1001), (1002))
INSERT INTO rollups (
    tenant, dimension, value, sentiment, bucket, model, predictions, truncated, cached, tokens, confident, confidence_sum,
    confidence_00, confidence_01, confidence_02, confidence_03, confidence_04, confidence_05,
    confidence_06, confidence_07, confidence_08, confidence_09, confidence_10, confidence_11,
    confidence_12, confidence_13, confidence_14, confidence_15, confidence_16, confidence_17,
    confidence_18, confidence_19, length_00, length_01, length_02, length_03, length_04, length_05,
    length_06, length_07, length_08, length_09, length_10, length_11, length_12, length_13, length_14,
    length_15
)
SELECT 'default', s.dimension, s.value, t.name, 1767225600000000 + b.n * 900000000, m.id,
    3 + (b.n * 7 + m.id) % 11, b.n % 2, 1, b.n % 977, 3 + (b.n * 7 + m.id) % 11, (3 + (b.n * 7 + m.id) % 11) * 875000000,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0
FROM slice AS s CROSS JOIN sentiment AS t CROSS JOIN bucket AS b CROSS JOIN model AS m;
COMMIT;
