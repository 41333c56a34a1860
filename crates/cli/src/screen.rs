use console::{Style, Term, measure_text_width};
use domain::value_objects::Timestamp;
use jiff::tz::TimeZone;

use crate::printable::{cut, width};

/// What lines are shown on: how wide it is, and whether in color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// The columns; none where lines may have any length, as in a file.
    pub width: Option<usize>,
    /// Whether escape sequences for colors are understood and wanted.
    pub in_color: bool,
}

impl Screen {
    /// Standard output as it is now: its width may change, and `NO_COLOR`, `CLICOLOR` and `TERM=dumb` turn colors off.
    pub fn of_standard_output() -> Self {
        Self { width: columns(&Term::stdout()), in_color: console::colors_enabled() }
    }

    /// Standard error as it is now.
    pub fn of_standard_error() -> Self {
        Self { width: columns(&Term::stderr()), in_color: console::colors_enabled_stderr() }
    }

    /// `text` in `style`, or as it is.
    pub(crate) fn paint(self, style: &Style, text: &str) -> String {
        style.clone().force_styling(self.in_color).apply_to(text).to_string()
    }
}

fn columns(terminal: &Term) -> Option<usize> {
    terminal.size_checked().map(|(_rows, columns)| usize::from(columns))
}

/// The local time of day of a line, `HH:MM:SS`.
pub fn time_of_day(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    at.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// A moment to the second, in UTC.
pub fn moment(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `text` as [`cut`] makes it printable, in exactly `columns` columns: cut with an ellipsis, or padded.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    let padding = columns.saturating_sub(width(&cut));
    format!("{cut}{}", " ".repeat(padding))
}

/// The words of `text` in lines of at most `width` columns; a longer word has a line of its own.
pub(crate) fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if measure_text_width(line) + 1 + measure_text_width(word) <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_their_columns() {
        assert_eq!(fit("abc", 5), "abc  ");
        assert_eq!(fit("abcdef", 5), "abcd…");
        assert_eq!(fit("日本語日本", 5), "日本…");
        assert_eq!(wrap("a long text of words", Some(9)), ["a long", "text of", "words"]);
    }
}
