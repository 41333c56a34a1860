use console::{Style, measure_text_width};

use crate::printable::printable;
use crate::screen::{Screen, wrap};

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineLevel {
    /// Something failed.
    Error,
    /// Something may fail soon, or works only in part.
    Warning,
    /// Something happened.
    Info,
    /// For those who look for a fault.
    Detail,
}

/// A line of the log other than that of a request, for a person.
#[derive(Debug, Clone, Copy)]
pub struct EventLine<'a> {
    /// The time of day.
    pub time: &'a str,
    /// How much it matters.
    pub level: LineLevel,
    /// What happened.
    pub message: &'a str,
    /// The names and values that belong to it.
    pub fields: &'a [(String, String)],
}

/// Where the message begins: behind the time and the level.
const INDENT: usize = 8 + 2 + 5 + 2;

impl EventLine<'_> {
    /// The line with its end; nothing is cut. Where the fields do not fit, each has a line of its own.
    pub fn render(&self, screen: Screen) -> String {
        let (word, style) = match self.level {
            LineLevel::Error => ("error", Style::new().red().bold()),
            LineLevel::Warning => ("warn ", Style::new().yellow().bold()),
            LineLevel::Info => ("info ", Style::new().dim()),
            LineLevel::Detail => ("debug", Style::new().dim()),
        };
        let muted = Style::new().dim();
        let head = format!(
            "{}  {}  {}",
            screen.paint(&muted, self.time),
            screen.paint(&style, word),
            printable(self.message)
        );
        let inline = |(name, value): &(String, String)| {
            format!("  {}{}", screen.paint(&muted, &format!("{name}=")), printable(value))
        };
        let whole: String = [head.clone()].into_iter().chain(self.fields.iter().map(inline)).collect();
        if screen.width.is_none_or(|width| measure_text_width(&whole) <= width) {
            return format!("{whole}\n");
        }
        format!("{head}\n{}", self.below(screen))
    }

    /// The fields below the message, one a line.
    fn below(&self, screen: Screen) -> String {
        let name_width = self.fields.iter().map(|(name, _)| measure_text_width(name)).max().unwrap_or(0);
        let indent = INDENT + name_width + 2;
        let width = screen.width.map(|width| width.saturating_sub(indent).max(20));
        let muted = Style::new().dim();
        let mut text = String::new();
        for (name, value) in self.fields {
            let mut label = screen.paint(&muted, &format!("{}{name:<name_width$}  ", " ".repeat(INDENT)));
            for line in wrap(&printable(value), width) {
                text.push_str(&label);
                text.push_str(&line);
                text.push('\n');
                label = " ".repeat(indent);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(width: usize, in_color: bool) -> String {
        let fields = [
            ("component".to_owned(), "store".to_owned()),
            (
                "error".to_owned(),
                "cannot connect to the database: connection refused; start PostgreSQL\u{1b}[2J".to_owned(),
            ),
        ];
        let screen = Screen { width: Some(width), in_color };
        let of = |level, message, fields| EventLine { time: "18:34:35", level, message, fields };
        [
            of(LineLevel::Warning, "health changed", &fields).render(screen),
            of(LineLevel::Info, "a model was loaded", &fields[..1]).render(screen),
            of(LineLevel::Error, "the service cannot continue", &[]).render(screen),
        ]
        .concat()
    }

    #[test]
    fn fields_are_on_the_line_where_they_fit() {
        insta::assert_snapshot!(rendered(160, false));
    }

    #[test]
    fn fields_are_below_the_message_where_they_do_not_fit() {
        insta::assert_snapshot!(rendered(60, false));
    }

    #[test]
    fn levels_have_their_colors() {
        insta::assert_snapshot!(rendered(160, true).replace('\u{1b}', "␛"));
    }
}
