//! Predictions for people: a line a text, or two on a narrow terminal.

use application::dtos::PredictSentimentResponse;
use domain::value_objects::{SentenceResult, Sentiment, SentimentScores};

use super::Outcome;
use crate::color::Style;
use crate::printable::{cut, printable, width};

/// How predictions are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    /// The columns of the terminal; without a terminal texts are not cut.
    pub(super) columns: Option<usize>,
    pub(super) color: bool,
}

/// The columns from which a text stands behind its prediction, rather than below.
const ONE_LINE: usize = 60;
/// The columns from which the other scores are shown.
const WITH_SCORES: usize = 80;
/// The columns from which a narrow terminal has room for the bar.
const WITH_BAR: usize = 32;
/// The columns of the longest word, `positive` or `negative`.
const WORD: usize = 8;
/// The longest label of a model without sentiments that is shown in full.
const LABEL: usize = 16;
/// The cells of the bar.
const BAR: usize = 10;
/// The columns of a line without its text: the sign, the word, the percentage and the bar, and the other scores.
const HEAD: usize = 1 + 1 + WORD + 1 + 6 + 1 + BAR;
const SCORES: usize = 2 * (2 + 1 + 6);
/// What is between two parts of a line.
const GAP: &str = "  ";

/// The sign of a text without a prediction.
const FAILED: &str = "!";
/// The sign of a prediction without a sentiment.
const UNMAPPED: &str = "·";

impl Lines {
    /// Appends the prediction of `text`, or why there is none.
    pub(super) fn push(&self, out: &mut String, text: &str, outcome: &Outcome) {
        match outcome {
            Ok(prediction) => {
                self.push_prediction(out, text, prediction);
                // A single sentence is the whole text.
                let sentences = prediction.sentences.as_deref().unwrap_or_default();
                for sentence in sentences.iter().filter(|_| sentences.len() > 1) {
                    self.push_sentence(out, text, sentence);
                }
            }
            Err(problem) => self.push_failure(out, text, problem),
        }
    }

    fn push_prediction(&self, out: &mut String, text: &str, prediction: &PredictSentimentResponse) {
        let columns = self.columns.unwrap_or(usize::MAX);
        let (sign, style) = mark(prediction.sentiment);
        let best = prediction.labels.first();
        let word = match (prediction.sentiment, best) {
            (Some(sentiment), _) => sentiment.as_str().to_owned(),
            (None, Some(best)) => cut(&best.label, LABEL.min(columns.saturating_sub(HEAD - WORD - BAR))),
            (None, None) => String::new(),
        };
        let confidence = prediction.confidence.map(domain::value_objects::Confidence::value);
        // Without probabilities the number of the best label is shown as it is.
        let figure = match (confidence, best) {
            (Some(share), _) => percent(share),
            (None, Some(best)) if prediction.sentiment != Some(Sentiment::Mixed) => best.score.to_string(),
            (None, _) => String::new(),
        };
        style.paint(out, self.color, &format!("{sign} {word}{}", spaces(WORD, width(&word))));
        out.push(' ');
        out.push_str(&spaces(6, width(&figure)));
        out.push_str(&figure);
        if columns >= WITH_BAR {
            out.push(' ');
            self.push_bar(out, style, confidence);
        }
        let mut used = HEAD;
        if columns >= WITH_SCORES {
            self.push_scores(out, prediction.sentiment, prediction.scores);
            used += SCORES;
        }
        used += width(&word).saturating_sub(WORD) + width(&figure).saturating_sub(6);
        if columns >= ONE_LINE {
            out.push_str(GAP);
            self.push_text(out, used + GAP.len(), text);
        } else {
            end_line(out);
            out.push_str(GAP);
            self.push_text(out, GAP.len(), text);
        }
        end_line(out);
    }

    /// Appends a bar of the confidence; its room where there is none.
    fn push_bar(&self, out: &mut String, style: Style, confidence: Option<f32>) {
        let Some(share) = confidence else { return out.push_str(&spaces(BAR, 0)) };
        let full = ((share * BAR as f32).round() as usize).min(BAR);
        style.paint(out, self.color, &"━".repeat(full));
        if full < BAR {
            Style::Muted.paint(out, self.color, &"─".repeat(BAR - full));
        }
    }

