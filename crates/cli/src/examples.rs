/// The end of a command's help: its examples, each with what it does.
macro_rules! examples {
    ($($what:literal => $line:literal),+ $(,)?) => {
        concat!("\u{1b}[1m\u{1b}[4mExamples:\u{1b}[0m", $("\n  # ", $what, "\n  ", $line),+)
    };
}

pub(crate) use examples;
