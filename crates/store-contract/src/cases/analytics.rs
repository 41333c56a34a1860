//! What the analytics read: walks over the ids of a selection, and texts by their ids.

use std::collections::BTreeSet;

use application::ports::{IdWalk, TextSelection};
use domain::entities::Prediction;
use domain::value_objects::{ModelRef, PredictionId, Sentiment, TenantId, Timestamp};

use crate::StoreHarness;
use crate::samples::{FIRST, Samples};
use crate::steps::{insert, try_delete};

/// All negative predictions.
fn negative() -> TextSelection {
    TextSelection {
        sentiment: Sentiment::Negative,
        from: Timestamp::from_micros(0),
        to: Timestamp::from_micros(FIRST * 2),
        model: None,
    }
}

/// The whole walk in steps of `limit`: the ids in ascending order, and how many rows matched.
async fn walk(
    store: &impl StoreHarness,
    selection: &TextSelection,
    at_most: u32,
    limit: u32,
) -> (Vec<PredictionId>, u64) {
    let (mut ids, mut matching, mut after) = (Vec::new(), 0, None);
    loop {
        let step = IdWalk { after, at_most, limit };
        let page = store.analytics().walk_ids(&TenantId::default(), selection, step).await;
        let mut page = page.expect("the ids can be read");
        assert!(page.matching <= u64::from(limit) && page.ids.len() as u64 <= page.matching);
        page.ids.sort_unstable();
        ids.extend(page.ids);
        assert!(ids.is_sorted_by(|a, b| a < b), "the walk goes back");
        matching += page.matching;
        let Some(end) = page.end else { return (ids, matching) };
        assert!(after.is_none_or(|after| after < end), "the walk makes no progress");
        after = Some(end);
    }
}

/// The ids of the samples for which `is_selected` holds.
fn ids(samples: &[Prediction], is_selected: impl Fn(&Prediction) -> bool) -> Vec<PredictionId> {
    samples.iter().filter(|sample| is_selected(sample)).map(Prediction::id).collect()
}

fn is_negative(sample: &Prediction) -> bool {
    sample.result().sentiment() == Some(Sentiment::Negative)
}

/// Steps of any length, and a selection by any of its conditions, examine each matching row once.
pub async fn a_walk_over_ids_counts_each_matching_row_once(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let mut stored = samples.many(60);
    stored.extend((0..9).map(|_| samples.one_with(|new| new.model = ModelRef::new("another", "r1"))));
    insert(store, &stored).await;
    let all = ids(&stored, is_negative);
    for limit in [1, 2, 7, all.len() as u32, 1_000] {
        assert_eq!(walk(store, &negative(), u32::MAX, limit).await, (all.clone(), all.len() as u64));
    }

    let another = ids(&stored, |sample| is_negative(sample) && sample.model().name() == "another");
    let of_model = TextSelection { model: Some("another".to_owned()), ..negative() };
    for limit in [1, 4, 1_000] {
        assert_eq!(walk(store, &of_model, u32::MAX, limit).await, (another.clone(), another.len() as u64));
    }

    // The whole milliseconds decide: those of the tenth sample are in, those of the twentieth are out.
    let (from, to) = (stored[10].created_at(), stored[20].created_at());
    let millis = |at: Timestamp| at.as_micros().div_euclid(1_000);
    let in_range = ids(&stored, |sample| {
        is_negative(sample) && (millis(from)..millis(to)).contains(&millis(sample.created_at()))
    });
    let of_range = TextSelection { from, to, ..negative() };
    assert_eq!(walk(store, &of_range, u32::MAX, 3).await, (in_range.clone(), in_range.len() as u64));
    let reverse = TextSelection { from: to, to: from, ..negative() };
    assert_eq!(walk(store, &reverse, u32::MAX, 3).await, (Vec::new(), 0));
    let mixed = TextSelection { sentiment: Sentiment::Mixed, ..negative() };
    assert_eq!(walk(store, &mixed, u32::MAX, 3).await, (Vec::new(), 0));

    try_delete(store, &all[..2]).await.expect("the rows are deleted");
    assert_eq!(walk(store, &negative(), u32::MAX, 5).await, (all[2..].to_vec(), all.len() as u64 - 2));
}

/// A step ends after its limit of rows, although none of them matches.
pub async fn a_step_examines_at_most_its_limit(store: &impl StoreHarness) {
    let stored = Samples::new().many(60);
    insert(store, &stored).await;
    let of_no_model = TextSelection { model: Some("unknown".to_owned()), ..negative() };
    let all = ids(&stored, is_negative);
    let mut after = None;
    for end in &all[..15] {
        let step = IdWalk { after, at_most: u32::MAX, limit: 1 };
        let page = store.analytics().walk_ids(&TenantId::default(), &of_no_model, step).await;
        let page = page.expect("the ids can be read");
        assert_eq!((page.ids, page.matching, page.end), (Vec::new(), 0, Some(*end)));
        after = page.end;
    }
}

/// The last bits are compared as unsigned numbers; ids above the bound are counted all the same.
pub async fn ids_are_sampled_by_their_last_bits(store: &impl StoreHarness) {
    let bits = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, u32::MAX];
    let mut samples = Samples::new();
    let mut with_bits = |bits: u32| {
        samples.one_with(|new| {
            new.id = PredictionId::from_u128(new.id.as_u128() >> 32 << 32 | u128::from(bits));
            new.result = crate::samples::classified(Sentiment::Negative, 0.9);
        })
    };
    let stored: Vec<_> = bits.into_iter().map(&mut with_bits).collect();
    insert(store, &stored).await;
    for at_most in bits {
        let expected = ids(&stored, |sample| sample.id().random_bits() <= at_most);
        assert_eq!(
            walk(store, &negative(), at_most, 3).await,
            (expected, stored.len() as u64),
            "{at_most:x}"
        );
    }
}

/// Texts are those that were stored; ids that the tenant does not have are left out.
pub async fn texts_come_back_by_their_ids(store: &impl StoreHarness) {
    let stored = Samples::new().many(5);
    insert(store, &stored).await;
    try_delete(store, &[stored[3].id()]).await.expect("the row is deleted");
    let mut ids: Vec<_> = stored.iter().map(Prediction::id).collect();
    ids.push(PredictionId::from_u128(7));
    let texts = store.analytics().texts(&TenantId::default(), &ids).await.expect("the texts can be read");
    let expected: BTreeSet<_> = [0, 1, 2, 4]
        .map(|place: usize| (stored[place].id(), Some(stored[place].text().as_str().to_owned())))
        .into();
    assert_eq!(texts.len(), 4);
    assert_eq!(texts.into_iter().collect::<BTreeSet<_>>(), expected);
    let none = store.analytics().texts(&TenantId::default(), &[]).await;
    assert_eq!(none.expect("the texts can be read"), []);
}
