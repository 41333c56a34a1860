use console::Style;

use crate::printable::printable;
use crate::screen::{Screen, wrap};

/// What a service says when it has begun to listen, to the person who started it.
#[derive(Debug, Clone)]
pub struct Banner {
    /// The program's version.
    pub version: String,
    /// What there is to know, each by its label.
    pub facts: Vec<(&'static str, Fact)>,
    /// The command that tries the service, in lines.
    pub command: Vec<String>,
}

/// One thing to know about a service.
#[derive(Debug, Clone)]
pub enum Fact {
    /// An address to open, and a remark.
    Link(String, String),
    /// A text.
    Text(String),
    /// A text that asks for attention.
    Warning(String),
    /// A command to copy, in lines.
    Command(Vec<String>),
}

/// The columns before a fact: the margin, the label and the gap.
const INDENT: usize = 2 + 9 + 1;

impl Banner {
    /// The banner's lines. Texts are wrapped to the screen; addresses and commands never are, so that they can be
    /// clicked and copied.
    pub fn render(&self, screen: Screen) -> String {
        let (name, muted) = (Style::new().bold(), Style::new().dim());
        let mut text = format!(
            "\n  {} {}\n\n",
            screen.paint(&name, "Undertone"),
            screen.paint(&muted, &printable(&self.version))
        );
        for (label, fact) in &self.facts {
            push(&mut text, screen, label, &fact.lines(screen));
        }
        text.push('\n');
        push(&mut text, screen, "Try it", &self.command);
        text + &format!("\n  {}\n\n", screen.paint(&muted, "Ctrl-C stops."))
    }
}

/// Says that the models are loaded, on a line for each.
pub fn ready_lines(screen: Screen, seconds: f64, models: &[String]) -> String {
    let head = screen.paint(&Style::new().green().bold(), &format!("Ready in {seconds:.1} s"));
    match models {
        [only] => format!("  {head}  {}\n\n", printable(only)),
        models => {
            let lines: Vec<String> =
                models.iter().map(|model| format!("    {}\n", printable(model))).collect();
            format!("  {head}\n{}\n", lines.concat())
        }
    }
}

/// Appends the label with the first of the lines, and the others below it.
fn push(text: &mut String, screen: Screen, label: &str, lines: &[String]) {
    let mut head = format!("  {} ", screen.paint(&Style::new().dim(), &format!("{label:<9}")));
    for line in lines {
        text.extend([head.as_str(), line, "\n"]);
        head = " ".repeat(INDENT);
    }
}

impl Fact {
    fn lines(&self, screen: Screen) -> Vec<String> {
        let width = screen.width.map(|width| width.saturating_sub(INDENT).max(20));
        match self {
            Self::Link(address, remark) => {
                let link = screen.paint(&Style::new().cyan(), address);
                let remark = wrap(remark, width.map(|width| width.saturating_sub(address.len() + 2)));
                match remark.as_slice() {
                    [only] if only.is_empty() => vec![link],
                    [only] => vec![format!("{link}  {}", screen.paint(&Style::new().dim(), only))],
                    _ => [link].into_iter().chain(self.remark_below(screen, width)).collect(),
                }
            }
            Self::Text(text) => wrap(&printable(text), width),
            Self::Warning(text) => {
                let style = Style::new().yellow();
                wrap(&printable(text), width).iter().map(|line| screen.paint(&style, line)).collect()
            }
            Self::Command(lines) => lines.clone(),
        }
    }

    fn remark_below(&self, screen: Screen, width: Option<usize>) -> Vec<String> {
        let Self::Link(_, remark) = self else { return Vec::new() };
        let muted = Style::new().dim();
        wrap(remark, width).iter().map(|line| screen.paint(&muted, line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner() -> Banner {
        let link = |address: &str, remark: &str| Fact::Link(address.to_owned(), remark.to_owned());
        Banner {
            version: "0.1.0".to_owned(),
            facts: vec![
                ("API", link("http://127.0.0.1:8000", "from other machines http://192.168.1.5:8000")),
                ("Console", link("http://127.0.0.1:8000/console/", "")),
                ("Docs", link("http://127.0.0.1:8000/docs/", "")),
                ("Store", Fact::Text("SQLite, /srv/undertone/data/undertone.db".to_owned())),
                ("Model", Fact::Text("sentiment-minilm-l6, loading".to_owned())),
                ("Access", Fact::Warning("everyone who reaches the address, without a key".to_owned())),
                (
                    "Key",
                    Fact::Command(vec![
                        "UNDERTONE_KEY=$(undertone keys issue --tenant default …)".to_owned(),
                    ]),
                ),
            ],
            command: vec![
                "curl http://127.0.0.1:8000/api/v1/predictions \\".to_owned(),
                "  -H 'Content-Type: application/json' -d '{\"text\": \"I love it\"}'".to_owned(),
            ],
        }
    }

    #[test]
    fn the_banner_of_a_wide_terminal() {
        insta::assert_snapshot!(banner().render(Screen { width: Some(120), in_color: false }));
    }

    #[test]
    fn the_banner_of_a_narrow_terminal() {
        insta::assert_snapshot!(banner().render(Screen { width: Some(48), in_color: false }));
    }

    #[test]
    fn the_banner_in_color() {
        let text = banner().render(Screen { width: Some(120), in_color: true });
        insta::assert_snapshot!(text.replace('\u{1b}', "␛"));
    }

    #[test]
    fn a_service_is_ready_with_each_of_its_models() {
        let screen = Screen { width: Some(80), in_color: false };
        let models = ["a 0123456789ab, int8 on cpu".to_owned(), "b 456789abcdef, f32 on cpu".to_owned()];
        assert_eq!(ready_lines(screen, 1.234, &models[..1]), format!("  Ready in 1.2 s  {}\n\n", models[0]));
        let expected = format!("  Ready in 1.2 s\n    {}\n    {}\n\n", models[0], models[1]);
        assert_eq!(ready_lines(screen, 1.234, &models), expected);
    }
}
