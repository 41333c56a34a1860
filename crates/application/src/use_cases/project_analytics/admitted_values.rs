use std::collections::{BTreeSet, HashMap};

use domain::value_objects::{DimensionValue, Dimensions, TenantId};

use crate::ports::{AdmittedValue, Lease};

/// The values of dimensions that are counted apart, of the days that were counted last.
#[derive(Debug, Default)]
pub(super) struct AdmittedValues {
    /// The lease under which they were read: another replica may admit values under another one.
    lease: Option<Lease>,
    days: HashMap<(TenantId, i64), Day>,
}

/// The values of a day by dimension.
type Day = HashMap<String, BTreeSet<String>>;

/// Where a value is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// As itself.
    Admitted,
    /// As itself from now on.
    New,
    /// As [`Dimensions::OTHER`].
    Other,
}

/// The most days that are remembered from one pass to the next.
const MOST_DAYS: usize = 256;

impl AdmittedValues {
    /// Begins a pass: forgets what was read under another lease, or is too much.
    pub(super) fn begin(&mut self, lease: &Lease) {
        if self.lease.as_ref() != Some(lease) || self.days.len() > MOST_DAYS {
            *self = Self { lease: Some(lease.clone()), days: HashMap::new() };
        }
    }

    /// Returns those of `days` that must be read.
    pub(super) fn missing(&self, days: BTreeSet<(TenantId, i64)>) -> Vec<(TenantId, i64)> {
        days.into_iter().filter(|day| !self.days.contains_key(day)).collect()
    }

    /// Remembers that `admitted` are all values of `days`.
    pub(super) fn load(&mut self, days: Vec<(TenantId, i64)>, admitted: Vec<AdmittedValue>) {
        self.days.extend(days.into_iter().map(|day| (day, Day::new())));
        for AdmittedValue { tenant, day, value } in admitted {
            let values = self.days.entry((tenant, day)).or_default();
            values.entry(value.dimension).or_default().insert(value.value);
        }
    }

    /// Admits `value`, if it is not yet and its day has room.
    pub(super) fn admit(&mut self, tenant: &TenantId, day: i64, value: &DimensionValue) -> Admission {
        let DimensionValue { dimension, value } = value;
        if value == Dimensions::NONE {
            return Admission::Admitted;
        }
        let values = self.days.entry((tenant.clone(), day)).or_default();
        let values = values.entry(dimension.clone()).or_default();
        if value == Dimensions::OTHER {
            Admission::Other
        } else if values.contains(value) {
            Admission::Admitted
        } else if values.len() < Dimensions::MAX_VALUES_A_DAY {
            values.insert(value.clone());
            Admission::New
        } else {
            Admission::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: &str) -> DimensionValue {
        DimensionValue { dimension: "channel".to_owned(), value: value.to_owned() }
    }

    #[test]
    fn two_hundred_values_are_admitted_each_day_besides_the_missing_one() {
        let (mut values, tenant) = (AdmittedValues::default(), TenantId::default());
        for n in 0..200 {
            assert_eq!(values.admit(&tenant, 7, &value(&n.to_string())), Admission::New);
        }
        assert_eq!(values.admit(&tenant, 7, &value("one more")), Admission::Other);
        assert_eq!(values.admit(&tenant, 7, &value("199")), Admission::Admitted);
        assert_eq!(values.admit(&tenant, 7, &value(Dimensions::NONE)), Admission::Admitted);
        assert_eq!(values.admit(&tenant, 8, &value(Dimensions::OTHER)), Admission::Other);
        assert_eq!(values.admit(&tenant, 8, &value("one more")), Admission::New);
    }

    #[test]
    fn days_are_forgotten_under_another_lease_and_once_there_are_too_many() {
        let (mut values, tenant) = (AdmittedValues::default(), TenantId::default());
        let days =
            |days: std::ops::Range<i64>| days.map(|day| (tenant.clone(), day)).collect::<BTreeSet<_>>();
        let lease = |fence| Lease { name: "relay".to_owned(), holder: "a".to_owned(), fence };
        values.begin(&lease(1));
        let read = values.missing(days(0..200));
        assert_eq!(read.len(), 200);
        values.load(read, Vec::new());
        values.begin(&lease(1));
        assert_eq!(values.missing(days(190..270)).len(), 70);
        values.begin(&lease(2));
        let read = values.missing(days(190..270));
        assert_eq!(read.len(), 80);
        values.load(read, Vec::new());
        values.load(values.missing(days(0..250)), Vec::new());
        values.begin(&lease(2));
        assert_eq!(values.missing(days(190..191)).len(), 1);
    }
}
