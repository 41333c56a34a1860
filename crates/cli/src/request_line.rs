use console::Style;

use crate::printable::printable;
use crate::screen::{Screen, fit};

/// A request that has ended, as one line for a person.
#[derive(Debug, Clone, Copy)]
pub struct RequestLine<'a> {
    /// The time of day.
    pub time: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path, without its query.
    pub path: &'a str,
    /// The status; 499 where the client disconnected before there was one.
    pub status: u64,
    /// From the request's head to the end of its response, in milliseconds.
    pub duration_ms: u64,
    /// The tenant and the key; none where the service has no callers to distinguish.
    pub caller: Option<&'a str>,
    /// The request's id.
    pub request_id: &'a str,
}

/// The columns of the time, the method, the status and the duration, with the gaps between them.
const FIXED: usize = 8 + 2 + 7 + 1 + 2 + 3 + 2 + 8;
const GAP: &str = "  ";
/// The columns of the caller.
const CALLER: usize = 20;
/// The columns of a whole id, and of its end alone, which distinguishes ids better than their beginning, a time.
const ID: usize = 36;
const SHORT_ID: usize = 9;
/// The columns of a path with an id in it.
const LONG_PATH: usize = 58;
/// The fewest columns of a path beside a caller or an id.
const SHORT_PATH: usize = 20;
/// The fewest columns of a path.
const LEAST_PATH: usize = 8;

/// The columns of one line: what is left out has none.
struct Columns {
    path: usize,
    caller: usize,
    id: usize,
}

impl Columns {
    /// Ids and callers give way to the path.
    fn of(screen: Screen, has_callers: bool) -> Self {
        let caller = if has_callers { CALLER } else { 0 };
        let Some(width) = screen.width else { return Self { path: LONG_PATH, caller, id: ID } };
        let gap = |columns: usize| if columns > 0 { columns + GAP.len() } else { 0 };
        let path = |caller, id| width.saturating_sub(FIXED + gap(caller) + gap(id));
        let wanted = [(caller, ID, LONG_PATH), (caller, SHORT_ID, SHORT_PATH), (caller, 0, SHORT_PATH)];
        let fitting = wanted.into_iter().find(|(caller, id, least)| path(*caller, *id) >= *least);
        let (caller, id, _) = fitting.unwrap_or((0, 0, 0));
        Self { path: path(caller, id).clamp(LEAST_PATH, LONG_PATH), caller, id }
    }
}

impl RequestLine<'_> {
    /// The line with its end. Columns are aligned, and cut so that the line fits the screen.
    pub fn render(&self, screen: Screen) -> String {
        let columns = Columns::of(screen, self.caller.is_some());
        let muted = Style::new().dim();
        let usual = if self.is_minor() { Style::new().dim() } else { Style::new() };
        let mut parts = vec![
            screen.paint(&muted, self.time),
            screen.paint(&usual, &format!("{:<7} {}", printable(self.method), self.path(columns.path))),
            screen.paint(&self.status_style(), &format!("{:>3}", self.status)),
            screen.paint(&usual, &format!("{:>8}", duration(self.duration_ms))),
        ];
        if let Some(caller) = self.caller.filter(|_| columns.caller > 0) {
            parts.push(fit(caller, columns.caller));
        }
        if columns.id > 0 {
            parts.push(screen.paint(&muted, &self.id(columns.id)));
        }
        let line = parts.join(GAP);
        format!("{}\n", line.trim_end())
    }

    fn path(&self, width: usize) -> String {
        fit(self.path, width)
    }

    /// The id where it fits, else its end.
    fn id(&self, width: usize) -> String {
        let id = printable(self.request_id);
        let letters = id.chars().count();
        if letters <= width {
            return id;
        }
        let end: String = id.chars().skip(letters + 1 - width).collect();
        format!("…{end}")
    }

    /// Whether it is a request of probes or a page's file that went well.
    fn is_minor(&self) -> bool {
        let minor = ["/health", "/metrics", "/console", "/docs", "/openapi.json"];
        self.status < 400 && minor.iter().any(|beginning| self.path.starts_with(beginning))
    }

    fn status_style(&self) -> Style {
        match self.status {
            499 => Style::new().dim(),
            500.. => Style::new().red().bold(),
            400.. => Style::new().yellow(),
            300.. => Style::new().cyan(),
            _ if self.is_minor() => Style::new().green().dim(),
            _ => Style::new().green(),
        }
    }
}

fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0 => "<1 ms".to_owned(),
        1..10_000 => format!("{milliseconds} ms"),
        _ => format!("{} s", milliseconds / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID_OF: &str = "01a20489-e4c7-7576-aca1-8422d21a5460";

    fn lines(screen: Screen, caller: Option<&'static str>) -> String {
        let line = |method, path, status, duration_ms| {
            let line = RequestLine {
                time: "18:34:35",
                method,
                path,
                status,
                duration_ms,
                caller,
                request_id: ID_OF,
            };
            line.render(screen)
        };
        [
            line("POST", "/api/v1/predictions", 200, 5),
            line("GET", "/api/v1/predictions/01a20489-e4ca-7add-bf0e-11928920b365", 404, 0),
            line("OPTIONS", "/health/ready", 204, 1_204),
            line("GET", "/api/v1/predictions/export", 503, 61_000),
            line("GET", "/\u{1b}[2J\u{202e}x", 499, 20),
        ]
        .concat()
    }

    fn screen(width: usize) -> Screen {
        Screen { width: Some(width), in_color: false }
    }

    #[test]
    fn wide_lines_have_every_column() {
        insta::assert_snapshot!(lines(screen(160), Some("acme/importer")));
    }

    #[test]
    fn lines_of_a_usual_terminal_have_the_end_of_the_id() {
        insta::assert_snapshot!(lines(screen(80), None));
    }

    #[test]
    fn narrow_lines_have_the_path_and_the_status() {
        insta::assert_snapshot!(lines(screen(48), Some("acme/importer")));
    }

    #[test]
    fn a_file_gets_whole_lines() {
        insta::assert_snapshot!(lines(Screen { width: None, in_color: false }, None));
    }

    #[test]
    fn statuses_have_their_colors() {
        let colored = lines(Screen { width: Some(100), in_color: true }, None);
        insta::assert_snapshot!(colored.replace('\u{1b}', "␛"));
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        for width in 41..200 {
            for line in lines(screen(width), Some("a-tenant-with-a-long-name/key")).lines() {
                assert!(console::measure_text_width(line) <= width, "{width}: {line}");
            }
        }
    }
}
