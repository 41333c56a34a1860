use std::time::Duration;

use domain::value_objects::Sentiment;

use super::Outcome;
use super::lines::{mark, percent};
use crate::color::Style;
use crate::numbers::grouped;

/// What was written so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// The texts, with those that failed.
    pub(super) texts: u64,
    pub(super) failed: u64,
    tokens: u64,
    positive: u64,
    neutral: u64,
    negative: u64,
    mixed: u64,
}

impl Tally {
    /// Counts one more text.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.texts += 1;
        let Ok(prediction) = outcome else { return self.failed += 1 };
        self.tokens += u64::from(prediction.usage.tokens);
        match prediction.sentiment {
            Some(Sentiment::Positive) => self.positive += 1,
            Some(Sentiment::Neutral) => self.neutral += 1,
            Some(Sentiment::Negative) => self.negative += 1,
            Some(Sentiment::Mixed) => self.mixed += 1,
            None => {}
        }
    }

    /// The texts per second, if they took `elapsed`.
    pub(super) fn rate(&self, elapsed: Duration) -> f64 {
        self.texts as f64 / elapsed.as_secs_f64().max(1e-3)
    }

    /// Returns the summary: how many texts, how fast, and a line for each sentiment that occurred with its share of the
    /// predictions.
    pub(super) fn summary(&self, elapsed: Duration, color: bool) -> String {
        let texts = if self.texts == 1 { "text" } else { "texts" };
        let mut out = format!(
            "{} {texts} in {}, {} texts/s, {} tokens\n",
            grouped(self.texts),
            clock(elapsed),
            grouped(self.rate(elapsed).round() as u64),
            grouped(self.tokens)
        );
        let predicted = (self.texts - self.failed).max(1);
        for (sentiment, count) in [
            (Sentiment::Positive, self.positive),
            (Sentiment::Neutral, self.neutral),
            (Sentiment::Negative, self.negative),
            (Sentiment::Mixed, self.mixed),
        ] {
            if count > 0 {
                let (sign, style) = mark(Some(sentiment));
                let share = percent((count as f64 / predicted as f64) as f32);
                style.paint(&mut out, color, &format!("  {sign} {:<8}", sentiment.as_str()));
                out.extend([format!(" {:>11} {share:>6}\n", grouped(count))]);
            }
        }
        if self.failed > 0 {
            Style::Failure.paint(&mut out, color, &format!("  ! {:<8}", "failed"));
            out.extend([format!(" {:>11}\n", grouped(self.failed))]);
        }
        out
    }
}

/// A duration for people: `85 ms`, `6.8 s`, or `1:05` and `1:02:05` from a minute on.
pub(super) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{} ms", duration.as_millis()),
        (0, 0, _) => format!("{:.1} s", duration.as_secs_f64()),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_a_line_for_each_sentiment_that_occurred() {
        let tally = Tally {
            texts: 12_284,
            failed: 2,
            tokens: 291_022,
            positive: 5_120,
            negative: 7_162,
            ..Tally::default()
        };
        let expected = "\
12,284 texts in 6.8 s, 1,802 texts/s, 291,022 tokens
  + positive       5,120  41.7%
  − negative       7,162  58.3%
  ! failed             2
";
        assert_eq!(tally.summary(Duration::from_millis(6_817), false), expected);
        assert!(tally.summary(Duration::from_secs(7), true).contains("\u{1b}[36m  + positive"));
    }

    #[test]
    fn durations_have_minutes_and_hours_where_there_are_any() {
        let shown = |seconds: f64| clock(Duration::from_secs_f64(seconds));
        assert_eq!([0.04, 59.9, 65.0, 3_725.0].map(shown), ["40 ms", "59.9 s", "1:05", "1:02:05"]);
    }
}
