//! Zip archives that are damaged or ambiguous.

use super::*;
use crate::testing::torch_file::{ZipEntry, entries, zip};

pub(super) fn files() -> Vec<Hostile> {
    [damaged(), with_other_entries(), with_other_names()].into_iter().flatten().collect()
}

/// The entries of a file with one tensor: the pickle, the byte order, the version and a storage.
fn whole() -> Vec<ZipEntry> {
    let pickle = Pickle::new().raw("}").text("weight").tensor(four_numbers(Form::Zip), 0, &[4], &[1]);
    entries(pickle.raw("s").stop(), &[("0", &[7; 16])])
}

fn changed(change: impl FnOnce(&mut Vec<ZipEntry>)) -> Vec<u8> {
    let mut entries = whole();
    change(&mut entries);
    zip(&entries)
}

fn damaged() -> Vec<Hostile> {
    let file = zip(&whole());
    let patched = |from_end: usize, bytes: &[u8]| {
        let mut file = file.clone();
        let place = file.len() - from_end;
        file[place..place + bytes.len()].copy_from_slice(bytes);
        file
    };
    let mut files = vec![
        hostile("an empty file", Vec::new(), "torch.save did not write it"),
        hostile(
            "a pointer of Git LFS",
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            "did not write it",
        ),
        hostile("a large number of entries", patched(14, &[0xff; 4]), "another length"),
        hostile("a large directory", patched(10, &[0xff; 4]), "directory is too large"),
        hostile("a directory elsewhere", patched(6, &[0xff; 4]), "not where it says"),
        hostile("a comment", [&file[..], b"comment"].concat(), "its end is missing"),
        hostile("an end of zip64 elsewhere", zip64_elsewhere(&file), "not where it says"),
    ];
    for length in [1, 4, 30, 100, file.len() / 2, file.len() - 1] {
        files.push(hostile(
            format!("an archive cut to {length} bytes"),
            file[..length].to_vec(),
            "fetch it again",
        ));
    }
    files
}

/// The archive with an end of zip64 that is said to be at its start.
fn zip64_elsewhere(file: &[u8]) -> Vec<u8> {
    let (start, end) = file.split_at(file.len() - 22);
    [start, b"PK\x06\x07", &[0; 4], &7_u64.to_le_bytes(), &[1, 0, 0, 0], end].concat()
}

fn with_other_entries() -> Vec<Hostile> {
    let with = |what: &str, change: &dyn Fn(&mut Vec<ZipEntry>), words| hostile(what, changed(change), words);
    let big = || ZipEntry::new("archive/byteorder", "big");
    let script = || ZipEntry::new("archive/constants.pkl", ".");
    vec![
        with(
            "a storage that overlaps the directory",
            &|all| all[3].content.truncate(10),
            "overlaps what follows",
        ),
        with("a pickle that overlaps a storage", &|all| all[0].size += 9, "overlaps what follows"),
        with("compression", &|all| all[0].method = 8, "data.pkl is compressed"),
        with("a compressed storage", &|all| all[3].method = 8, "data/0 is compressed"),
        with("encryption", &|all| all[3].flags = 1, "not valid"),
        with("a wrong size", &|all| all[3].size = 12, "another length"),
        with("a wrong checksum of the pickle", &|all| all[0].crc ^= 1, "another checksum"),
        with("a wrong checksum of a storage", &|all| all[3].crc ^= 1, "another checksum"),
        with("an entry twice", &|all| all.push(all[3].clone()), "is there twice"),
        with("a missing storage", &|all| drop(all.remove(3)), "not in the archive"),
        with("a missing pickle", &|all| drop(all.remove(0)), "did not write it"),
        with("big-endian numbers", &|all| all[1] = big(), "little-endian"),
        with("TorchScript", &|all| all.push(script()), "TorchScript"),
    ]
}

fn with_other_names() -> Vec<Hostile> {
    let names =
        ["archive/../../etc/cron.d/x", "/etc/passwd", "archive/data//1", "other/data/1", "archive/./data/1"];
    let with = |name: &str| {
        let file = changed(|entries| entries.push(ZipEntry::new(name, "x")));
        hostile(format!("the name {name}"), file, "not in the folder")
    };
    names.map(with).into()
}
