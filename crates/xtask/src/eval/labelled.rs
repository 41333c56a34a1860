use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

/// A set of labelled texts.
#[derive(Debug)]
pub(super) struct Set {
    /// Its file in the data folder.
    pub(super) file: &'static str,
    /// Its name in the model card.
    pub(super) name: &'static str,
    pub(super) classes: Classes,
}

/// What the labels of a set mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Classes {
    /// 0 negative, 1 positive.
    Two,
    /// 0 negative, 1 neutral, 2 positive.
    Three,
}

/// The sets that a model card has figures for.
pub(super) const SETS: [Set; 3] = [
    Set { file: "sst2_dev.tsv", name: "sst2_dev", classes: Classes::Two },
    Set { file: "sst2_test.tsv", name: "sst2_test", classes: Classes::Two },
    Set { file: "tweeteval_sentiment_test.tsv", name: "tweeteval", classes: Classes::Three },
];

/// A text and its label.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Labelled {
    pub(super) text: String,
    pub(super) label: usize,
}

/// The items of a file: one header line, then text, tab, label; nothing is quoted.
pub(super) fn read(file: &Path, classes: Classes) -> anyhow::Result<Vec<Labelled>> {
    let content = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    parse(&content, classes).with_context(|| file.display().to_string())
}

fn parse(content: &str, classes: Classes) -> anyhow::Result<Vec<Labelled>> {
    let classes = match classes {
        Classes::Two => 2,
        Classes::Three => 3,
    };
    // Only `\n` ends a line: texts hold other characters that look like line ends.
    let lines = content.split('\n').enumerate().skip(1).filter(|(_, line)| !line.is_empty());
    let items: Vec<Labelled> = lines
        .map(|(index, line)| {
            let (text, label) =
                line.rsplit_once('\t').with_context(|| format!("line {}: no tab", index + 1))?;
            let label = label.trim_end().parse().ok().filter(|label| *label < classes);
            let label = label.with_context(|| format!("line {}: no label below {classes}", index + 1))?;
            Ok(Labelled { text: text.to_owned(), label })
        })
        .collect::<anyhow::Result<_>>()?;
    if items.is_empty() {
        bail!("no line beside the header");
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_label_is_behind_the_last_tab_and_nothing_is_quoted() {
        let items = parse("text\tlabel\na \"b\t1\nc\td\t0\n", Classes::Two).unwrap();
        let expected = [("a \"b", 1), ("c\td", 0)];
        assert_eq!(items, expected.map(|(text, label)| Labelled { text: text.to_owned(), label }));
    }

    #[test]
    fn a_line_without_a_label_of_the_set_is_an_error_with_its_number() {
        let error = |content| format!("{:#}", parse(content, Classes::Two).unwrap_err());
        assert!(error("text\tlabel\na\t1\nb").contains("line 3"));
        assert!(error("text\tlabel\na\t2\n").contains("line 2"));
        assert!(error("text\tlabel\n").contains("header"));
    }
}
