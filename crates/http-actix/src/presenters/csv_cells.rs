//! Cells of CSV that a spreadsheet does not execute.

use std::borrow::Cow;

/// The characters with which a formula begins, and their full-width twins, which some spreadsheets take for them.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
/// Characters that are dangerous at the beginning of a cell, whatever follows: a spreadsheet may split the cell there.
const SPLITTING: [char; 3] = ['\t', '\r', '\n'];

/// Returns the cell with an apostrophe before it, if a spreadsheet would execute it as a formula (OWASP, CSV
/// Injection). A reader gets every cell back by removing an apostrophe wherever the rest would need one.
pub(super) fn neutralize(cell: &str) -> Cow<'_, str> {
    if is_executed(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

fn is_executed(cell: &str) -> bool {
    // Most cells begin with a letter, a digit or a brace.
    if cell.as_bytes().first().is_none_or(|byte| byte.is_ascii_alphanumeric() || *byte == b'{') {
        return false;
    }
    cell.starts_with(SPLITTING) || cell.trim_start_matches(is_skipped).starts_with(FORMULA)
}

/// Whether a spreadsheet, or a program that cleans its input, may skip the character at the beginning of a cell.
fn is_skipped(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\'' | '＂' | '＇' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_get_an_apostrophe() {
        for formula in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "\tplain",
            "\rplain",
            "\nplain",
            "＝1+1",
            "＋1",
            "－1",
            "＠SUM(A1)",
            " =1",
            "\u{a0}=1",
            "\u{3000}＝1",
            "\"=1",
            "'=1",
            " \" ' @x",
            "\u{feff}=1",
            "\u{200b}+1",
            "\u{1}=1",
            "=",
        ] {
            assert_eq!(neutralize(formula), format!("'{formula}"), "{formula:?}");
        }
    }

    #[test]
    fn other_cells_are_left_alone() {
        for plain in [
            "",
            "a",
            "a=1",
            "1-2",
            "5 + 5",
            "{\"a\":\"=1\"}",
            "é",
            "😀 =1",
            "(=1)",
            " text",
            "\"quoted\"",
            "'s",
        ] {
            assert_eq!(neutralize(plain), plain, "{plain:?}");
        }
    }
}
