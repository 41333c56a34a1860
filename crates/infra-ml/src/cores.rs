//! The number of cores that this process may use, and the size of their cache. Engines and the libraries below them
//! take both from here.

mod cgroup;
mod last_level_cache;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

pub(crate) use last_level_cache::last_level_cache_bytes;

/// The number of cores that this process may use: those of its affinity mask, and no more than the quotas of its
/// control groups grant, rounded down to whole cores. At least one.
///
/// A fraction of a core is left to the threads that do not compute: with a thread for it, all threads of the process
/// would be stopped for the rest of each period once the quota is spent.
pub(crate) fn available() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| {
        let in_affinity = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let granted = if cfg!(target_os = "linux") { cgroup::quota(Path::new("/")) } else { None };
        granted.map_or(in_affinity, |granted| granted.cores().min(in_affinity))
    })
}

/// The most memory in bytes that the control groups of this process grant; none where they set no limit.
pub(crate) fn memory_limit() -> Option<u64> {
    if cfg!(target_os = "linux") { cgroup::memory_limit(Path::new("/")) } else { None }
}

/// Limits the threads that rayon's global pool and Candle's operations start to the cores that this process may use.
/// By themselves they take all cores of the machine, whatever its control group grants. `RAYON_NUM_THREADS` and
/// `CANDLE_NUM_THREADS`, where they are set, stay as they are.
///
/// Must be called first in `main`: it does nothing once the process has a second thread, and nothing on another system
/// than Linux.
#[expect(clippy::disallowed_methods, reason = "it is rayon's setting, which an operator may have set")]
pub fn limit_threads() {
    let variable = "RAYON_NUM_THREADS";
    if cfg!(target_os = "linux") && std::env::var_os(variable).is_none() && is_single_threaded() {
        #[expect(unsafe_code, reason = "other threads could read the environment meanwhile; there are none")]
        // SAFETY: this is the only thread, so nothing reads or writes the environment at the same time.
        unsafe {
            // Candle takes the number from this variable where it has none of its own.
            std::env::set_var(variable, available().to_string());
        }
    }
}

/// Whether the process has this thread only; `false` where that is unknown.
fn is_single_threaded() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}
