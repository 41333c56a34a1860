use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

/// A set of labeled texts.
#[derive(Debug)]
pub(super) struct Set {
    /// The name of its file in the data folder.
    pub(super) file: &'static str,
    /// Its name in the model card.
    pub(super) name: &'static str,
    pub(super) classes: Classes,
}

/// The meaning of a set's labels.
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

/// A text with its label.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Labeled {
    pub(super) text: String,
    pub(super) label: usize,
}

/// Reads a file: a header line, then a text, a tab and a label per line, without quoting.
pub(super) fn read(file: &Path, classes: Classes) -> anyhow::Result<Vec<Labeled>> {
    let content = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    parse(&content, classes).with_context(|| file.display().to_string())
}

fn parse(content: &str, classes: Classes) -> anyhow::Result<Vec<Labeled>> {
    let classes = match classes {
        Classes::Two => 2,
        Classes::Three => 3,
    };
    // Only `\n` ends a line: texts contain other line separators.
    let lines = content.split('\n').enumerate().skip(1).filter(|(_, line)| !line.is_empty());
    let items: Vec<Labeled> = lines
        .map(|(index, line)| {
            let (text, label) =
                line.rsplit_once('\t').with_context(|| format!("line {} has no tab", index + 1))?;
            let label = label.trim_end().parse().ok().filter(|label| *label < classes);
            let label = label.with_context(|| format!("line {} has no label below {classes}", index + 1))?;
            Ok(Labeled { text: text.to_owned(), label })
        })
        .collect::<anyhow::Result<_>>()?;
    if items.is_empty() {
        bail!("the file has only a header");
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_label_follows_the_last_tab_and_nothing_is_quoted() {
        let items = parse("text\tlabel\na \"b\t1\nc\td\t0\n", Classes::Two).unwrap();
        let expected = [("a \"b", 1), ("c\td", 0)];
        assert_eq!(items, expected.map(|(text, label)| Labeled { text: text.to_owned(), label }));
    }

    #[test]
    fn a_line_without_a_label_of_the_set_is_an_error_with_its_number() {
        let error = |content| format!("{:#}", parse(content, Classes::Two).unwrap_err());
        assert!(error("text\tlabel\na\t1\nb").contains("line 3"));
        assert!(error("text\tlabel\na\t2\n").contains("line 2"));
        assert!(error("text\tlabel\n").contains("header"));
    }
}
