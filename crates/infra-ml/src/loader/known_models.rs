//! Published models whose labels are `LABEL_0`, `LABEL_1` …, and what their model cards say that these stand for.
//!
//! The order of such labels differs between models and follows from neither their number nor the architecture: a row
//! needs a card that states it.

use domain::value_objects::Sentiment;
use domain::value_objects::Sentiment::{Negative, Neutral, Positive};

/// A published model.
#[derive(Debug, Clone)]
pub(super) struct KnownModel {
    /// The repository on the hub, in the hub's spelling.
    ///
    /// Every revision counts: a repository whose labels still have no names cannot change their order without breaking
    /// all of its users, while a commit would no longer match after each correction of the card.
    pub(super) repo: &'static str,
    /// The SHA-256 of each published file with all weights, by which a copy in a folder or in another repository is
    /// known.
    pub(super) weights: &'static [&'static str],
    /// The sentiments of `LABEL_0`, `LABEL_1` ….
    pub(super) sentiments: &'static [Sentiment],
}

/// The known models.
pub(super) const KNOWN_MODELS: &[KnownModel] = &[
    // https://huggingface.co/cardiffnlp/twitter-roberta-base-sentiment: "Labels: 0 -> Negative; 1 -> Neutral;
    // 2 -> Positive". The checksum is that of its pytorch_model.bin, unchanged since the first commit, c3f0011:
    // https://huggingface.co/cardiffnlp/twitter-roberta-base-sentiment/blob/main/pytorch_model.bin.
    KnownModel {
        repo: "cardiffnlp/twitter-roberta-base-sentiment",
        weights: &["c37a3484c55954cd75b336a85f1e0c023ae874f3a73b05d2418dd04828e293b1"],
        sentiments: &[Negative, Neutral, Positive],
    },
    // https://huggingface.co/mdhugol/indonesia-bert-sentiment-classification: "label_index = {'LABEL_0': 'positive',
    // 'LABEL_1': 'neutral', 'LABEL_2': 'negative'}".
    KnownModel {
        repo: "mdhugol/indonesia-bert-sentiment-classification",
        weights: &[],
        sentiments: &[Positive, Neutral, Negative],
    },
];

impl KnownModel {
    /// Whether `labels` are the names without a meaning that the model has: `LABEL_0` and so on, as many.
    pub(super) fn has_labels(&self, labels: &[String]) -> bool {
        labels.len() == self.sentiments.len()
            && labels.iter().enumerate().all(|(index, label)| *label == format!("LABEL_{index}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::hub::HubModel;

    #[test]
    fn each_known_model_has_a_repository_sentiments_and_whole_checksums() {
        let (mut repos, mut checksums) = (HashSet::new(), HashSet::new());
        for model in KNOWN_MODELS {
            assert_eq!(model.repo.parse::<HubModel>().unwrap().repo(), model.repo);
            assert!(repos.insert(model.repo), "{} has two rows", model.repo);
            assert!(model.sentiments.len() > 1, "{}", model.repo);
            for checksum in model.weights {
                assert!(
                    checksum.len() == 64 && checksum.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
                );
                assert!(checksums.insert(checksum), "{checksum} is in two rows");
            }
        }
    }
}
