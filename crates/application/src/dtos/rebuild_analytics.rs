/// What of the rollups is still to be counted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildProgress {
    /// The ranges.
    pub ranges: u64,
    /// Their buckets.
    pub buckets: u64,
}
