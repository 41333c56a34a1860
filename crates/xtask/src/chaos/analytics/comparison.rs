use std::fmt;

use crate::test_run::local_cluster::Cluster;

/// The rollups that differ from what the predictions give.
#[derive(Debug)]
pub(super) struct Differences {
    compared: u64,
    predictions: u64,
    rows: Vec<String>,
}

impl Differences {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { compared, predictions, rows } = self;
        writeln!(
            out,
            "{compared} rollups of {predictions} predictions compared, {} differences",
            rows.len()
        )?;
        for row in rows.iter().take(20) {
            writeln!(out, "  {row}")?;
        }
        Ok(())
    }
}

/// The bins of the histograms, as named in the table.
fn bins() -> (Vec<String>, Vec<String>) {
    let confidences = (0..20).map(|bin| format!("confidence_{bin:02}")).collect();
    (confidences, (0..16).map(|bin| format!("length_{bin:02}")).collect())
}

/// Counts the predictions in SQL, by the definitions of the rollups: a confidence belongs to the twentieth at or below
/// it, a length to the number of its binary digits.
fn expected() -> String {
    let (confidences, lengths) = bins();
    let counted = |names: &[String], column: &str| {
        let count =
            |(bin, name): (usize, &String)| format!("count(*) FILTER (WHERE {column} = {bin}) AS {name}");
        names.iter().enumerate().map(count).collect::<Vec<_>>().join(", ")
    };
    format!(
        "SELECT tenant, dimension, value, coalesce(sentiment, '') AS sentiment, bucket, model_name, model_revision, \
         count(*) AS predictions, count(*) FILTER (WHERE truncated) AS truncated, \
         count(*) FILTER (WHERE cached) AS cached, sum(tokens)::bigint AS tokens, count(confidence) AS confident, \
         coalesce(sum(floor(confidence::float8 * 1e9 + 0.5)::bigint), 0)::bigint AS confidence_sum, {}, {} \
         FROM (SELECT made.*, pair.dimension, pair.value, \
             date_bin('15 minutes', created_at, TIMESTAMPTZ '1970-01-01Z') AS bucket, \
             least(floor(confidence::float8 * 20)::integer, 19) AS confidence_bin, \
             least(length(ltrim(tokens::bit(64)::text, '0')), 15) AS length_bin \
             FROM predictions AS made CROSS JOIN LATERAL (VALUES ('', ''), ('channel', CASE \
                 WHEN metadata->>'channel' IS NULL THEN '(none)' \
                 WHEN EXISTS (SELECT 1 FROM rollup_values AS known WHERE known.tenant = made.tenant \
                     AND known.day = (created_at AT TIME ZONE 'UTC')::date AND known.dimension = 'channel' \
                     AND known.value = left(metadata->>'channel', 128)) THEN left(metadata->>'channel', 128) \
                 ELSE '(other)' END)) AS pair (dimension, value)) AS made \
         GROUP BY 1, 2, 3, 4, 5, 6, 7",
        counted(&confidences, "confidence_bin"),
        counted(&lengths, "length_bin"),
    )
}

fn actual() -> String {
    let (confidences, lengths) = bins();
    format!(
        "SELECT tenant, dimension, value, sentiment, bucket, name, revision, predictions, truncated, cached, tokens, \
         confident, confidence_sum, {}, {} FROM rollups JOIN rollup_models ON id = model",
        confidences.join(", "),
        lengths.join(", ")
    )
}

/// Compares each rollup in both directions.
pub(super) fn compare(cluster: &Cluster) -> anyhow::Result<Differences> {
    let (expected, actual) = (expected(), actual());
    let differ = cluster.query(&format!(
        "WITH expected AS MATERIALIZED ({expected}), actual AS MATERIALIZED ({actual}), \
         missing AS (SELECT * FROM expected EXCEPT SELECT * FROM actual), \
         wrong AS (SELECT * FROM actual EXCEPT SELECT * FROM expected) \
         SELECT 'should be', missing.* FROM missing UNION ALL SELECT 'is', wrong.* FROM wrong ORDER BY 2, 3, 4, 5, 6 LIMIT 1000"
    ))?;
    let count = |statement| -> anyhow::Result<u64> { Ok(cluster.query(statement)?.trim().parse()?) };
    Ok(Differences {
        compared: count("SELECT count(*) FROM rollups")?,
        predictions: count("SELECT count(*) FROM predictions")?,
        rows: differ.lines().filter(|row| !row.is_empty()).map(str::to_owned).collect(),
    })
}
