//! Numbers for people.

/// Returns `number` with its digits in groups of three: `12,284`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_in_groups_of_three() {
        assert_eq!(
            [0, 999, 1_000, 12_284, 1_000_000].map(grouped),
            ["0", "999", "1,000", "12,284", "1,000,000"]
        );
    }
}
