//! Returns the memory of unloaded models to the operating system, which glibc's allocator does not do by itself.
//!
//! A model is hundreds of blocks of up to tens of megabytes, and as many small ones. Once glibc's allocator has seen
//! a large block freed, it takes blocks up to that size out of heaps of its own, and returns only the end of a heap,
//! and only where that is twice as large. So a process that has loaded and unloaded a few models stays as large as
//! with all of them. Other allocators do not need this.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator's functions are in C")]
mod glibc {
    use std::sync::Once;

    use libc::c_int;

    /// Blocks of at least this size have a mapping of their own, which is unmapped when they are freed.
    const MAPPED_FROM_BYTES: c_int = 256 * 1024;
    /// The end of a heap is returned when so much of it is free.
    const TRIMMED_FROM_BYTES: c_int = 1024 * 1024;

    pub(crate) fn prepare() {
        static ONCE: Once = Once::new();
        // SAFETY: both take numbers alone, and may be called by any thread at any time.
        ONCE.call_once(|| unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
            libc::mallopt(libc::M_TRIM_THRESHOLD, TRIMMED_FROM_BYTES);
        });
    }

    pub(crate) fn give_back() {
        // SAFETY: it takes a number alone, may be called by any thread at any time, and touches no page in use.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

/// Fixes the thresholds of this process's allocator, which otherwise grow with what is freed. Must be called before a
/// model is loaded.
pub(crate) fn prepare() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::prepare();
}

/// Returns every free page to the operating system, which takes some milliseconds. Useful after much was freed.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::give_back();
}
