-- 90 days from 2026-01-01 on: 96 buckets a day, 2 models, 3 sentiments, and 100 values of a dimension beside all
-- predictions, in the order of time as a service adds them.
SET synchronous_commit = off;
INSERT INTO rollup_models (id, name, revision) OVERRIDING SYSTEM VALUE
VALUES (1001, 'bench-a', '1'), (1002, 'bench-b', '1');
INSERT INTO rollup_values (tenant, day, dimension, value)
SELECT 'default', date '2026-01-01' + day, 'channel', to_char(number, '"v"FM00')
FROM generate_series(0, 89) AS day, generate_series(0, 99) AS number;
INSERT INTO rollups (
    tenant, dimension, value, sentiment, bucket, model, predictions, truncated, cached, tokens, confident, confidence_sum,
    confidence_00, confidence_01, confidence_02, confidence_03, confidence_04, confidence_05,
    confidence_06, confidence_07, confidence_08, confidence_09, confidence_10, confidence_11,
    confidence_12, confidence_13, confidence_14, confidence_15, confidence_16, confidence_17,
    confidence_18, confidence_19, length_00, length_01, length_02, length_03, length_04, length_05,
    length_06, length_07, length_08, length_09, length_10, length_11, length_12, length_13, length_14,
    length_15
)
SELECT 'default', s.dimension, s.value, t.name, timestamptz '2026-01-01T00:00:00Z' + b.n * interval '15 minutes', m.id,
    3 + (b.n * 7 + m.id) % 11, b.n % 2, 1, b.n % 977, 3 + (b.n * 7 + m.id) % 11,
    (3 + (b.n * 7 + m.id) % 11) * 875000000::bigint,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0
FROM generate_series(0, 90 * 96 - 1) AS b (n)
CROSS JOIN (
    SELECT '', '' UNION ALL SELECT 'channel', to_char(number, '"v"FM00') FROM generate_series(0, 99) AS number
) AS s (dimension, value)
CROSS JOIN (VALUES ('negative'), ('neutral'), ('positive')) AS t (name)
CROSS JOIN (VALUES (1001), (1002)) AS m (id)
ORDER BY b.n;
VACUUM (ANALYZE) rollups;
