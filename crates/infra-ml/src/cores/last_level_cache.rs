use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// The last-level cache of a usual server: what is assumed where the size is unknown.
const ASSUMED_BYTES: usize = 32 << 20;

/// The bytes of the last-level cache that a core has access to, shared with others.
pub(crate) fn last_level_cache_bytes() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| read(Path::new("/sys/devices/system/cpu/cpu0/cache")).unwrap_or(ASSUMED_BYTES))
}

/// The size of the cache of the highest level in `folder`, which has a folder for each cache of a core as
/// `/sys/devices/system/cpu/cpu0/cache` has; `None` where none can be read.
fn read(folder: &Path) -> Option<usize> {
    let caches = fs::read_dir(folder).ok()?.filter_map(Result::ok).filter_map(|cache| {
        let read = |name: &str| fs::read_to_string(cache.path().join(name)).ok();
        let level: u32 = read("level")?.trim().parse().ok()?;
        let kibibytes: usize = read("size")?.trim().strip_suffix('K')?.parse().ok()?;
        Some((level, kibibytes.checked_mul(1024)?))
    });
    caches.max().map(|(_, bytes)| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_of_the_highest_level_counts() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), None);
        for (name, level, size) in [
            ("index0", "1\n", "48K\n"),
            ("index2", "2\n", "2048K\n"),
            ("index3", "3\n", "32768K\n"),
            ("index4", "4\n", "large\n"),
        ] {
            let cache = folder.path().join(name);
            fs::create_dir(&cache).unwrap();
            fs::write(cache.join("level"), level).unwrap();
            fs::write(cache.join("size"), size).unwrap();
        }
        fs::write(folder.path().join("uevent"), "").unwrap();
        assert_eq!(read(folder.path()), Some(32 << 20));
    }
}
