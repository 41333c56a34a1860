/// Words that have a better one, in lower case, with what to write instead. `ARCHITECTURE.md` has the glossary.
const WORDS: [(&[&str], &str); 3] = [
    (&["tell", "tells", "told"], "return, report, publish or notify"),
    (&["judge", "judged", "judges", "judgement"], "classify, classification"),
    (&["kept", "keeps"], "store, hold, retain or leave"),
];

/// This file, which has them all.
const THIS_FILE: &str = "crates/xtask/src/tidy/words.rs";

/// Returns a line for each of the [`WORDS`] in a Rust or Markdown file. Parts of a longer name are other words.
pub(super) fn faults(file: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|_| file != THIS_FILE) {
        for word in line.split(|character: char| !(character.is_alphanumeric() || character == '_')) {
            let word = word.to_lowercase();
            let better = WORDS.iter().find(|(words, _)| words.contains(&word.as_str()));
            if let Some((_, better)) = better {
                faults.push(format!("{file}:{}: \"{word}\": write {better}", index + 1));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_has_a_better_one_is_a_fault_wherever_it_stands() {
        assert_eq!(
            faults("docs/api.md", "Good.\nThe answer is Kept.\n"),
            ["docs/api.md:2: \"kept\": write store, hold, retain or leave"]
        );
        assert_eq!(faults("crates/app/src/main.rs", "let told = judge();").len(), 2);
    }

    #[test]
    fn parts_of_names_and_this_list_pass() {
        assert_eq!(
            faults("crates/app/src/main.rs", "let is_kept = keep_alive; // storyteller"),
            Vec::<String>::new()
        );
        assert_eq!(faults(THIS_FILE, "kept"), Vec::<String>::new());
    }
}
