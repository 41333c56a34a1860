use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::loader::weights::Weights;
use crate::model_folder::ModelFolder;
use crate::testing::small_model;

const UNNAMED: [&str; 3] = ["LABEL_0", "LABEL_1", "LABEL_2"];
const KNOWN: &str = "cardiffnlp/twitter-roberta-base-sentiment";

fn folder(labels: &[&str]) -> TempDir {
    let folder = small_model::folder();
    let mut config = small_model::config_json();
    let labels = labels.iter().enumerate().map(|(index, label)| (index.to_string(), json!(label)));
    config["id2label"] = labels.collect::<serde_json::Map<_, _>>().into();
    small_model::write_json(folder.path(), "config.json", &config);
    folder
}

/// Maps `labels` of a model from the repository `repo` without its weights.
fn map_of(labels: &[&str], repo: Option<&str>) -> Result<Option<MappedLabels>, UnfitSetting> {
    let folder = folder(labels);
    let folder = ModelFolder::open(folder.path()).unwrap();
    let config = HfConfig::read(&folder).unwrap();
    LabelRules::new(folder.config(), &config, &ModelSettings::default(), repo).map_by_names()
}

fn map(labels: &[&str]) -> Result<Option<MappedLabels>, UnfitSetting> {
    map_of(labels, None)
}

fn mapped(labels: &[&str]) -> (Vec<Option<Sentiment>>, LabelMappingOrigin) {
    sentiments(map(labels).unwrap().unwrap())
}

fn sentiments(mapped: MappedLabels) -> (Vec<Option<Sentiment>>, LabelMappingOrigin) {
    (mapped.labels.labels().iter().map(|label| label.sentiment).collect(), mapped.origin)
}

#[test]
fn labels_of_sentiments_are_mapped_by_their_names_in_any_order_and_case() {
    use Sentiment::{Mixed, Negative, Neutral, Positive};
    for (labels, expected) in [
        (&["positive", "negative", "neutral"][..], &[Some(Positive), Some(Negative), Some(Neutral)][..]),
        (&["NEGATIVE", "POSITIVE"], &[Some(Negative), Some(Positive)]),
        (&["Neg", "NEU", "pos"], &[Some(Negative), Some(Neutral), Some(Positive)]),
        (&["mixed", "other", "pos"], &[Some(Mixed), None, Some(Positive)]),
    ] {
        assert_eq!(mapped(labels), (expected.to_vec(), LabelMappingOrigin::Names), "{labels:?}");
    }
}

