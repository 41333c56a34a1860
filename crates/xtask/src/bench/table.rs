/// The result of a scenario: names and values.
pub(crate) type Figures = Vec<(&'static str, String)>;

/// Formats rows as a Markdown table with columns as wide as their content: the first aligned left, others right.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|name| name.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cell = |(column, cell): (usize, &String)| match column {
            0 => format!(" {cell:<width$} ", width = widths[column]),
            _ => format!(" {cell:>width$} ", width = widths[column]),
        };
        format!("|{}|", cells.iter().take(head.len()).enumerate().map(cell).collect::<Vec<_>>().join("|"))
    };
    let names: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let rule: Vec<String> = widths.iter().enumerate().map(|(column, width)| rule(column, *width)).collect();
    let mut lines = vec![line(&names), format!("|{}|", rule.join("|"))];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

fn rule(column: usize, width: usize) -> String {
    if column == 0 { "-".repeat(width + 2) } else { format!("{}:", "-".repeat(width + 1)) }
}

/// Returns the rows of a scenario: its name, then a figure and its value.
pub(crate) fn figure_rows(scenario: &str, figures: Figures) -> impl Iterator<Item = Vec<String>> {
    figures.into_iter().map(move |(figure, value)| vec![scenario.to_owned(), figure.to_owned(), value])
}

/// Formats microseconds as milliseconds.
pub(crate) fn millis(micros: u64) -> String {
    format!("{:.2}", micros as f64 / 1e3)
}

/// Formats bytes as megabytes; a dash if they are unknown.
pub(crate) fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "–".to_owned(), |bytes| format!("{:.0}", bytes as f64 / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["é".to_owned(), "12345".to_owned()], vec!["long".to_owned(), "1".to_owned()]];
        let expected = "| a    |     n |\n|------|------:|\n| é    | 12345 |\n| long |     1 |";
        assert_eq!(table(&["a", "n"], &rows), expected);
    }

    #[test]
    fn numbers_are_converted_to_their_unit() {
        assert_eq!(millis(1_234), "1.23");
        assert_eq!(megabytes(Some(160_400_000)), "160");
        assert_eq!(megabytes(None), "–");
    }
}
