//! Whether output is colored.

use std::ffi::OsString;

use clap::ValueEnum;

/// When output is colored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, as NO_COLOR, CLICOLOR and TERM say
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Whether an output is colored that is a terminal or not.
    pub(crate) fn colors(self, is_terminal: bool) -> bool {
        #[expect(clippy::disallowed_methods, reason = "conventions of all command lines, and no settings")]
        self.decide(is_terminal, |name| std::env::var_os(name))
    }

    /// Decides by the conventions of <https://no-color.org> and <https://bixense.com/clicolors>.
    fn decide(self, is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
        let has = |name: &str, value: &str| variable(name).is_some_and(|set| set == value);
        let is_set = |name: &str| variable(name).is_some_and(|set| !set.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if is_set("NO_COLOR") => false,
            Self::Auto if is_set("CLICOLOR_FORCE") && !has("CLICOLOR_FORCE", "0") => true,
            Self::Auto => is_terminal && !has("CLICOLOR", "0") && is_set("TERM") && !has("TERM", "dumb"),
        }
    }
}

/// How a part of the output looks in color; without color all parts look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Of a positive text.
    Positive,
    /// Of a negative text.
    Negative,
    /// Of a mixed text.
    Mixed,
    /// What is of less interest.
    Muted,
    /// A failure.
    Failure,
}

impl Style {
    /// The parameters of the escape sequence that selects it: colors of the terminal's own palette.
    fn parameters(self) -> &'static str {
        match self {
            // Cyan and red stay apart for every kind of color vision, unlike green and red.
            Self::Positive => "36",
            Self::Negative => "31",
            Self::Mixed => "35",
            Self::Muted => "2",
            Self::Failure => "1;31",
        }
    }

    /// Appends `text` in this style, if `color` is on. The text must be printable.
    pub(crate) fn paint(self, out: &mut String, color: bool, text: &str) {
        if color && !text.is_empty() {
            out.extend(["\u{1b}[", self.parameters(), "m", text, "\u{1b}[0m"]);
        } else {
            out.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(choice: ColorChoice, is_terminal: bool, environment: &[(&str, &str)]) -> bool {
        let variable = |name: &str| {
            let of_name = environment.iter().find(|(known, _)| *known == name);
            of_name.map(|(_, value)| OsString::from(value))
        };
        choice.decide(is_terminal, variable)
    }

    #[test]
    fn the_environment_decides_unless_the_option_does() {
        let term = ("TERM", "xterm-256color");
        for (environment, on_terminal, elsewhere) in [
            (&[term][..], true, false),
            (&[], false, false),
            (&[("TERM", "dumb")], false, false),
            (&[term, ("NO_COLOR", "1")], false, false),
            (&[term, ("NO_COLOR", "")], true, false),
            (&[term, ("CLICOLOR", "0")], false, false),
            (&[term, ("CLICOLOR", "1")], true, false),
            (&[("CLICOLOR_FORCE", "1")], true, true),
            (&[("CLICOLOR_FORCE", "0"), term], true, false),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false, false),
        ] {
            assert_eq!(decide(ColorChoice::Auto, true, environment), on_terminal, "{environment:?}");
            assert_eq!(decide(ColorChoice::Auto, false, environment), elsewhere, "{environment:?}");
            assert!(decide(ColorChoice::Always, false, environment), "{environment:?}");
            assert!(!decide(ColorChoice::Never, true, environment), "{environment:?}");
        }
    }

    #[test]
    fn without_color_a_text_is_painted_as_it_is() {
        let mut out = String::new();
        Style::Positive.paint(&mut out, false, "+");
        Style::Positive.paint(&mut out, true, "+");
        assert_eq!(out, "+\u{1b}[36m+\u{1b}[0m");
    }
}