    /// Appends the scores of the sentiments other than that of the text, the two highest.
    fn push_scores(&self, out: &mut String, sentiment: Option<Sentiment>, scores: SentimentScores) {
        let others = [Sentiment::Positive, Sentiment::Neutral, Sentiment::Negative]
            .into_iter()
            .filter(|other| Some(*other) != sentiment)
            .filter_map(|other| Some((other, scores.of(other)?)));
        let mut others: Vec<_> = others.collect();
        if others.len() > 2 {
            others.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        }
        let mut line = String::new();
        for (other, score) in others.iter().take(2) {
            line.extend([GAP, mark(Some(*other)).0, &format!("{:>6}", percent(*score))]);
        }
        let missing = spaces(SCORES, width(&line));
        Style::Muted.paint(out, self.color, &line);
        out.push_str(&missing);
    }

    fn push_sentence(&self, out: &mut String, text: &str, sentence: &SentenceResult) {
        let (sign, style) = mark(sentence.sentiment);
        let part = (sentence.span.start as usize, sentence.span.end as usize);
        let part: String = text.chars().skip(part.0).take(part.1 - part.0).collect();
        let share = sentence.confidence.map_or_else(String::new, |share| percent(share.value()));
        out.push_str("    ");
        style.paint(out, self.color, sign);
        out.extend([" ", &spaces(6, share.len()), &share, GAP]);
        self.push_text(out, 4 + 1 + 1 + 6 + GAP.len(), &part);
        end_line(out);
    }

    fn push_failure(&self, out: &mut String, text: &str, problem: &str) {
        Style::Failure.paint(out, self.color, &format!("{FAILED} {:WORD$}", "failed"));
        out.push_str("   ");
        let used = 2 + WORD + 3;
        let problem = self
            .columns
            .map_or_else(|| printable(problem), |columns| cut(problem, columns.saturating_sub(used)));
        out.push_str(&problem);
        // What is left of the line shows which text it was.
        let used = used + width(&problem) + GAP.len();
        if !text.trim().is_empty() && self.columns.is_none_or(|columns| columns >= used + WORD) {
            out.push_str(GAP);
            self.push_text_as(out, used, text, Some(Style::Muted));
        }
        end_line(out);
    }

    /// Appends `text`, cut at the end of the line of which `used` columns are taken.
    fn push_text(&self, out: &mut String, used: usize, text: &str) {
        self.push_text_as(out, used, text, None);
    }

    fn push_text_as(&self, out: &mut String, used: usize, text: &str, style: Option<Style>) {
        let shown = match self.columns {
            Some(columns) => cut(text, columns.saturating_sub(used)),
            None => printable(text),
        };
        match style {
            Some(style) => style.paint(out, self.color, &shown),
            None => out.push_str(&shown),
        }
    }
}

/// The sign of a sentiment, and its style.
pub(super) fn mark(sentiment: Option<Sentiment>) -> (&'static str, Style) {
    match sentiment {
        Some(Sentiment::Positive) => ("+", Style::Positive),
        Some(Sentiment::Negative) => ("−", Style::Negative),
        Some(Sentiment::Neutral) => ("○", Style::Muted),
        Some(Sentiment::Mixed) => ("±", Style::Mixed),
        None => (UNMAPPED, Style::Muted),
    }
}

/// A fraction in percent with one digit, in at most six columns.
pub(super) fn percent(share: f32) -> String {
    format!("{:.1}%", f64::from(share) * 100.0)
}

/// The spaces that fill up `used` columns to `columns`.
fn spaces(columns: usize, used: usize) -> String {
    " ".repeat(columns.saturating_sub(used))
}

