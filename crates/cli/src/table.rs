use std::fmt;

/// A table on a terminal: aligned columns, and below each row a note that is wrapped at 80 characters.
pub(crate) struct Table<const COLUMNS: usize> {
    rows: Vec<([String; COLUMNS], String)>,
}

/// The characters of a line of notes.
const WIDTH: usize = 80;
/// What is between two columns.
const GAP: &str = "  ";

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with these headings.
    pub(crate) fn new(headings: [&str; COLUMNS]) -> Self {
        Self { rows: vec![(headings.map(str::to_owned), String::new())] }
    }

    /// Adds a row; without a note where that is empty. Control characters are shown as escapes, so that no stored text
    /// can change what the terminal shows.
    pub(crate) fn add(&mut self, cells: [String; COLUMNS], note: &str) {
        self.rows.push((cells.map(|cell| visible(&cell)), visible(note)));
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().map(|(cells, _)| cells[column].chars().count()).max().unwrap_or_default()
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: [usize; COLUMNS] = std::array::from_fn(|column| self.width(column));
        for (cells, note) in &self.rows {
            let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(out, "{}", padded.collect::<Vec<_>>().join(GAP).trim_end())?;
            wrapped(note).iter().try_for_each(|line| writeln!(out, "{GAP}{GAP}{line}"))?;
        }
        Ok(())
    }
}

/// Splits `note` at spaces into lines that fit.
fn wrapped(note: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in note.split_whitespace() {
        match lines.last_mut() {
            Some(line) if 2 * GAP.len() + line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Returns `text` with control characters as escapes.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["NAME", "STATUS", "ADDED"]);
        table.add(["default", "active", "x"].map(str::to_owned), "");
        table.add(["a", "disabled", ""].map(str::to_owned), "a note");
        let lines = ["NAME     STATUS    ADDED", "default  active    x", "a        disabled", "    a note"];
        assert_eq!(table.to_string(), lines.map(|line| format!("{line}\n")).concat());
    }

    #[test]
    fn notes_are_wrapped_at_80_characters_and_control_characters_are_escaped() {
        let mut table = Table::new(["NAME"]);
        table.add(["\u{1b}[2Ja".to_owned()], &"scope:read ".repeat(20));
        let text = table.to_string();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!((text.lines().count(), text.lines().nth(1)), (5, Some("\\u{1b}[2Ja")));
    }
}
