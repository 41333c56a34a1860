//! Base62: numbers as digits and letters, in the order of ASCII.

/// The digits by their value.
pub(crate) const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Appends `number`, big-endian, to `text` in exactly `width` digits, which must be enough for it.
pub(crate) fn push(text: &mut String, mut number: impl AsMut<[u8]>, width: usize) {
    let number = number.as_mut();
    let digits: Vec<char> = (0..width).map(|_| char::from(DIGITS[usize::from(divide(number))])).collect();
    text.extend(digits.iter().rev());
}

/// Divides `number`, big-endian, by 62 and returns the remainder.
fn divide(number: &mut [u8]) -> u8 {
    let mut remainder = 0;
    for byte in number {
        let value = u32::from(remainder) << 8 | u32::from(*byte);
        *byte = (value / 62) as u8;
        remainder = (value % 62) as u8;
    }
    remainder
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(number: &[u8], width: usize) -> String {
        let mut text = String::new();
        push(&mut text, number.to_vec(), width);
        text
    }

    #[test]
    fn numbers_have_the_given_width() {
        assert_eq!(encoded(&[0; 32], 43), "0".repeat(43));
        assert_eq!(encoded(&61_u32.to_be_bytes(), 6), "00000z");
        assert_eq!(encoded(&62_u32.to_be_bytes(), 6), "000010");
        // 62^6 is more than 2^32, and 62^43 more than 2^256.
        assert_eq!(encoded(&u32::MAX.to_be_bytes(), 6), "4gfFC3");
        assert_ne!(encoded(&[255; 32], 43), encoded(&[255; 32], 44)[..43]);
    }

    proptest! {
        #[test]
        fn the_digits_are_those_of_the_number(number: u128) {
            let text = encoded(&number.to_be_bytes(), 22);
            let value = |digit: u8| DIGITS.iter().position(|known| *known == digit).unwrap_or(62) as u128;
            prop_assert_eq!(text.bytes().fold(0, |number, digit| number * 62 + value(digit)), number);
        }
    }
}
