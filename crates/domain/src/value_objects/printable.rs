use crate::errors::Rule;

/// Returns the rule that `text` breaks as a short printable text of 1 to `max_chars` characters.
pub(super) fn broken_rule(text: &str, max_chars: usize) -> Option<Rule> {
    let chars = text.chars().count();
    if text.chars().all(char::is_whitespace) {
        Some(Rule::Blank)
    } else if text.contains('\0') {
        Some(Rule::ContainsNul)
    } else if !text.chars().all(is_printable) {
        Some(Rule::NotPrintable)
    } else if chars > max_chars {
        Some(Rule::TooLong { max: max_chars, actual: chars })
    } else {
        None
    }
}

/// Returns whether a character is printable: the space, or anything but control characters, white space and the
/// byte-order mark.
fn is_printable(c: char) -> bool {
    c == ' ' || !(c.is_control() || c.is_whitespace() || c == '\u{feff}')
}