/// Ends a line, without spaces at its end.
fn end_line(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use application::dtos::PredictSentimentResponse;
    use domain::value_objects::{
        Confidence, LabelScore, Metadata, ModelRef, PredictionId, TextSpan, Timestamp, Usage,
    };

    use super::*;
    use crate::printable::width;

    fn scores(negative: f32, neutral: f32, positive: f32) -> SentimentScores {
        SentimentScores { negative: Some(negative), neutral: Some(neutral), positive: Some(positive) }
    }

    fn prediction(sentiment: Option<Sentiment>, scores: SentimentScores) -> PredictSentimentResponse {
        let confidence = sentiment.and_then(|sentiment| scores.of(sentiment));
        PredictSentimentResponse {
            id: PredictionId::from_u128(0),
            reference: None,
            sentiment,
            confidence: confidence.map(|value| Confidence::try_new("c", value).expect("a probability")),
            scores,
            labels: Vec::new(),
            sentences: None,
            model: ModelRef::new("m", "1"),
            usage: Usage { tokens: 3, windows: 1, truncated: false },
            cached: false,
            metadata: Metadata::default(),
            created_at: Timestamp::from_micros(0),
        }
    }

    /// Texts of several scripts and lengths with their outcomes.
    fn examples() -> Vec<(&'static str, Outcome)> {
        let sentence = |start, end, sentiment, value| SentenceResult {
            span: TextSpan { start, end },
            sentiment: Some(sentiment),
            confidence: Confidence::try_new("c", value).ok(),
            scores: SentimentScores::default(),
        };
        let mixed = PredictSentimentResponse {
            sentences: Some(vec![
                sentence(0, 10, Sentiment::Positive, 0.9731),
                sentence(11, 24, Sentiment::Negative, 0.8),
            ]),
            ..prediction(Some(Sentiment::Mixed), scores(0.4, 0.1, 0.5))
        };
        let label = LabelScore { label: "a label of the model".to_owned(), score: 3.25, logit: None };
        let unmapped =
            PredictSentimentResponse { labels: vec![label], ..prediction(None, SentimentScores::default()) };
        vec![
            ("I love it", Ok(prediction(Some(Sentiment::Positive), scores(0.0184, 0.0527, 0.9289)))),
            (
                "I hate it, I hate it, I hate it, I hate it, I hate it, I hate it, I hate it, I hate it.",
                Ok(prediction(Some(Sentiment::Negative), scores(0.9996, 0.0003, 0.0001))),
            ),
            ("The shop\nopens at nine", Ok(prediction(Some(Sentiment::Neutral), scores(0.1, 0.6, 0.3)))),
            (
                "日本語のテキストはとても長いので、端末の幅で切り取られます。日本語のテキストはとても長いので、端末の幅で切り取られます。",
                Ok(prediction(Some(Sentiment::Positive), scores(0.2, 0.3, 0.5))),
            ),
            (
                "👨‍👩‍👧‍👦 \u{1b}[31mred\u{1b}]0;title\u{7} \u{202e}desrever",
                Ok(prediction(Some(Sentiment::Negative), scores(1.0, 0.0, 0.0))),
            ),
            ("Good food. Slow service.", Ok(mixed)),
            ("raw", Ok(unmapped)),
            ("too long", Err("text must have at most 2 tokens, not 3".to_owned())),
            ("", Err("the line is not UTF-8".to_owned())),
        ]
    }

    fn shown(columns: Option<usize>, color: bool) -> String {
        let mut out = String::new();
        for (text, outcome) in examples() {
            Lines { columns, color }.push(&mut out, text, &outcome);
        }
        out
    }

    #[test]
    fn predictions_for_people_at_every_width() {
        insta::assert_snapshot!("wide", shown(Some(120), false));
        insta::assert_snapshot!("usual", shown(Some(80), false));
        insta::assert_snapshot!("medium", shown(Some(60), false));
        insta::assert_snapshot!("narrow", shown(Some(40), false));
        insta::assert_snapshot!("no_terminal", shown(None, false));
        insta::assert_snapshot!("color", shown(Some(120), true).replace('\u{1b}', "ESC"));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 24..200 {
            for line in shown(Some(columns), false).lines() {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn every_escape_sequence_is_one_of_the_styles() {
        let line = shown(Some(120), true);
        let sequences = line.split('\u{1b}').skip(1);
        for sequence in sequences {
            let is_style = ["[36m", "[31m", "[35m", "[2m", "[1;31m", "[0m"];
            assert!(is_style.iter().any(|style| sequence.starts_with(style)), "{sequence}");
        }
        assert!(!shown(None, false).contains('\u{1b}'));
    }
}
