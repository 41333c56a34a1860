use std::num::NonZeroU64;

use application::dtos::GetUsageResponse;
use application::ports::{ConcurrencyStanding, LimitsStanding, RateStanding};
use domain::value_objects::TenantId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::presenters::present_timestamp;

/// What a caller and its tenant have used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageReport)]
pub(crate) struct UsageView {
    /// The tenant that the caller acts for.
    #[schema(example = "default")]
    tenant: String,
    /// When the day (UTC) of `texts_today` ends.
    #[schema(format = DateTime, example = "2026-02-01T00:00:00.000000Z")]
    day_ends_at: String,
    /// The texts of this day that all callers of the tenant had classified, or answered from the cache.
    texts_today: u64,
    limits: UsedLimitsView,
    /// The key or the subject of the token, where it has limits of its own.
    #[schema(required = true)]
    key: Option<KeyUsageView>,
}

/// What a caller with limits of its own has used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyUsage)]
struct KeyUsageView {
    /// The texts of this day; only where they are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    texts_today: Option<u64>,
    limits: UsedLimitsView,
}

/// Limits, and what is left of each; null for what is not limited.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsedLimits)]
struct UsedLimitsView {
    /// The rate of requests.
    #[schema(required = true)]
    requests: Option<UsedRateView>,
    /// The rate of texts.
    #[schema(required = true)]
    texts: Option<UsedRateView>,
    /// The requests at the same time.
    #[schema(required = true)]
    concurrent: Option<UsedConcurrencyView>,
    /// The texts of a day (UTC).
    #[schema(required = true)]
    texts_per_day: Option<UsedQuotaView>,
}

/// A rate, and how many are allowed at once now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsedRate)]
struct UsedRateView {
    /// The average of a second.
    #[schema(example = 10)]
    per_second: u32,
    /// The most at once.
    #[schema(example = 20)]
    burst: u32,
    /// How many are allowed at once now.
    #[schema(example = 19)]
    remaining: u32,
}

/// The requests at the same time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsedConcurrency)]
struct UsedConcurrencyView {
    /// The most.
    max: u32,
    /// Those in progress, this one included.
    in_use: u32,
}

/// The texts of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsedQuota)]
struct UsedQuotaView {
    /// The most.
    quota: u64,
    /// Those of this day.
    used: u64,
    /// Those that are left.
    remaining: u64,
}

/// Presents what a caller and its tenant have used.
pub(crate) fn present_usage(usage: &GetUsageResponse) -> UsageView {
    let GetUsageResponse { principal, standing, texts_today, own_texts_today, day_ends_at } = usage;
    let key = principal.own.as_ref().map(|own| {
        let quota = own.limits.texts_per_day.zip(*own_texts_today);
        let none = LimitsStanding::default();
        let limits = present_used(standing.own.as_ref().unwrap_or(&none), quota);
        KeyUsageView { texts_today: *own_texts_today, limits }
    });
    let quota = principal.limits.texts_per_day.map(|quota| (quota, *texts_today));
    UsageView {
        tenant: TenantId::to_string(&principal.tenant),
        day_ends_at: present_timestamp(*day_ends_at),
        texts_today: *texts_today,
        limits: present_used(&standing.tenant, quota),
        key,
    }
}

/// Presents what is left of limits; of the texts of the day by `quota`, the most and those that the store has counted.
fn present_used(standing: &LimitsStanding, quota: Option<(NonZeroU64, u64)>) -> UsedLimitsView {
    let rate = |RateStanding { rate, remaining, .. }: RateStanding| UsedRateView {
        per_second: rate.per_second.get(),
        burst: rate.burst.get(),
        remaining,
    };
    let concurrent = |ConcurrencyStanding { max, in_use }| UsedConcurrencyView { max, in_use };
    UsedLimitsView {
        requests: standing.requests.map(rate),
        texts: standing.texts.map(rate),
        concurrent: standing.concurrent.map(concurrent),
        texts_per_day: quota.map(|(quota, used)| {
            let quota = quota.get();
            UsedQuotaView { quota, used, remaining: quota.saturating_sub(used) }
        }),
    }
}
