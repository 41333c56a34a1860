use std::collections::BTreeMap;
use std::num::NonZeroU32;

use domain::value_objects::{
    Confidence, LabelScore, Metadata, MetadataValue, ModelRef, PredictionResult, Reference, SentenceResult,
    Sentiment, SentimentScores, TextSpan, Usage,
};

use super::random::Random;
use crate::samples;

/// The tokens that one window of the model holds.
const WINDOW: usize = 510;

/// None, a unique one, or one that many rows share.
pub(super) fn reference(random: &mut Random, row: u64) -> Option<Reference> {
    match random.below(10) {
        0..4 => None,
        4..8 => Some(samples::reference(&format!("order-{row}"))),
        _ => Some(samples::reference(&format!("customer-{}", random.below(5_000)))),
    }
}

/// Up to four entries, of every kind.
pub(super) fn metadata(random: &mut Random) -> Metadata {
    let mut entries = BTreeMap::new();
    let mut add = |wanted: bool, key: &str, value| {
        if wanted {
            entries.insert(key.to_owned(), value);
        }
    };
    let channel = random.pick_uneven(&["web", "app", "mail", "phone", "shop"]);
    add(!random.one_in(3), "channel", MetadataValue::Text(channel.to_owned()));
    add(random.one_in(2), "stars", MetadataValue::Integer(random.pick(&[1, 2, 3, 4, 5])));
    add(random.one_in(4), "price", MetadataValue::Float(random.below(20_000) as f64 / 100.0 + 0.005));
    add(random.one_in(8), "returning", MetadataValue::Bool(random.one_in(2)));
    Metadata::try_new(entries).expect("few and short entries")
}

/// One of two models; the larger one has a new revision after two thirds of the rows.
pub(super) fn model(random: &mut Random, early: bool) -> ModelRef {
    match (random.one_in(10), early) {
        (true, _) => ModelRef::new("reviews-multilingual", "5f2d9c1a7b3e"),
        (false, true) => ModelRef::new("sentiment-minilm-l6", "0c6a1fd29b44"),
        (false, false) => ModelRef::new("sentiment-minilm-l6", "e81b77f0a3d5"),
    }
}

/// Approximates a word-piece tokenizer on English.
pub(super) fn usage(text: &str) -> Usage {
    let tokens = (text.chars().count() / 5).max(1);
    let windows = tokens.div_ceil(WINDOW);
    Usage { tokens: tokens as u32, windows: windows as u32, truncated: false }
}

/// The result of a text of `sentiment`: three labels, best first; sometimes with the options of a request.
pub(super) fn result(random: &mut Random, sentiment: Sentiment, text: &str) -> PredictionResult {
    if random.one_in(100) {
        return PredictionResult::raw(vec![LabelScore {
            label: "LABEL_0".to_owned(),
            score: random.fraction() * 8.0 - 4.0,
            logit: None,
        }]);
    }
    let strongest = if sentiment == Sentiment::Mixed { Sentiment::Negative } else { sentiment };
    // Models are confident most of the time.
    let chosen = 0.4 + 0.599 * random.fraction().sqrt();
    let rest = (1.0 - chosen) * random.fraction();
    let others = Sentiment::ALL[..3].iter().filter(|other| **other != strongest);
    let mut labels: Vec<LabelScore> = [(strongest, chosen)]
        .into_iter()
        .chain(others.copied().zip([rest, 1.0 - chosen - rest]))
        .map(|(label, score)| LabelScore { label: label.as_str().to_owned(), score, logit: None })
        .collect();
    let of = |wanted: Sentiment| {
        labels.iter().find(|label| label.label == wanted.as_str()).map(|label| label.score)
    };
    let scores = SentimentScores {
        negative: of(Sentiment::Negative),
        neutral: of(Sentiment::Neutral),
        positive: of(Sentiment::Positive),
    };
    labels.sort_by(|a, b| b.score.total_cmp(&a.score));
    let confidence = (sentiment != Sentiment::Mixed).then(|| samples::confidence(chosen));
    let result = PredictionResult::restore(Some(sentiment), confidence, scores, labels);
    let top_k = random.one_in(30).then_some(NonZeroU32::MIN);
    let sentences = random.one_in(40).then(|| vec![whole(text, strongest, chosen, scores)]);
    result.restore_details(top_k, sentences)
}

/// The text as its only sentence.
fn whole(text: &str, sentiment: Sentiment, chosen: f32, scores: SentimentScores) -> SentenceResult {
    let span = TextSpan { start: 0, end: text.chars().count() as u32 };
    let confidence = Confidence::try_new("confidence", chosen).ok();
    SentenceResult { span, sentiment: Some(sentiment), confidence, scores }
}
