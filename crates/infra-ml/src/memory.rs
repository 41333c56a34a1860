//! The memory of models that are gone: glibc's allocator keeps it for later, and is asked not to.
//!
//! A model is hundreds of blocks of up to tens of megabytes, and as many small ones. Once the allocator has seen a large
//! block freed, it takes blocks up to that size out of heaps of its own, and gives back the end of a heap alone, and
//! only where that is twice as large. So a process that has loaded and unloaded a few models stays as large as it was
//! with all of them. Other allocators need no asking.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator is spoken to in C")]
mod glibc {
    use std::sync::Once;

    use libc::c_int;

    /// Blocks from this size on are mapped by themselves, and unmapped when they are freed.
    const MAPPED_FROM_BYTES: c_int = 256 * 1024;
    /// The end of a heap is given back when so much of it is free.
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

/// Has the allocator of this process use fixed thresholds, in the place of those that grow with what was freed. To be
/// called before a model is loaded.
pub(crate) fn prepare() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::prepare();
}

/// Gives every page that holds nothing back to the operating system, which takes some milliseconds. To be called after
/// much was freed.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::give_back();
}
