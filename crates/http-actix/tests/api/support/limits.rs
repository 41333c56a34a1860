use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use actix_web::test::TestRequest;
use application::ports::{
    LimitError, LimitPolicy, LimitsStanding, QuotaStanding, RateStanding, UnitOfWork, WriteStore,
};
use domain::value_objects::{Limits, Rate, TenantId};

use crate::support::Service;

pub(crate) fn exceeded(policy: LimitPolicy, retry_after: Duration) -> LimitError {
    LimitError::Exceeded { policy, retry_after }
}

/// Limits the tenant `default`.
pub(crate) async fn limit_tenant(service: &Service, limits: Limits) {
    let mut work = UnitOfWork::of(&TenantId::default());
    work.set_tenant_limits(limits);
    service.store.commit(work).await.unwrap();
}

pub(crate) fn all_limits() -> Limits {
    Limits {
        requests: Rate::try_new("limits.requests", 10, 20).ok(),
        texts: Rate::try_new("limits.texts", 10, 1_000).ok(),
        concurrent: NonZeroU32::new(4),
        texts_per_day: NonZeroU64::new(50),
    }
}

/// What is left of [`all_limits`].
pub(crate) fn standing() -> LimitsStanding {
    let rate = |rate: Option<Rate>, remaining, millis| {
        Some(RateStanding { rate: rate.unwrap(), remaining, full_in: Duration::from_millis(millis) })
    };
    let limits = all_limits();
    LimitsStanding {
        requests: rate(limits.requests, 19, 100),
        texts: rate(limits.texts, 940, 6_000),
        concurrent: None,
        texts_today: Some(QuotaStanding { quota: 50, used: 8, ends_in: Duration::from_mins(502) }),
    }
}

/// A request for a stream of these lines.
pub(crate) fn stream_of(lines: &str) -> TestRequest {
    let request = TestRequest::post()
        .uri("/api/v1/predictions/stream")
        .insert_header(("content-type", "application/x-ndjson"));
    request.set_payload(lines.to_owned())
}
