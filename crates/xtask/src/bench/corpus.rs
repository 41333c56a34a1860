use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::sentences::sentences;

/// Distinct texts to measure with.
#[derive(Debug)]
pub(crate) struct Corpus {
    texts: Vec<String>,
    origin: String,
}

/// How many sentences are generated if no file is given.
const GENERATED: usize = 12_000;

impl Corpus {
    /// Reads the texts of a file, or generates some.
    pub(crate) fn read(file: Option<&PathBuf>) -> anyhow::Result<Self> {
        let Some(file) = file else {
            return Ok(Self::generated(GENERATED));
        };
        let content = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let table = file.extension().is_some_and(|extension| extension == "tsv");
        let texts = parse(&content, table);
        ensure!(!texts.is_empty(), "{} has no text", file.display());
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let origin = format!("{} distinct texts of {name}", texts.len());
        Ok(Self { texts, origin })
    }

    /// Generates `count` sentences.
    pub(crate) fn generated(count: usize) -> Self {
        let texts = sentences(count);
        let origin = format!("{} generated sentences", texts.len());
        Self { texts, origin }
    }

    /// Returns a description of where the texts come from.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the number of texts.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Returns the first `count` texts.
    pub(crate) fn first(&self, count: usize) -> &[String] {
        &self.texts[..count.min(self.texts.len())]
    }

    /// Returns the n-th of an endless sequence of different texts: a text followed by how often all were taken before.
    pub(crate) fn text(&self, n: u64) -> String {
        let count = self.texts.len().max(1) as u64;
        let text = self.texts.get((n % count) as usize).map(String::as_str).unwrap_or_default();
        format!("{text} {}", n / count)
    }

    /// Returns `count` texts, the n-th with `words(n)` words, taken from the texts of this corpus in order.
    pub(crate) fn of_lengths(&self, name: &str, count: usize, words: impl Fn(usize) -> usize) -> Self {
        let mut source = self.texts.iter().flat_map(|text| text.split_whitespace()).cycle();
        let text = |number| source.by_ref().take(words(number)).collect::<Vec<_>>().join(" ");
        let texts: Vec<String> = (0..count).map(text).collect();
        let texts = distinct(texts.iter().map(String::as_str));
        Self { origin: format!("{} {name} texts made of {}", texts.len(), self.origin), texts }
    }

    /// Writes the input of the load generator's script: each text on a line, as a JSON string without its quotes.
    pub(crate) fn write_for_load(&self, file: &Path) -> anyhow::Result<()> {
        let mut lines = String::new();
        for text in &self.texts {
            let quoted = Value::String(text.clone()).to_string();
            lines.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
            lines.push('\n');
        }
        fs::write(file, lines).with_context(|| file.display().to_string())
    }

    /// Writes the first `count` texts, one a line.
    pub(crate) fn write_lines(&self, count: usize, file: &Path) -> anyhow::Result<()> {
        let mut lines = self.first(count).join("\n");
        lines.push('\n');
        fs::write(file, lines).with_context(|| file.display().to_string())
    }

    /// Writes the first `count` texts as a table with a header line and the text in the first column.
    pub(crate) fn write_table(&self, count: usize, file: &Path) -> anyhow::Result<()> {
        let mut lines = String::from("text\tlabel\n");
        for text in self.first(count) {
            writeln!(lines, "{}\t0", text.replace('\t', " "))?;
        }
        fs::write(file, lines).with_context(|| file.display().to_string())
    }
}

/// Returns a text per line; of a table, the part before the last tab of each line except the first.
fn parse(content: &str, table: bool) -> Vec<String> {
    // Only `\n` ends a line: texts contain other line separators.
    let lines = content.split('\n').skip(usize::from(table));
    distinct(
        lines.map(|line| if table { line.rsplit_once('\t').map_or(line, |(text, _)| text) } else { line }),
    )
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = HashSet::new();
    let texts = texts.map(str::trim).filter(|text| !text.is_empty() && seen.insert(*text));
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn corpus(texts: &[&str]) -> Corpus {
        Corpus { texts: texts.iter().map(|text| (*text).to_owned()).collect(), origin: "test".to_owned() }
    }

    #[test]
    fn a_table_yields_its_first_column_without_repetitions() {
        assert_eq!(parse("text\tlabel\na\tb\t1\nc\t0\nc\t1\n", true), ["a\tb", "c"]);
        assert_eq!(parse("a\n\nb\na\n", false), ["a", "b"]);
    }

    #[test]
    fn texts_of_given_lengths_use_the_corpus_in_order() {
        let corpus = corpus(&["a b c", "d e"]).of_lengths("short", 3, |number| number + 2);
        assert_eq!(corpus.texts, ["a b", "c d e", "a b c d"]);
    }

    #[test]
    fn lines_for_the_load_are_json_without_quotes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("texts");
        corpus(&["say \"hi\"\tnow", "é"]).write_for_load(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "say \\\"hi\\\"\\tnow\né\n");
    }
}
