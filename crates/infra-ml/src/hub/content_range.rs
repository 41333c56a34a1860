/// Whether a `Content-Range` announces the bytes of a file of `size` bytes from `from` on (RFC 9110, section 14.4).
pub(super) fn begins_at(content_range: &str, from: u64, size: u64) -> bool {
    let parts = || {
        let (range, total) = content_range.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.trim().split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total))
    };
    parts().is_some_and(|(first, last, total)| {
        first == from && last < size && (total == "*" || total.parse() == Ok(size))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_must_begin_where_it_was_requested_and_be_of_the_same_file() {
        for right in ["bytes 5-9/10", "bytes 5-9/*", "bytes 5-7/10"] {
            assert!(begins_at(right, 5, 10), "{right}");
        }
        for wrong in
            ["", "bytes */10", "bytes 0-9/10", "bytes 6-9/10", "bytes 5-9/11", "bytes 5-10/*", "5-9/10"]
        {
            assert!(!begins_at(wrong, 5, 10), "{wrong}");
        }
    }
}
