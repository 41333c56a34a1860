use std::num::NonZeroU64;

use application::ports::{IdempotencyClaim, StoredAnswer, UnitOfWork};
use store_contract::samples::{Samples, entry, idempotency_key, tenant};

use super::*;

/// The number of rows that the script of predictions returns, changed by `record`; none where there is no script.
fn checks(predictions: usize, record: impl FnOnce(&mut UnitOfWork)) -> Option<usize> {
    let mut work = UnitOfWork::of(&TenantId::default());
    for prediction in Samples::new().many(predictions) {
        work.insert(&prediction);
        work.append(prediction.events());
    }
    record(&mut work);
    let set = PreparedSet::new(&work, usize::MAX);
    let script = script(&[&set], "local")?;
    let sql = script.statements.sql();
    assert_eq!(sql.as_str().ends_with("COMMIT"), script.checks == 0, "{}", sql.as_str());
    Some(script.checks)
}

fn count(quota: u64) -> TextCount {
    TextCount { principal: None, texts: 1, quota: NonZeroU64::new(quota) }
}

#[test]
fn a_few_predictions_with_their_count_and_answer_are_one_script() {
    let answer = StoredAnswer { items: Vec::new() };
    let claim = IdempotencyClaim { key: idempotency_key("key"), fence: 1 };
    let complete = |work: &mut UnitOfWork| work.complete(claim.clone(), answer.clone());
    assert_eq!(checks(1, |_| ()), Some(0));
    assert_eq!(checks(1, |work| work.count_texts(count(0))), Some(0));
    assert_eq!(checks(EXACT_ROWS, |work| work.count_texts(count(0))), Some(0));
    assert_eq!(checks(1, |work| work.count_texts(count(9))), Some(1));
    assert_eq!(checks(1, complete), Some(1));
    let both = |work: &mut UnitOfWork| {
        work.count_texts(count(9));
        complete(work);
    };
    assert_eq!(checks(1, both), Some(2));
}

#[test]
fn other_writes_are_no_script() {
    assert_eq!(checks(0, |work| work.count_texts(count(0))), None);
    assert_eq!(checks(EXACT_ROWS + 1, |_| ()), None);
    assert_eq!(checks(1, |work| work.delete(Samples::new().one().id())), None);
    assert_eq!(checks(1, |work| work.audit(entry(None, "a change"))), None);
}

#[test]
fn any_number_of_counts_is_the_same_statement() {
    let text = |tenants: usize| {
        let sets = (0..tenants).map(|number| {
            let mut work = UnitOfWork::of(&tenant(&format!("tenant-{number}")));
            if number == 0 {
                let prediction = Samples::new().one();
                work.insert(&prediction);
                work.append(prediction.events());
            }
            work.count_texts(count(9));
            PreparedSet::new(&work, usize::MAX)
        });
        let sets: Vec<_> = sets.collect();
        script(&sets.iter().collect::<Vec<_>>(), "local")
            .map(|script| script.statements.sql().as_str().to_owned())
    };
    let one = text(1);
    assert!(one.is_some());
    assert_eq!([2, 3, 40].map(text), [one.clone(), one.clone(), one]);
}
