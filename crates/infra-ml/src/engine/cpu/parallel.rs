/// Does `work` to each of `parts`: on the caller's thread, or, where there is more than one of the `cores`, on the threads
/// of the pool that the caller is in.
pub(super) fn for_each<T: Send>(cores: usize, parts: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
    if cores <= 1 {
        parts.for_each(work);
    } else {
        let work = &work;
        rayon::in_place_scope(|scope| {
            for part in parts {
                scope.spawn(move |_| work(part));
            }
        });
    }
}
