//! Damaged files in the older form.

use super::*;
use crate::testing::torch_file::{legacy, legacy_start};

pub(super) fn files() -> Vec<Hostile> {
    let form = Form::Legacy;
    let pickle =
        Pickle::new().raw("}").text("weight").tensor(four_numbers(form), 0, &[4], &[1]).raw("s").stop();
    let storage = ("0", 4, &[7_u8; 16][..]);
    let whole = legacy(&pickle, &[storage]);
    let start = legacy_start();
    let mut other_magic = whole.clone();
    other_magic[5] ^= 1;
    let replaced = |from: &[u8], to: &[u8]| {
        let place = start.windows(from.len()).position(|window| window == from).unwrap();
        let mut file = whole.clone();
        file[place..place + to.len()].copy_from_slice(to);
        file
    };
    let mut tar = vec![0; 1024];
    tar[..8].copy_from_slice(b"sys_info");
    tar[257..262].copy_from_slice(b"ustar");
    let mut files = vec![
        hostile("another magic number", other_magic, "did not write it"),
        hostile(
            "another version",
            replaced(&1001_i64.to_le_bytes(), &1002_i64.to_le_bytes()),
            "unknown version",
        ),
        hostile("a big-endian machine", replaced(&[0x88, b'u'], &[0x89, b'u']), "little-endian"),
        hostile("another number of elements", legacy(&pickle, &[("0", 3, storage.2)]), "another length"),
        hostile(
            "a huge number of elements",
            legacy(&pickle, &[("0", u64::MAX, storage.2)]),
            "another length",
        ),
        hostile("a short storage", legacy(&pickle, &[("0", 4, &[7; 15])]), "is not whole"),
        hostile("no storages", legacy(&pickle, &[]), "number of storages"),
        hostile("a storage of another key", legacy(&pickle, &[("1", 4, storage.2)]), "belongs to no tensor"),
        hostile("a storage too many", legacy(&pickle, &[storage, storage]), "number of storages"),
        hostile("a tar archive", tar, "tar archive"),
    ];
    for length in [2, 14, start.len(), start.len() + 40, whole.len() - 1] {
        files.push(hostile(
            format!("the older form cut to {length} bytes"),
            whole[..length].to_vec(),
            "fetch it again",
        ));
    }
    files
}
