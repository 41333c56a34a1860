//! The headers `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11).
//!
//! There are three policies, of those that limit the caller: `requests` and `texts`, the rates, whose quota `q` is the
//! burst and whose window `w` is the seconds in which an unused rate allows it again; and `texts-day`, the texts of a
//! day (UTC). Where both the tenant and the caller have a policy, the one with less remaining is reported.
//!
//! The draft registers no unit for texts. The policies of texts say `qu="texts"` all the same, because without `qu`
//! their unit would be requests. `t` is the seconds, rounded up, until the whole quota is available again, but no more
//! than `Retry-After` in the same response, which must not be earlier (section 6).

use std::fmt::Write;
use std::time::Duration;

use application::ports::{LimitPolicy, LimitsStanding, PrincipalStanding};

/// The values of both headers: structured fields (RFC 9651), each a list of strings with parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RateLimitFields {
    pub(crate) policy: String,
    pub(crate) limit: String,
}

/// The largest integer of a structured field.
const MAX_INTEGER: u64 = 999_999_999_999_999;

/// The seconds of a day.
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// A policy and what is left of it.
struct Item {
    policy: LimitPolicy,
    quota: u64,
    window_s: u64,
    remaining: u64,
    full_in: Duration,
}

/// Presents what is left of the limits of the sender of a request, in a response with this `Retry-After` in seconds.
/// Returns none where no policy limits it.
pub(crate) fn present_rate_limit(
    standing: &PrincipalStanding,
    retry_after: Option<u64>,
) -> Option<RateLimitFields> {
    let mut fields = RateLimitFields { policy: String::new(), limit: String::new() };
    let (of_tenant, own) = (items(&standing.tenant), standing.own.as_ref().map(items).unwrap_or_default());
    for (of_tenant, own) in of_tenant.into_iter().zip(own) {
        let tighter = [of_tenant, own].into_iter().flatten().min_by_key(|item| item.remaining);
        if let Some(item) = tighter {
            item.append_to(&mut fields, retry_after);
        }
    }
    (!fields.policy.is_empty()).then_some(fields)
}

/// Returns the items of the policies, in their order.
fn items(standing: &LimitsStanding) -> [Option<Item>; 3] {
    let rates = [(LimitPolicy::Requests, standing.requests), (LimitPolicy::Texts, standing.texts)];
    let [requests, texts] = rates.map(|(policy, standing)| {
        standing.map(|standing| Item {
            policy,
            quota: standing.rate.burst.get().into(),
            window_s: standing.rate.window_seconds().into(),
            remaining: standing.remaining.into(),
            full_in: standing.full_in,
        })
    });
    let day = standing.texts_today.map(|today| Item {
        policy: LimitPolicy::TextsPerDay,
        quota: today.quota,
        window_s: DAY_SECONDS,
        remaining: today.quota.saturating_sub(today.used),
        full_in: today.ends_in,
    });
    [requests, texts, day]
}

impl Item {
    fn append_to(&self, fields: &mut RateLimitFields, retry_after: Option<u64>) {
        let separator = if fields.policy.is_empty() { "" } else { ", " };
        let name = self.policy.as_str();
        let unit = if self.policy == LimitPolicy::Requests { "" } else { ";qu=\"texts\"" };
        let [quota, remaining] = [self.quota, self.remaining].map(|integer| integer.min(MAX_INTEGER));
        let full_in_s = self.full_in.as_secs() + u64::from(self.full_in.subsec_nanos() > 0);
        let window_end_s = retry_after.map_or(full_in_s, |wait| wait.min(full_in_s));
        // Writing to a string cannot fail.
        let _ = write!(fields.policy, "{separator}\"{name}\";q={quota};w={}{unit}", self.window_s);
        let _ = write!(fields.limit, "{separator}\"{name}\";r={remaining};t={window_end_s}");
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use application::ports::{ConcurrencyStanding, QuotaStanding, RateStanding};
    use domain::value_objects::Rate;

    use super::*;

    fn rate(per_second: u32, burst: u32, remaining: u32, full_in_ms: u64) -> RateStanding {
        let rate = Rate::try_new("limits", per_second, burst).unwrap();
        RateStanding { rate, remaining, full_in: Duration::from_millis(full_in_ms) }
    }

    fn quota(quota: u64, used: u64) -> QuotaStanding {
        QuotaStanding { quota, used, ends_in: Duration::from_hours(1) }
    }

    fn fields(standing: &PrincipalStanding, retry_after: Option<u64>) -> (String, String) {
        let fields = present_rate_limit(standing, retry_after).unwrap();
        (fields.policy, fields.limit)
    }

    #[test]
    fn each_policy_has_its_quota_window_and_unit() {
        let tenant = LimitsStanding {
            requests: Some(rate(10, 20, 19, 100)),
            texts: Some(rate(10, 1_000, 1_000, 0)),
            concurrent: Some(ConcurrencyStanding { max: 4, in_use: 1 }),
            texts_today: Some(quota(u64::MAX, 1)),
        };
        let standing = PrincipalStanding { tenant, own: None };
        let (policy, limit) = fields(&standing, None);
        assert_eq!(
            policy,
            "\"requests\";q=20;w=2, \"texts\";q=1000;w=100;qu=\"texts\", \
             \"texts-day\";q=999999999999999;w=86400;qu=\"texts\""
        );
        assert_eq!(
            limit,
            "\"requests\";r=19;t=1, \"texts\";r=1000;t=0, \"texts-day\";r=999999999999999;t=3600"
        );
    }

    #[test]
    fn of_tenant_and_caller_the_one_with_less_remaining_is_reported() {
        let tenant = LimitsStanding {
            requests: Some(rate(10, 20, 3, 1_700)),
            texts_today: Some(quota(100, 200)),
            ..LimitsStanding::default()
        };
        let own = LimitsStanding {
            requests: Some(rate(1, 5, 4, 1_000)),
            texts: Some(rate(1, 60, 2, 58_000)),
            texts_today: Some(quota(50, 10)),
            ..LimitsStanding::default()
        };
        let (policy, limit) = fields(&PrincipalStanding { tenant, own: Some(own) }, None);
        assert_eq!(
            policy,
            "\"requests\";q=20;w=2, \"texts\";q=60;w=60;qu=\"texts\", \"texts-day\";q=100;w=86400;qu=\"texts\""
        );
        assert_eq!(limit, "\"requests\";r=3;t=2, \"texts\";r=2;t=58, \"texts-day\";r=0;t=3600");
    }

    #[test]
    fn retry_after_is_never_earlier_than_the_end_of_a_window() {
        let tenant = LimitsStanding { requests: Some(rate(1, 60, 0, 60_000)), ..LimitsStanding::default() };
        let standing = PrincipalStanding { tenant, own: None };
        assert_eq!(fields(&standing, None).1, "\"requests\";r=0;t=60");
        assert_eq!(fields(&standing, Some(1)).1, "\"requests\";r=0;t=1");
    }

    #[test]
    fn nothing_is_reported_where_only_concurrent_requests_are_limited() {
        let concurrent = Some(ConcurrencyStanding { max: 1, in_use: 1 });
        let tenant = LimitsStanding { concurrent, ..LimitsStanding::default() };
        assert_eq!(present_rate_limit(&PrincipalStanding { tenant, own: None }, None), None);
    }
}
