//! The numbers and the seals of the audit.

use application::ports::UnitOfWork;
use domain::value_objects::{AuditLine, TenantId, Timestamp};

use crate::StoreHarness;
use crate::chain::check_chain;
use crate::samples::{FIRST, Samples, entry, key, key_id, tenant};
use crate::steps::{ALL, append_lines, assert_not_found, change, insert, issue, spawn_commit};

async fn walk(store: &impl StoreHarness) -> Vec<AuditLine> {
    let lines = store.audit().walk(0, ALL).await.expect("the lines can be read");
    let last = lines.last().map_or(0, |line| line.seq);
    assert_eq!(store.audit().appended().await.expect("the head can be read"), last);
    lines
}

fn numbers(lines: &[AuditLine]) -> Vec<i64> {
    lines.iter().map(|line| line.seq).collect()
}

/// The lines of all tenants have one sequence of numbers; those of one unit of work follow each other in their order,
/// and those of a later commit have higher numbers.
pub async fn lines_of_the_audit_are_numbered_without_gaps(store: &impl StoreHarness) {
    assert_eq!(walk(store).await, []);
    let tenants = [None, Some(TenantId::default()), Some(tenant("ann"))];
    let mut samples = Samples::new();
    for round in 0..3 {
        let commits: Vec<_> = (0..24)
            .map(|number| {
                let id = &tenants[number % 3];
                let mut work = UnitOfWork::of(&id.clone().unwrap_or_default());
                for line in 0..=number % 4 {
                    work.audit(entry(id.as_ref(), &format!("{round} {number} {line}")));
                }
                // Lines come after the other writes, wherever they were recorded.
                if number % 2 == 0 {
                    work.insert(&samples.one());
                }
                // Every sixth commit fails, and the others are applied one by one.
                if number % 6 == 5 {
                    work.revoke_key(key_id(99), Timestamp::from_micros(FIRST));
                }
                spawn_commit(store, work)
            })
            .collect();
        for (number, commit) in commits.into_iter().enumerate() {
            let outcome = commit.await.expect("the commit does not panic");
            if number % 6 == 5 {
                assert_not_found(&outcome);
            } else {
                outcome.expect("the unit is committed");
            }
        }
    }
    let lines = walk(store).await;
    assert_eq!(numbers(&lines), (1..).take(lines.len()).collect::<Vec<_>>());
    let targets: Vec<_> = lines.iter().map(|line| line.entry.target.as_str()).collect();
    let mut expected: Vec<Vec<String>> = Vec::new();
    for round in 0..3 {
        for number in (0..24).filter(|number| number % 6 != 5) {
            expected.push((0..=number % 4).map(|line| format!("{round} {number} {line}")).collect());
        }
    }
    assert_eq!(targets.len(), expected.iter().map(Vec::len).sum::<usize>());
    for unit in &expected {
        assert!(
            targets.windows(unit.len()).any(|some| some == unit),
            "the lines {unit:?} do not follow each other"
        );
    }
    assert!(targets.is_sorted_by_key(|target| &target[..1]), "{targets:?}");
}

/// Each line has the seal of its content, its number and the seal before it.
pub async fn lines_are_sealed_in_a_chain(store: &impl StoreHarness) {
    let ann = tenant("ann");
    for number in 0..10 {
        let target = format!("number {number}");
        append_lines(store, &[entry(Some(&ann), &target), entry(None, &target)]).await;
    }
    let lines = walk(store).await;
    assert!(lines.iter().all(|line| line.seal.is_some()));
    assert_eq!(check_chain(&lines), Ok(()));
    let mut changed = lines.clone();
    changed[7].entry.target.push('!');
    assert_eq!(check_chain(&changed), Err(8));
}

/// A unit of work that fails leaves no line, alone or beside others, and no gap.
pub async fn a_change_that_fails_leaves_no_line(store: &impl StoreHarness) {
    let default = TenantId::default();
    let mut samples = Samples::new();
    let (stored, missing) = (samples.one(), samples.one());
    insert(store, std::slice::from_ref(&stored)).await;
    let failed = change(store, &default, |work| {
        work.audit(entry(Some(&default), "before"));
        work.delete(missing.id());
        work.audit(entry(Some(&default), "after"));
    });
    assert_not_found(&failed.await);
    assert_eq!(walk(store).await, []);

    issue(store, &key(&default, 1)).await.expect("the key is issued");
    let commits: Vec<_> = (0..12)
        .map(|number| {
            let mut work = UnitOfWork::of(&default);
            work.audit(entry(Some(&default), &format!("revocation {number}")));
            work.revoke_key(key_id(1), Timestamp::from_micros(FIRST + number));
            spawn_commit(store, work)
        })
        .collect();
    let mut succeeded = Vec::new();
    for (number, commit) in commits.into_iter().enumerate() {
        if commit.await.expect("the commit does not panic").is_ok() {
            succeeded.push(format!("revocation {number}"));
        }
    }
    let lines = walk(store).await;
    assert_eq!(lines.iter().map(|line| line.entry.target.clone()).collect::<Vec<_>>(), succeeded);
    assert_eq!(numbers(&lines), [1]);
}

/// All lines are walked from the oldest and listed from the newest, page by page.
pub async fn lines_are_paged_in_both_directions(store: &impl StoreHarness) {
    let entries: Vec<_> = (0..150).map(|number| entry(None, &number.to_string())).collect();
    append_lines(store, &entries).await;
    let audit = store.audit();
    for limit in [1, 7, 149, 150, 151] {
        let (mut seen, mut after) = (Vec::new(), 0);
        loop {
            let page = audit.walk(after, limit).await.expect("the lines can be read");
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            after = last.seq;
            seen.extend(page);
        }
        assert_eq!(numbers(&seen), (1..=150).collect::<Vec<_>>());
        assert!(seen.iter().zip(&entries).all(|(line, entry)| line.entry == *entry));
        let (mut listed, mut before) = (Vec::new(), None);
        loop {
            let page = audit.list(None, before, limit).await.expect("the lines can be read");
            let Some(last) = page.last() else { break };
            before = Some(last.seq);
            listed.extend(page);
        }
        listed.reverse();
        assert_eq!(listed, seen);
    }
}
