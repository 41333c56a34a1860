//! Texts of strangers on a terminal: no control sequence of a text reaches it, and no line is longer than it is wide.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Marks that a text was cut.
const ELLIPSIS: &str = "…";
/// The most characters of a grapheme cluster: emoji of families have 11, stacks of accents have no limit.
const MAX_CLUSTER: usize = 16;

/// Returns `text` as one line without effect on a terminal: line breaks and tabs as a space, other control characters
/// as their pictures or �, and nothing for characters without width, such as marks that reverse the direction.
pub(crate) fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for cluster in text.graphemes(true) {
        push_cluster(&mut line, cluster);
    }
    line
}

/// Returns [`printable`] `text`, cut between two grapheme clusters so that it is at most `columns` wide, with an
/// ellipsis where something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let mut line = String::new();
    // The bytes of the line that leave room for the ellipsis.
    let (mut width, mut fitting) = (0, 0);
    for cluster in text.graphemes(true) {
        width += push_cluster(&mut line, cluster);
        if width < columns {
            fitting = line.len();
        }
        if width > columns {
            line.truncate(fitting);
            if columns > 0 {
                line.push_str(ELLIPSIS);
            }
            return line;
        }
    }
    line
}

/// Returns the columns that printable `text` takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Returns JSON whose strings have escapes in place of the characters that JSON allows and that terminals or readers
/// act on: control characters beyond ASCII, and marks of direction.
pub(crate) fn inert_json(json: &str) -> Cow<'_, str> {
    escape(json, |c| format!("\\u{:04x}", u32::from(c)))
}

/// Returns CSV with pictures in place of control characters other than line breaks and tabs, and without marks of
/// direction.
pub(crate) fn inert_csv(csv: &str) -> Cow<'_, str> {
    escape(csv, |c| picture(c).into_iter().collect())
}

/// Appends a grapheme cluster and returns its width.
fn push_cluster(line: &mut String, cluster: &str) -> usize {
    let start = line.len();
    match cluster.chars().next() {
        Some('\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') => {
            // One space for a line break of several characters, or between paragraphs.
            if line.ends_with(' ') {
                return 0;
            }
            line.push(' ');
        }
        Some(c) if c.is_control() => line.extend(picture(c)),
        _ => line.extend(cluster.chars().filter(|c| !is_direction(*c)).take(MAX_CLUSTER)),
    }
    let width = line[start..].width();
    if width == 0 {
        line.truncate(start);
    }
    width
}

/// A visible character in place of a control character; none for a mark of direction.
fn picture(c: char) -> Option<char> {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)),
        '\u{7f}' => Some('␡'),
        _ if is_direction(c) => None,
        _ => Some(char::REPLACEMENT_CHARACTER),
    }
}

/// Whether `c` changes the direction in which what follows is shown.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, shown: impl Fn(char) -> String) -> Cow<'_, str> {
    let acts = |c: char| (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || is_direction(c);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut inert = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) { inert.push_str(&shown(c)) } else { inert.push(c) }
    }
    Cow::Owned(inert)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clears the screen, sets the title, reverses the direction, beeps, and has a one-character CSI and a joiner.
    const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;pwned\u{7}b\u{202e}evil\u{202c}\u{9b}31m\u{7f}\r\n\tc\u{200b}d";

    #[test]
    fn no_control_character_and_no_mark_of_direction_of_a_text_is_printed() {
        let line = printable(HOSTILE);
        assert_eq!(line, "a␛[2J␛]0;pwned␇bevil�31m␡ cd");
        for code in 0..=0x2100_u32 {
            let Some(c) = char::from_u32(code) else { continue };
            let line = printable(&format!("x{c}y"));
            assert!(!line.contains(|c: char| c.is_control() || is_direction(c)), "{code:x}");
        }
    }

    #[test]
    fn a_cut_text_ends_before_a_whole_grapheme_cluster() {
        for (text, columns, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("日本語", 1, "…"),
            ("日本語", 0, ""),
            ("a👨‍👩‍👧‍👦b", 4, "a👨‍👩‍👧‍👦b"),
            ("a👨‍👩‍👧‍👦bc", 4, "a👨‍👩‍👧‍👦…"),
            ("a👨‍👩‍👧‍👦bc", 3, "a…"),
            ("👍🏽👍🏽", 3, "👍🏽…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("🇩🇪🇫🇷", 3, "🇩🇪…"),
            ("", 3, ""),
        ] {
            let cut = cut(text, columns);
            assert_eq!(cut, expected, "{text} at {columns}");
            assert!(width(&cut) <= columns, "{text} at {columns}: {cut}");
        }
    }

    #[test]
    fn stacks_of_accents_and_characters_without_width_are_bounded() {
        let stack = format!("a{}b", "\u{301}".repeat(1_000));
        assert_eq!(printable(&stack).chars().count(), MAX_CLUSTER + 1);
        assert_eq!(cut(&"\u{200b}".repeat(1_000), 10), "");
    }

    #[test]
    fn machine_formats_on_a_terminal_have_the_same_values_and_no_effect() {
        let json = serde_json::to_string(HOSTILE).expect("JSON");
        let inert = inert_json(&json);
        assert!(!inert.contains(|c: char| c.is_control() || is_direction(c)), "{inert}");
        assert_eq!(serde_json::from_str::<String>(&inert).expect("JSON"), HOSTILE);
        assert_eq!(inert_csv("a,\u{1b}[2J\u{202e}b\n"), "a,␛[2Jb\n");
        assert!(matches!(inert_json("\"é\"\n"), Cow::Borrowed(_)));
    }
}
