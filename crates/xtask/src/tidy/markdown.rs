/// Words that end with a full stop inside a sentence.
const ABBREVIATIONS: [&str; 7] = ["approx.", "cf.", "Dr.", "e.g.", "etc.", "i.e.", "vs."];

/// Markup and punctuation that may stand between a sentence's last word and the space after it.
const CLOSING: &[char] = &['*', '_', ')', '"', '\'', '’', '”', ']'];
/// The same for the space before a sentence's first word.
const OPENING: &[char] = &['*', '_', '(', '"', '\'', '‘', '“', '['];

/// Returns a line for each line of a Markdown file with more than one sentence: with one sentence a line, a diff shows
/// which sentences changed.
///
/// Code, tables and what the program writes itself (`docs/generated`) are left out. A title in bold or italics may
/// open a line.
pub(super) fn faults(file: &str, text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|_| !file.starts_with("docs/generated/")) {
        let line = line.trim();
        if line.starts_with("```") {
            is_code = !is_code;
        } else if !is_code
            && !line.starts_with('|')
            && let Some(word) = sentence_end_inside(line)
        {
            let place = format!("{file}:{}", index + 1);
            faults.push(format!("{place}: more than one sentence; begin a new line after \"{word}\""));
        }
    }
    faults
}

/// The last word of a sentence that another one follows in the same line.
fn sentence_end_inside(line: &str) -> Option<String> {
    let line = without_code_and_links(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    let ends = words.windows(2).enumerate().find_map(|(index, pair)| {
        let [word, next] = *pair else { return None };
        let is_number_of_list = index == 0 && word.trim_end_matches('.').parse::<u32>().is_ok();
        let is_title = word.ends_with(".*") || word.ends_with(".**");
        let ends = word.trim_end_matches(CLOSING).ends_with(['.', '!', '?'])
            && !ABBREVIATIONS.contains(&word.trim_start_matches(OPENING));
        let begins =
            next.trim_start_matches(OPENING).starts_with(|first: char| first.is_uppercase() || first == '`');
        (ends && begins && !is_number_of_list && !is_title).then_some(word)
    });
    ends.map(str::to_owned)
}

/// The line with `code` as a bare backtick and without the targets and titles of links.
fn without_code_and_links(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for (index, piece) in line.split('`').enumerate() {
        text.push_str(if index % 2 == 0 { piece } else { "`" });
    }
    let mut pieces = text.split("](");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + "]" + piece.split_once(')').map_or(piece, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_two_sentences_is_a_fault() {
        for line in [
            "One ends. Another begins.",
            "* Is this one? This is two.",
            "**Title.** One (ends.) *Another* begins.",
            "One ends with `code`. `code` begins another.",
            "See [one](one.md \"One. Title.\"). [Two](two.md) follows.",
        ] {
            let faults = faults("docs/api.md", &format!("# Title\n{line}\n"));
            assert_eq!(faults.len(), 1, "{line}");
            assert!(faults[0].starts_with("docs/api.md:2: more than one sentence"), "{faults:?}");
        }
        let faults = faults("docs/api.md", "It ends (here). Then more.");
        assert_eq!(faults, ["docs/api.md:1: more than one sentence; begin a new line after \"(here).\""]);
    }

    #[test]
    fn one_sentence_a_line_code_tables_and_titles_pass() {
        for text in [
            "One ends.\nAnother begins.",
            "1. First",
            "**Title.** One sentence.",
            "A value, e.g. PostgreSQL, or 0.5 of it.",
            "The text `One. Two.` is one. word",
            "| One. Two. |",
            "```\nOne. Two.\n```",
            "[one](one.md \"One. Two.\") is a link",
        ] {
            assert_eq!(faults("docs/api.md", text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(faults("docs/generated/config.md", "One. Two."), Vec::<String>::new());
    }
}
