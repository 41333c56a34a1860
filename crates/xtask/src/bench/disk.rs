//! How long the disk takes to make a write durable: a lower bound of the time to store a prediction.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Returns the median time of `fdatasync` after a write of one page to a file in the folder.
pub(crate) fn sync_time(folder: &Path) -> anyhow::Result<Duration> {
    const WRITES: usize = 200;
    let mut file: File = tempfile::tempfile_in(folder)?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        file.write_all(&[7; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times[WRITES / 2])
}
