//! Lines of the audit as they are read.

use domain::value_objects::{AuditEntry, TenantId, Timestamp};

use crate::StoreHarness;
use crate::samples::{entry, tenant};
use crate::steps::{ALL, append_lines, audit_of};

/// Every field comes back as it was stored, whatever it contains, and without those that are optional.
pub async fn a_line_comes_back_as_it_was_written(store: &impl StoreHarness) {
    let default = TenantId::default();
    let texts =
        ["", " ", "a\nb\t'\"\\", "\u{1F600} \u{e9} \u{200d}", "null", "\u{7f}", &"long ".repeat(2_000)];
    let mut entries = vec![
        AuditEntry { tenant: None, ..entry(None, "a model") },
        AuditEntry { at: Timestamp::from_micros(-1), ..entry(Some(&default), "long ago") },
    ];
    for text in texts {
        let some = || Some(text.to_owned());
        let entry = entry(Some(&default), text);
        let (key_id, address, request_id, detail) = (some(), some(), some(), some());
        entries.push(AuditEntry { actor: text.to_owned(), key_id, address, ..entry.clone() });
        entries.push(AuditEntry { action: text.to_owned(), request_id, detail, ..entry });
    }
    for entry in entries {
        append_lines(store, std::slice::from_ref(&entry)).await;
        let all = store.audit().list(None, None, 1).await.expect("the line can be read");
        assert_eq!(all.iter().map(|line| &line.entry).collect::<Vec<_>>(), [&entry]);
        if entry.tenant.is_some() {
            let own = store.audit().list(Some(&default), None, 1).await.expect("the line can be read");
            assert_eq!(own, all);
        }
        let last = store.audit().walk(all[0].seq - 1, ALL).await.expect("the line can be read");
        assert_eq!(last, all);
    }
}

/// A tenant's list has its own lines only, on every page; lines about the whole service are in none.
pub async fn tenants_do_not_see_each_others_lines(store: &impl StoreHarness) {
    let (ann, bob) = (tenant("ann"), tenant("bob"));
    let (mut anns, mut bobs) = (Vec::new(), Vec::new());
    for number in 0..9 {
        let target = format!("number {number}");
        match number % 3 {
            0 => append_lines(store, &[entry(None, &target)]).await,
            1 => {
                let lines = [entry(Some(&ann), &target), entry(Some(&bob), &target), entry(Some(&ann), "2")];
                append_lines(store, &lines).await;
                anns.extend([lines[0].clone(), lines[2].clone()]);
                bobs.push(lines[1].clone());
            }
            _ => {
                let line = entry(Some(&bob), &target);
                append_lines(store, std::slice::from_ref(&line)).await;
                bobs.push(line);
            }
        }
    }
    anns.reverse();
    bobs.reverse();
    assert_eq!(audit_of(store, &TenantId::default()).await, []);
    for (id, expected) in [(&ann, &anns), (&bob, &bobs)] {
        assert_eq!(audit_of(store, id).await, *expected);
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let page = store.audit().list(Some(id), before, 2).await.expect("the lines can be read");
            let Some(last) = page.last() else { break };
            before = Some(last.seq);
            paged.extend(page.into_iter().map(|line| line.entry));
        }
        assert_eq!(paged, *expected);
    }
}
