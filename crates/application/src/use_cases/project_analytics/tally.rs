use std::collections::HashMap;

use domain::value_objects::{
    Bucket, DimensionValue, Dimensions, PredictionFacts, Rollup, RollupKey, TenantId,
};

use super::admitted_values::{Admission, AdmittedValues};
use crate::ports::AdmittedValue;

/// Sums up predictions by the rollups in which they count.
pub(super) struct Tally<'v> {
    dimensions: &'v Dimensions,
    values: &'v mut AdmittedValues,
    sums: HashMap<RollupKey, Rollup>,
    admitted: Vec<AdmittedValue>,
}

impl<'v> Tally<'v> {
    /// Nothing yet. `values` decides which values are counted apart.
    pub(super) fn new(dimensions: &'v Dimensions, values: &'v mut AdmittedValues) -> Self {
        Self { dimensions, values, sums: HashMap::new(), admitted: Vec::new() }
    }

    /// The values that are counted apart, which must have the day of a prediction before it is added or subtracted.
    pub(super) fn values(&mut self) -> &mut AdmittedValues {
        self.values
    }

    /// Adds a prediction. Returns whether its facts have every dimension: those of a replica with another configuration
    /// may not.
    pub(super) fn add(&mut self, tenant: &TenantId, facts: &PredictionFacts) -> bool {
        let (values, found) = self.values_of(tenant, facts);
        self.combine(tenant, facts, values, Rollup::add);
        found.is_complete
    }

    /// Subtracts a prediction. Returns whether it was counted with every dimension.
    pub(super) fn subtract(&mut self, tenant: &TenantId, facts: &PredictionFacts) -> bool {
        let (values, found) = self.values_of(tenant, facts);
        self.combine(tenant, facts, values, Rollup::subtract);
        // A value that is new on its day has never been added.
        found.is_complete && !found.is_new
    }

    /// Returns the sums that are not zero, in the order of their keys, and the values that were admitted.
    pub(super) fn finish(self) -> (Vec<(RollupKey, Rollup)>, Vec<AdmittedValue>) {
        let mut sums: Vec<_> = self.sums.into_iter().filter(|(_, sum)| !sum.is_zero()).collect();
        sums.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        (sums, self.admitted)
    }

    fn combine(
        &mut self,
        tenant: &TenantId,
        facts: &PredictionFacts,
        values: Vec<DimensionValue>,
        with: fn(&mut Rollup, &Rollup),
    ) {
        let one = Rollup::of(facts);
        for key in RollupKey::all_of(tenant, facts, values) {
            with(self.sums.entry(key).or_default(), &one);
        }
    }

    /// Returns the values under which a prediction counts, admitting those that are new where there is room. The same
    /// table decides for additions and subtractions, so that nothing is subtracted from another rollup than it was
    /// added to.
    fn values_of(&mut self, tenant: &TenantId, facts: &PredictionFacts) -> (Vec<DimensionValue>, Found) {
        let day = Bucket::containing(facts.created_at).day();
        let mut found = Found { is_complete: true, is_new: false };
        let mut values = Vec::with_capacity(self.dimensions.keys().len());
        for dimension in self.dimensions.keys() {
            let Some(value) = facts.dimensions.get(dimension) else {
                found.is_complete = false;
                continue;
            };
            let mut value = DimensionValue { dimension: dimension.clone(), value: value.clone() };
            match self.values.admit(tenant, day, &value) {
                Admission::Admitted => {}
                Admission::New => {
                    found.is_new = true;
                    self.admitted.push(AdmittedValue { tenant: tenant.clone(), day, value: value.clone() });
                }
                Admission::Other => Dimensions::OTHER.clone_into(&mut value.value),
            }
            values.push(value);
        }
        (values, found)
    }
}

/// What the values of a prediction were.
struct Found {
    /// Whether there was one for every dimension.
    is_complete: bool,
    /// Whether one was admitted.
    is_new: bool,
}
