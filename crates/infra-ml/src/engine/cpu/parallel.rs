/// Calls `work` for each of `parts`: in sequence where `cores` is 1, else on the threads of the current rayon pool.
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
