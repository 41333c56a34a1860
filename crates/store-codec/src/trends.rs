use application::ports::{
    Counted, GroupTotals, RollupGroup, RollupSum, SentimentSums, StoreError, TrendProgress,
};
use domain::value_objects::{Bucket, Sentiment};

use crate::columns::{Columns, Unreadable, text};

/// The values of the column `sentiment` of the rollups that are selected: empty for those without one.
pub fn stored_sentiments(selected: Option<Sentiment>) -> Vec<&'static str> {
    match selected {
        Some(sentiment) => vec![sentiment.as_str()],
        None => Sentiment::ALL.map(Sentiment::as_str).into_iter().chain([""]).collect(),
    }
}

/// Reads the column `sentiment` of rollups.
///
/// # Errors
/// `Corrupt`.
pub fn read_rollup_sentiment(row: &impl Columns) -> Result<Option<Sentiment>, StoreError> {
    sentiment(row).map_err(corrupt)
}

fn sentiment(row: &impl Columns) -> Result<Option<Sentiment>, Unreadable> {
    let name = text(row, "sentiment")?;
    if name.is_empty() {
        return Ok(None);
    }
    Sentiment::parse("sentiment", &name).map(Some).map_err(|_| Unreadable("sentiment"))
}

/// Returns the place of the edge before `bucket`, if it is between two edges.
pub fn place_between(edges: &[Bucket], bucket: Bucket) -> Option<usize> {
    let after = edges.partition_point(|edge| *edge <= bucket);
    (after < edges.len()).then_some(after).and_then(|after| after.checked_sub(1))
}

/// Reads the largest groups and the rest. A row has the sums of a sentiment and a `key`, or of all other keys where it
/// is null, and the number of rollups that were read in `rows_read`; none where they are more than `most`.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub fn read_group_totals(
    rows: impl IntoIterator<Item = impl Columns>,
    most: u32,
) -> Result<Option<GroupTotals>, StoreError> {
    let mut totals = GroupTotals::default();
    for row in rows {
        let rows_read = number(&row, "rows_read").map_err(corrupt)?;
        if rows_read > i64::from(most) {
            return Ok(None);
        }
        add_total(&mut totals, &row).map_err(corrupt)?;
    }
    totals.groups.sort_by(|one, other| {
        let size = |group: &RollupGroup| group.sums.total().predictions;
        size(other).cmp(&size(one)).then_with(|| one.key.cmp(&other.key))
    });
    Ok(Some(totals))
}

fn add_total(totals: &mut GroupTotals, row: &impl Columns) -> Result<(), Unreadable> {
    let sums = match row.text("key")? {
        None => &mut totals.rest,
        Some(key) => {
            let place = totals.groups.iter().position(|group| group.key == key);
            let place = place.unwrap_or_else(|| {
                totals.groups.push(RollupGroup { key, sums: SentimentSums::default() });
                totals.groups.len() - 1
            });
            &mut totals.groups[place].sums
        }
    };
    sums[sentiment(row)?] += RollupSum {
        predictions: number(row, "predictions")?,
        truncated: number(row, "truncated")?,
        confident: number(row, "confident")?,
        confidence_sum: number(row, "confidence_sum")?,
    };
    Ok(())
}

/// Reads how far rollups count: from the `position` of the sink, the `last_position` and the `purged_position` of the
/// feed, the time of the oldest event that waits for the sink (`first_waiting`) and for a position
/// (`first_unsequenced`), and the first outdated bucket of the range that begins with `first` (`recounting_from`).
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub fn read_trend_progress(row: &impl Columns, first: Bucket) -> Result<TrendProgress, StoreError> {
    progress(row, first).map_err(|error| error.corrupt("sinks", "analytics".to_owned()))
}

fn progress(row: &impl Columns, first: Bucket) -> Result<TrendProgress, Unreadable> {
    let position = number(row, "position")?;
    let waiting = row.optional_time("first_waiting")?;
    let oldest = [waiting, row.optional_time("first_unsequenced")?].into_iter().flatten().min();
    let counted = match oldest {
        _ if position < number(row, "purged_position")?.max(0) => Counted::Nothing,
        Some(oldest) => Counted::Until(oldest),
        None if position < number(row, "last_position")? => Counted::Nothing,
        None => Counted::Everything,
    };
    let outdated = row.optional_time("recounting_from")?.map(Bucket::containing);
    Ok(TrendProgress { counted, recounting_from: outdated.map(|bucket| bucket.max(first)) })
}

fn number(row: &impl Columns, column: &'static str) -> Result<i64, Unreadable> {
    row.integer(column)?.ok_or(Unreadable(column))
}

fn corrupt(error: Unreadable) -> StoreError {
    error.corrupt("rollups", "?".to_owned())
}

#[cfg(test)]
mod tests {
    use domain::value_objects::Timestamp;

    use super::*;

    #[test]
    fn a_bucket_is_between_the_edge_before_it_and_the_next() {
        let bucket = |quarters: i64| Bucket::containing(Timestamp::from_micros(quarters * 900_000_000));
        let edges = [bucket(4), bucket(5), bucket(9)];
        let places = [3, 4, 5, 6, 8, 9, 10].map(|quarters| place_between(&edges, bucket(quarters)));
        assert_eq!(places, [None, Some(0), Some(1), Some(1), Some(1), None, None]);
    }
}
