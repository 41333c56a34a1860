use std::collections::{BTreeMap, BTreeSet};

use domain::value_objects::{Bucket, DimensionValue, Dimensions, Rollup, RollupKey};

use super::scene::{Scene, dimensions, tenants};

/// The rollups of the predictions that are stored, counted one by one. Which values are admitted is read from the
/// store, and checked.
pub(super) fn expected(scene: &Scene) -> Vec<(RollupKey, Rollup)> {
    let admitted: BTreeSet<_> = scene.store.admitted_values().into_iter().collect();
    let mut values_a_day = BTreeMap::new();
    for value in &admitted {
        *values_a_day.entry((&value.tenant, value.day, &value.value.dimension)).or_insert(0) += 1;
    }
    assert!(values_a_day.values().all(|values| *values <= Dimensions::MAX_VALUES_A_DAY));
    let mut rollups: BTreeMap<RollupKey, Rollup> = BTreeMap::new();
    for tenant in tenants() {
        for record in scene.store.stored(&tenant) {
            let facts = record.prediction.facts(&dimensions());
            let day = Bucket::containing(facts.created_at).day();
            let values = facts.dimensions.clone().into_iter().map(|(dimension, value)| {
                let value = DimensionValue { dimension, value };
                let is_admitted = value.value == Dimensions::NONE
                    || admitted
                        .iter()
                        .any(|known| known.tenant == tenant && known.day == day && known.value == value);
                if !is_admitted {
                    let values = values_a_day.get(&(&tenant, day, &value.dimension));
                    assert_eq!(values, Some(&Dimensions::MAX_VALUES_A_DAY), "there was room for {value:?}");
                    return DimensionValue { value: Dimensions::OTHER.to_owned(), ..value };
                }
                value
            });
            let values: Vec<_> = values.collect();
            for key in RollupKey::all_of(&tenant, &facts, values) {
                rollups.entry(key).or_default().add(&Rollup::of(&facts));
            }
        }
    }
    rollups.into_iter().collect()
}
