use std::collections::BTreeMap;
use std::time::Duration;

use application::ports::{DayUsage, StoreError, TextCount, UsageCount};
use domain::value_objects::TenantId;

use crate::columns::{Columns, Unreadable, text};

/// Texts to add to a row of `usage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageValues<'s> {
    /// The tenant.
    pub tenant: &'s str,
    /// The value of the column `principal`: empty for all callers of the tenant.
    pub principal: &'s str,
    /// The texts, at least 1.
    pub texts: i64,
    /// The largest sum of the day, of all replicas together.
    pub quota: Option<i64>,
}

/// Adds up the counts of each principal, and takes the smallest of its quotas. The values are in the order of tenants
/// and principals.
pub fn sum_counts<'s>(
    counts: impl IntoIterator<Item = (&'s TenantId, &'s TextCount)>,
) -> Vec<UsageValues<'s>> {
    let mut sums: BTreeMap<(&str, &str), (i64, Option<i64>)> = BTreeMap::new();
    for (tenant, count) in counts.into_iter().filter(|(_, count)| count.texts > 0) {
        let place = (tenant.as_str(), count.principal.as_deref().unwrap_or_default());
        let (texts, quota) = sums.entry(place).or_default();
        *texts += i64::from(count.texts);
        let own = count.quota.map(|quota| i64::try_from(quota.get()).unwrap_or(i64::MAX));
        *quota = [*quota, own].into_iter().flatten().min();
    }
    let values = |((tenant, principal), (texts, quota))| UsageValues { tenant, principal, texts, quota };
    sums.into_iter().map(values).collect()
}

/// Reads the texts of a day. The first row has the microseconds until the day ends in the column `ends_in_us`; every
/// other row has a `tenant`, a `principal` and the sum of their `texts`.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub fn read_usage(rows: impl IntoIterator<Item = impl Columns>) -> Result<DayUsage, StoreError> {
    let mut rows = rows.into_iter();
    let ends_in = rows.next().and_then(|row| row.integer("ends_in_us").ok().flatten());
    let ends_in = ends_in.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros);
    let corrupt = || Unreadable("ends_in_us").corrupt("usage", "?".to_owned());
    let counts = rows.map(|row| read_count(&row)).collect::<Result<_, _>>()?;
    Ok(DayUsage { ends_in: ends_in.ok_or_else(corrupt)?, counts })
}

fn read_count(row: &impl Columns) -> Result<UsageCount, StoreError> {
    let read = || {
        let texts = row.integer("texts")?.and_then(|texts| u64::try_from(texts).ok());
        Ok(UsageCount {
            tenant: TenantId::parse(text(row, "tenant")?).map_err(|_| Unreadable("tenant"))?,
            principal: Some(text(row, "principal")?).filter(|principal| !principal.is_empty()),
            texts: texts.ok_or(Unreadable("texts"))?,
        })
    };
    read().map_err(|error: Unreadable| {
        error.corrupt("usage", text(row, "tenant").unwrap_or_else(|_| "?".to_owned()))
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    #[test]
    fn counts_of_a_principal_are_added_up_under_the_smallest_quota() {
        let (ann, bob) = (TenantId::parse("ann").unwrap(), TenantId::parse("bob").unwrap());
        let count = |principal: Option<&str>, texts, quota| TextCount {
            principal: principal.map(str::to_owned),
            texts,
            quota: NonZeroU64::new(quota),
        };
        let counts = [
            (&bob, count(None, 1, 0)),
            (&ann, count(Some("key:1"), 2, 0)),
            (&ann, count(None, u32::MAX, 9)),
            (&bob, count(Some("key:1"), 0, 5)),
            (&ann, count(None, 3, 7)),
            (&ann, count(None, 1, u64::MAX)),
        ];
        let sums = sum_counts(counts.iter().map(|(tenant, count)| (*tenant, count)));
        let values = |tenant, principal, texts, quota| UsageValues { tenant, principal, texts, quota };
        let all = i64::from(u32::MAX) + 4;
        let expected =
            [values("ann", "", all, Some(7)), values("ann", "key:1", 2, None), values("bob", "", 1, None)];
        assert_eq!(sums, expected);
    }
}