#[test]
fn a_rating_of_one_to_five_stars_is_mapped_in_any_order_and_case() {
    use Sentiment::{Negative, Neutral, Positive};
    let expected = [Negative, Negative, Neutral, Positive, Positive].map(Some);
    let stars = mapped(&["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]);
    assert_eq!(stars, (expected.to_vec(), LabelMappingOrigin::Stars));
    let (reversed, _) = mapped(&["5 Stars", "4 Stars", "3 Stars", "2 Stars", "1 Star"]);
    assert!(reversed.iter().eq(expected.iter().rev()), "{reversed:?}");
}

#[test]
fn a_rating_of_another_scale_or_form_is_refused() {
    for labels in [
        &["1 star", "2 stars", "3 stars", "4 stars"][..],
        &["1 star", "2 stars", "3 stars", "4 stars", "5 stars", "6 stars"],
        &["1 star", "2 stars", "3 stars", "4 stars", "4 stars"],
        &["1 star", "1 star", "2 stars", "3 stars", "4 stars", "5 stars"],
        &["0 stars", "1 star", "2 stars", "3 stars", "4 stars"],
        &["star 1", "star 2", "star 3", "star 4", "star 5"],
        &["1", "2", "3", "4", "5"],
    ] {
        assert!(matches!(map(labels), Err(UnfitSetting::LabelsUnmapped(_))), "{labels:?}");
    }
}

#[test]
fn labels_without_names_are_mapped_for_a_known_repository() {
    use Sentiment::{Negative, Neutral, Positive};
    let of = |repo| sentiments(map_of(&UNNAMED, Some(repo)).unwrap().unwrap());
    let origin = |repo: &str| LabelMappingOrigin::KnownRepository { repo: repo.to_owned() };
    assert_eq!(of(KNOWN), ([Negative, Neutral, Positive].map(Some).to_vec(), origin(KNOWN)));
    let reversed = "mdhugol/indonesia-bert-sentiment-classification";
    assert_eq!(of(reversed), ([Positive, Neutral, Negative].map(Some).to_vec(), origin(reversed)));
}

/// The folders are small models with the files and labels of the published ones.
#[test]
fn the_popular_published_models_are_mapped_without_a_setting() {
    use Sentiment::{Negative, Neutral, Positive};
    let layouts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layouts");
    let of = |layout: &str, repo: &str| {
        let folder = ModelFolder::open(&layouts.join(layout)).unwrap();
        let (config, settings) = (HfConfig::read(&folder).unwrap(), ModelSettings::default());
        let rules = LabelRules::new(folder.config(), &config, &settings, Some(repo));
        sentiments(rules.map_by_names().unwrap().unwrap())
    };
    let known = LabelMappingOrigin::KnownRepository { repo: KNOWN.to_owned() };
    for (layout, repo, expected, origin) in [
        (
            "distilbert-sst2",
            "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
            &[Negative, Positive][..],
            LabelMappingOrigin::Names,
        ),
        (
            "nlptown",
            "nlptown/bert-base-multilingual-uncased-sentiment",
            &[Negative, Negative, Neutral, Positive, Positive],
            LabelMappingOrigin::Stars,
        ),
        ("twitter-roberta", KNOWN, &[Negative, Neutral, Positive], known),
        (
            "twitter-roberta-latest",
            "cardiffnlp/twitter-roberta-base-sentiment-latest",
            &[Negative, Neutral, Positive],
            LabelMappingOrigin::Names,
        ),
        (
            "twitter-xlm-roberta",
            "cardiffnlp/twitter-xlm-roberta-base-sentiment",
            &[Negative, Neutral, Positive],
            LabelMappingOrigin::Names,
        ),
        ("finbert", "ProsusAI/finbert", &[Positive, Negative, Neutral], LabelMappingOrigin::Names),
        (
            "siebert",
            "siebert/sentiment-roberta-large-english",
            &[Negative, Positive],
            LabelMappingOrigin::Names,
        ),
    ] {
        let expected: Vec<_> = expected.iter().copied().map(Some).collect();
        assert_eq!(of(layout, repo), (expected, origin), "{repo}");
    }
}

#[test]
fn other_labels_of_a_known_repository_are_not_mapped_by_its_row() {
    let (sentiments, by_name) = sentiments(map_of(&["pos", "neu", "neg"], Some(KNOWN)).unwrap().unwrap());
    assert_eq!((sentiments[0], by_name), (Some(Sentiment::Positive), LabelMappingOrigin::Names));
    for labels in [
        &["LABEL_0", "LABEL_1"][..],
        &["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"],
        &["LABEL_2", "LABEL_1", "LABEL_0"],
        &["label_0", "label_1", "label_2"],
        &["0", "1", "2"],
    ] {
        assert!(matches!(map_of(labels, Some(KNOWN)), Err(UnfitSetting::LabelsUnmapped(_))), "{labels:?}");
    }
}

#[test]
fn a_folder_or_another_repository_of_the_same_shape_is_decided_by_its_weights_alone() {
    let another_case = KNOWN.to_uppercase();
    for repo in [None, Some("org/copy"), Some(&*another_case)] {
        assert!(map_of(&UNNAMED, repo).unwrap().is_none(), "{repo:?}");
    }
}

#[test]
fn weights_are_known_by_the_checksum_of_their_file() {
    let folder = folder(&UNNAMED);
    let folder = ModelFolder::open(folder.path()).unwrap();
    let (config, settings) = (HfConfig::read(&folder).unwrap(), ModelSettings::default());
    let sha256 = Weights::read(&folder, &config).unwrap().sha256().unwrap();
    let checksums: &'static [&'static str] = vec![&*sha256.clone().leak()].leak();
    let row = |sentiments, weights| KnownModel { repo: "org/name", weights, sentiments };
    let mirrored = &[Sentiment::Positive, Sentiment::Neutral, Sentiment::Negative][..];
    let map_by = |known: &[KnownModel]| {
        let rules = LabelRules::new(folder.config(), &config, &settings, None);
        LabelRules { known, ..rules }.map_by_weights(|known| known == sha256).map(sentiments)
    };
    let origin = LabelMappingOrigin::KnownWeights { repo: "org/name".to_owned() };
    let expected = mirrored.iter().copied().map(Some).collect();
    assert_eq!(map_by(&[row(mirrored, checksums)]).unwrap(), (expected, origin));
    for other in [row(mirrored, &[]), row(&mirrored[..2], checksums)] {
        assert!(matches!(map_by(&[other]), Err(UnfitSetting::LabelsUnmapped(_))));
    }
    assert!(matches!(map_by(KNOWN_MODELS), Err(UnfitSetting::LabelsUnmapped(_))), "its weights are random");
}
