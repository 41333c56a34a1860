//! The statements over rollups. Each scans a range of the primary key, which includes the columns that are summed, for
//! a value and a sentiment, so that it is as cheap as the range is short. `OFFSET 0` prevents the planner from choosing
//! another order. Sums come as arrays, one element for each bucket: a row for each would take longer to transfer than
//! to sum.

/// The condition that the model is the selected one, if one is selected.
macro_rules! is_selected_model {
    () => {
        "($6::text IS NULL OR model = ANY (ARRAY(SELECT id FROM rollup_models WHERE name = $6)))"
    };
}

/// The values of the dimension that the days of the range may have.
macro_rules! values_of_days {
    () => {
        "SELECT value FROM rollup_values WHERE tenant = $1 AND dimension = $2 \
         AND day BETWEEN date '1970-01-01' + $7::integer AND date '1970-01-01' + $8::integer \
         UNION SELECT '(none)' UNION SELECT '(other)'"
    };
}

/// The columns that are summed.
macro_rules! sums {
    () => {
        "sum(predictions)::bigint AS predictions, sum(truncated)::bigint AS truncated, \
         sum(confident)::bigint AS confident, sum(confidence_sum)::bigint AS confidence_sum"
    };
}

/// The sums of many buckets as arrays.
macro_rules! arrays {
    () => {
        "array_agg(bucket) AS buckets, array_agg(predictions) AS predictions, array_agg(truncated) AS truncated, \
         array_agg(confident) AS confident, array_agg(confidence_sum) AS confidence_sum"
    };
}

/// The sums between the edges `$5`, by sentiment (`$4`), from `$7` on, before `$8`.
pub(super) const SERIES: &str = concat!(
    "SELECT s.sentiment, parts.* FROM unnest($4::text[]) AS s (sentiment) CROSS JOIN LATERAL (SELECT ",
    arrays!(),
    " FROM (SELECT width_bucket(bucket, $5) AS bucket, ",
    sums!(),
    " FROM rollups WHERE tenant = $1 AND dimension = $2 AND value = $3 AND sentiment = s.sentiment \
     AND bucket >= $7 AND bucket < $8 AND ",
    is_selected_model!(),
    " GROUP BY 1) AS sums) AS parts",
);

/// The rollups of each value from `$4` on, before `$5`.
macro_rules! rollups_of_values {
    () => {
        concat!(
            "SELECT v.value AS key, r.* FROM (",
            values_of_days!(),
            ") AS v CROSS JOIN unnest($3::text[]) AS s (sentiment) CROSS JOIN LATERAL \
             (SELECT sentiment, bucket, model, predictions, truncated, confident, confidence_sum FROM rollups \
             WHERE tenant = $1 AND dimension = $2 AND value = v.value AND sentiment = s.sentiment \
             AND bucket >= $4 AND bucket < $5 OFFSET 0) AS r"
        )
    };
}

/// The rollups of each model from `$4` on, before `$5`, of the value `$10`. The days `$7` and `$8` are those of the
/// values alone.
macro_rules! rollups_of_models {
    () => {
        "SELECT m.name AS key, r.* FROM unnest($3::text[]) AS s (sentiment) CROSS JOIN LATERAL \
         (SELECT sentiment, bucket, model, predictions, truncated, confident, confidence_sum FROM rollups \
         WHERE tenant = $1 AND dimension = $2 AND value = $10 AND sentiment = s.sentiment \
         AND bucket >= $4 AND bucket < $5 AND $7::integer <= $8::integer OFFSET 0) AS r \
         JOIN rollup_models AS m ON m.id = r.model"
    };
}

/// The largest groups (at most `$9`) and the rest, of `$rollups`, which has the last parameter, the most rows. A last
/// row has the number of rows, even where none of them is of the selected model.
macro_rules! groups {
    ($rollups:expr, $most:literal) => {
        concat!(
            "WITH read AS MATERIALIZED (",
            $rollups,
            " LIMIT ",
            $most,
            "), parts AS MATERIALIZED (SELECT key COLLATE \"C\" AS key, sentiment, ",
            sums!(),
            " FROM read WHERE ",
            is_selected_model!(),
            " GROUP BY 1, 2), named AS MATERIALIZED (SELECT key FROM parts WHERE key <> '(other)' \
             GROUP BY key ORDER BY sum(predictions) DESC, key LIMIT $9) SELECT named.key, sentiment, ",
            sums!(),
            ", 0 AS rows_read \
             FROM parts LEFT JOIN named ON named.key = parts.key GROUP BY named.key, sentiment \
             UNION ALL SELECT NULL, '', 0, 0, 0, 0, count(*) FROM read"
        )
    };
}

pub(super) const GROUPS_OF_VALUES: &str = groups!(rollups_of_values!(), "$10");

pub(super) const GROUPS_OF_MODELS: &str = groups!(rollups_of_models!(), "$11");

/// The sums of each group that `$9` names, and of the others, by sentiment: between the edges `$11` or, where the value
/// is no parameter, `$10`.
macro_rules! group_series {
    ($rollups:expr, $edges:literal) => {
        concat!(
            "SELECT place, sentiment, ",
            arrays!(),
            " FROM (SELECT array_position($9::text[], key::text) AS place, sentiment, width_bucket(bucket, ",
            $edges,
            ") AS bucket, ",
            sums!(),
            " FROM (",
            $rollups,
            ") AS read WHERE ",
            is_selected_model!(),
            " GROUP BY 1, 2, 3) AS sums GROUP BY place, sentiment"
        )
    };
}

pub(super) const GROUP_SERIES_OF_VALUES: &str = group_series!(rollups_of_values!(), "$10");

pub(super) const GROUP_SERIES_OF_MODELS: &str = group_series!(rollups_of_models!(), "$11");

/// How far the sink `analytics` is. Events have positions in about the order of their times: the oldest is among the
/// first ones.
pub(super) const PROGRESS: &str = "SELECT s.position, f.last_position, f.purged_position, \
     (SELECT min(occurred_at) FROM (SELECT occurred_at FROM outbox WHERE position > s.position \
     ORDER BY position LIMIT 1000) AS waiting) AS first_waiting, \
     (SELECT min(occurred_at) FROM (SELECT occurred_at FROM outbox WHERE published_at IS NULL \
     ORDER BY seq LIMIT 1000) AS unsequenced) AS first_unsequenced, \
     (SELECT min(first_bucket) FROM rollup_outdated WHERE tenant = $1 AND last_bucket >= $2 \
     AND first_bucket < $3) AS recounting_from \
     FROM sinks AS s CROSS JOIN outbox_feed AS f WHERE s.name = 'analytics'";
