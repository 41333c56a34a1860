use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;

use application::dtos::LimitsChange;
use clap::Args;
use domain::errors::DomainError;
use domain::value_objects::{Limits, Rate};

/// The options that set limits.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Limits (`none` removes one)")]
pub(super) struct LimitArgs {
    /// Requests per second, and after a colon the most at once: 10 or 10:50 [default burst: the rate]
    #[arg(long, value_name = "RATE", value_parser = parse_requests)]
    requests: Option<Setting<Rate>>,
    /// Texts per second, and after a colon the most at once, which limits the size of a batch: 100 or 100:5000
    /// [default burst: the rate, at least 1000]
    #[arg(long, value_name = "RATE", value_parser = parse_texts)]
    texts: Option<Setting<Rate>>,
    /// Requests at the same time
    #[arg(long, value_name = "N", value_parser = parse_number::<NonZeroU32>)]
    concurrent: Option<Setting<NonZeroU32>>,
    /// Texts of a day, which begins at 00:00 UTC; of all replicas together
    #[arg(long, value_name = "N", value_parser = parse_number::<NonZeroU64>)]
    texts_per_day: Option<Setting<NonZeroU64>>,
}

/// The value of an option: a limit, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setting<T> {
    Limited(T),
    Unlimited,
}

/// The word for no limit.
const NONE: &str = "none";

impl LimitArgs {
    /// Returns the change that the options describe; none where none of them was given.
    pub(super) fn change(self) -> Option<LimitsChange> {
        let change = LimitsChange {
            requests: self.requests.map(Setting::into_option),
            texts: self.texts.map(Setting::into_option),
            concurrent: self.concurrent.map(Setting::into_option),
            texts_per_day: self.texts_per_day.map(Setting::into_option),
        };
        Some(change).filter(|change| *change != LimitsChange::default())
    }
}

impl<T> Setting<T> {
    fn into_option(self) -> Option<T> {
        match self {
            Self::Limited(limit) => Some(limit),
            Self::Unlimited => None,
        }
    }
}

/// Returns `limits` as lines, one for each kind of limit.
pub(super) fn as_lines(limits: &Limits) -> String {
    let rate = |rate: Rate| format!("{} per second, at most {} at once", rate.per_second, rate.burst);
    [
        ("requests", limits.requests.map(rate)),
        ("texts", limits.texts.map(rate)),
        ("concurrent", limits.concurrent.map(|most| format!("{most} requests"))),
        ("texts per day", limits.texts_per_day.map(|most| most.to_string())),
    ]
    .map(|(name, limit)| format!("{name:<13}  {}\n", limit.unwrap_or_else(|| "unlimited".to_owned())))
    .concat()
}

fn parse_requests(text: &str) -> Result<Setting<Rate>, String> {
    parse_rate(text, Rate::of_requests)
}

fn parse_texts(text: &str) -> Result<Setting<Rate>, String> {
    parse_rate(text, Rate::of_texts)
}

/// Parses `N` or `N:BURST`, which `rate` makes a rate, or `none`.
fn parse_rate(
    text: &str,
    rate: impl FnOnce(&'static str, u32, Option<u32>) -> Result<Rate, DomainError>,
) -> Result<Setting<Rate>, String> {
    if text == NONE {
        return Ok(Setting::Unlimited);
    }
    let (per_second, burst) = text.split_once(':').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
    let burst = burst.map(str::parse).transpose();
    let parsed = per_second.parse().ok().zip(burst.ok());
    // The name of the field is only in an error, which is replaced.
    let parsed = parsed.and_then(|(per_second, burst)| rate("rate", per_second, burst).ok());
    parsed.map(Setting::Limited).ok_or_else(|| {
        let most = Rate::MAX;
        format!(
            "expected a rate such as 10 or a rate with a burst such as 10:50, from 1 to {most}, or {NONE}"
        )
    })
}

fn parse_number<N: FromStr>(text: &str) -> Result<Setting<N>, String> {
    if text == NONE {
        return Ok(Setting::Unlimited);
    }
    text.parse().map(Setting::Limited).map_err(|_| format!("expected a number from 1, or {NONE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: u32, burst: u32) -> Setting<Rate> {
        Setting::Limited(Rate::try_new("rate", per_second, burst).expect("a rate"))
    }

    #[test]
    fn a_rate_has_a_burst_or_a_default_one() {
        assert_eq!(parse_requests("10"), Ok(rate(10, 10)));
        assert_eq!(parse_requests("10:50"), Ok(rate(10, 50)));
        assert_eq!(parse_texts("10"), Ok(rate(10, 1_000)));
        assert_eq!(parse_texts("5000"), Ok(rate(5_000, 5_000)));
        assert_eq!(parse_texts("10:7"), Ok(rate(10, 7)));
        assert_eq!(parse_texts("none"), Ok(Setting::Unlimited));
        for bad in ["", "0", "1:0", "-1", "10:", ":10", "1:2:3", "1.5", "1000001", "unlimited", "10/s"] {
            let error = parse_requests(bad).expect_err(bad);
            assert!(error.contains("10:50") && error.contains("none"), "{error}");
        }
    }

    #[test]
    fn a_number_is_at_least_one() {
        assert_eq!(parse_number("3"), Ok(Setting::Limited(NonZeroU32::MIN.saturating_add(2))));
        assert_eq!(parse_number::<NonZeroU64>("none"), Ok(Setting::Unlimited));
        for bad in ["0", "-1", "", "many", "4294967296"] {
            assert!(parse_number::<NonZeroU32>(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn what_is_not_given_is_not_changed() {
        assert_eq!(LimitArgs::default().change(), None);
        let args = LimitArgs { requests: Some(Setting::Unlimited), ..LimitArgs::default() };
        let expected = LimitsChange { requests: Some(None), ..LimitsChange::default() };
        assert_eq!(args.change(), Some(expected));
    }

    #[test]
    fn limits_are_listed_with_their_names() {
        let limits = Limits {
            requests: rate(10, 50).into_option(),
            concurrent: NonZeroU32::new(4),
            ..Limits::default()
        };
        let expected = "\
requests       10 per second, at most 50 at once
texts          unlimited
concurrent     4 requests
texts per day  unlimited
";
        assert_eq!(as_lines(&limits), expected);
    }
}
