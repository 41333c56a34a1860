use std::num::{NonZeroU32, NonZeroU64};

use domain::value_objects::{Limits, Rate};
use serde::{Deserialize, Serialize};

/// Limits as they are stored; what a newer release adds is ignored.
#[derive(Serialize, Deserialize)]
struct StoredLimits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests: Option<StoredRate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    texts: Option<StoredRate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    concurrent: Option<NonZeroU32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    texts_per_day: Option<NonZeroU64>,
}

#[derive(Serialize, Deserialize)]
struct StoredRate {
    per_second: u32,
    burst: u32,
}

/// The object of `limits`; none where nothing is limited.
pub fn write_limits(limits: &Limits) -> Option<String> {
    if limits.is_unlimited() {
        return None;
    }
    let rate = |rate: Rate| StoredRate { per_second: rate.per_second.get(), burst: rate.burst.get() };
    let stored = StoredLimits {
        requests: limits.requests.map(rate),
        texts: limits.texts.map(rate),
        concurrent: limits.concurrent,
        texts_per_day: limits.texts_per_day,
    };
    serde_json::to_string(&stored).ok()
}

/// The limits that [`write_limits`] wrote; none where `json` is anything else.
pub(crate) fn read_limits(json: Option<&str>) -> Option<Limits> {
    let Some(json) = json else { return Some(Limits::default()) };
    let stored: StoredLimits = serde_json::from_str(json).ok()?;
    let rate = |rate: StoredRate| Rate::try_new("limits", rate.per_second, rate.burst);
    Some(Limits {
        requests: stored.requests.map(rate).transpose().ok()?,
        texts: stored.texts.map(rate).transpose().ok()?,
        concurrent: stored.concurrent,
        texts_per_day: stored.texts_per_day,
    })
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn limits_come_back_as_they_were_stored() {
        let rate = Rate::try_new("limits.texts", 10, 20).ok();
        let all = Limits {
            requests: rate,
            texts: rate,
            concurrent: NonZeroU32::new(4),
            texts_per_day: NonZeroU64::new(u64::MAX),
        };
        let one = Limits { texts_per_day: NonZeroU64::new(1), ..Limits::default() };
        for limits in [all, one, Limits::default()] {
            assert_eq!(read_limits(write_limits(&limits).as_deref()), Some(limits));
        }
        assert_eq!(write_limits(&Limits::default()), None);
        assert_eq!(write_limits(&one).expect("limits"), r#"{"texts_per_day":1}"#);
    }

    #[test]
    fn what_a_newer_release_adds_is_ignored_and_anything_else_is_not_read() {
        assert_eq!(read_limits(Some(r#"{"tokens":{"per_second":1}}"#)), Some(Limits::default()));
        for bad in ["", "7", r#"{"concurrent":0}"#, r#"{"texts":{"per_second":1}}"#] {
            assert_eq!(read_limits(Some(bad)), None, "{bad}");
        }
    }

    #[test]
    fn rates_that_are_out_of_range_are_not_read() {
        for rate in [(0, 1), (1, 0), (Rate::MAX + 1, 1), (1, Rate::MAX + 1), (u32::MAX, u32::MAX)] {
            let (per_second, burst) = rate;
            for field in ["requests", "texts"] {
                let json = format!(r#"{{"{field}":{{"per_second":{per_second},"burst":{burst}}}}}"#);
                assert_eq!(read_limits(Some(&json)), None, "{json}");
            }
        }
    }
}
