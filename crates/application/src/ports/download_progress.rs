/// Reports the progress of downloads. Implementations must return at once.
pub trait DownloadProgress: Send + Sync {
    /// Reports that `done` of the `total` bytes of `file` of the repository `repo` are on the disk. The first report
    /// of a file may count bytes of an earlier download; the last one has `done == total`.
    fn report(&self, repo: &str, file: &str, done: u64, total: u64);
}
