//! Files with some bytes changed, cut or repeated: they are read or refused, and what is read can be read to its end.

use std::fs;

use proptest::prelude::*;

use super::fixtures::{FILES, path};
use super::*;

/// A change of a file: at a place, to a byte.
#[derive(Debug, Clone)]
enum Change {
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        8 => (place(), any::<u8>()).prop_map(|(place, byte)| Change::Set(place, byte)),
        2 => (place(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(place, bytes)| Change::Insert(place, bytes)),
        2 => (place(), 1..9_usize).prop_map(|(place, count)| Change::Remove(place, count)),
        1 => place().prop_map(Change::Cut),
    ]
}

fn apply(file: &mut Vec<u8>, change: Change) {
    if file.is_empty() {
        return;
    }
    match change {
        Change::Set(place, byte) => *place.get_mut(file) = byte,
        Change::Insert(place, bytes) => {
            let place = place.index(file.len());
            drop(file.splice(place..place, bytes));
        }
        Change::Remove(place, count) => {
            let place = place.index(file.len());
            drop(file.drain(place..(place + count).min(file.len())));
        }
        Change::Cut(place) => file.truncate(place.index(file.len())),
    }
}

/// Reads `bytes`, and each of its tensors where they are a file.
fn read_whole(bytes: &[u8]) {
    for tensor in read_bytes(bytes).into_iter().flatten().map(|(_, tensor)| tensor) {
        assert!(tensor.elements() * (tensor.dtype.bitsize() / 8) <= bytes.len(), "{tensor:?}");
        let mut out = vec![0; tensor.elements() * (tensor.dtype.bitsize() / 8)];
        tensor.read(&bytes, &mut out).unwrap();
        tensor.is_finite(&bytes).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file_is_read_or_refused(
        file in prop::sample::select(&FILES[..]),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let mut bytes = fs::read(path(file)).unwrap();
        for change in changes {
            apply(&mut bytes, change);
        }
        read_whole(&bytes);
    }

    #[test]
    fn a_changed_pickle_is_read_or_refused(
        legacy in any::<bool>(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let form = if legacy { Form::Legacy } else { Form::Zip };
        let pickle = Pickle::new().raw("}q\x01(").text("a").tensor(four_numbers(form), 0, &[2, 2], &[1, 2]);
        let mut pickle = pickle.text("b").tensor(four_numbers(form), 1, &[3], &[1]).raw("u").stop();
        for change in changes {
            apply(&mut pickle, change);
        }
        read_whole(&file(form, pickle));
    }
}
