use std::any::Any;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use domain::value_objects::{Limits, Rate, TenantId};

/// Whose use of the service is counted and limited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Principal {
    /// The tenant.
    pub tenant: TenantId,
    /// What all callers of the tenant may use together.
    pub limits: Limits,
    /// The caller, where it has limits of its own.
    pub own: Option<OwnLimits>,
}

/// A caller with limits of its own, which apply beside those of its tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnLimits {
    /// The caller's name within the tenant: `key:` and the id of the key, or `token:` with issuer and subject.
    pub id: String,
    /// What it may use.
    pub limits: Limits,
}

impl Principal {
    /// A tenant without limits.
    pub fn unlimited(tenant: TenantId) -> Self {
        Self { tenant, limits: Limits::default(), own: None }
    }
}

/// Limits the rates of requests and texts and the concurrent requests of principals, by the generic cell rate algorithm
/// (ITU-T I.371).
///
/// Implementations must allow `rate × time + burst` and no more, must count concurrent requests exactly, must check
/// the limits of the tenant and of the caller together (what one of them refuses is not counted by the other), must
/// count principals apart, and must use bounded memory. The daily quota is enforced where the texts are counted, by
/// the commit of their unit of work; implementations should refuse by it earlier, from sums that are at most a few
/// seconds old.
#[async_trait]
pub trait UsageLimiter: Send + Sync {
    /// Counts a request that begins; it ends when the permit is dropped.
    ///
    /// # Errors
    /// `Exceeded` with the policy `Requests` or `Concurrent`.
    async fn begin_request(&self, principal: &Principal) -> Result<RequestPermit, LimitError>;

    /// Counts `texts` that are about to be classified.
    ///
    /// # Errors
    /// `Exceeded` with the policy `Texts` or `TextsPerDay`; `TooManyAtOnce`. Then none of them is counted.
    async fn take_texts(&self, principal: &Principal, texts: NonZeroU32) -> Result<(), LimitError>;

    /// Waits until the rate allows one more text, and counts it.
    ///
    /// # Errors
    /// `Exceeded` with the policy `TextsPerDay`.
    async fn wait_for_text(&self, principal: &Principal) -> Result<(), LimitError>;

    /// Returns what is left of the limits.
    fn standing(&self, principal: &Principal) -> PrincipalStanding;
}

/// A counted request; dropping it ends the request.
pub struct RequestPermit(Option<Box<dyn Any + Send + Sync>>);

impl RequestPermit {
    /// A permit that holds `guard` until it is dropped.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Some(Box::new(guard)))
    }

    /// The permit of a request that is not counted.
    pub fn uncounted() -> Self {
        Self(None)
    }
}

impl fmt::Debug for RequestPermit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("RequestPermit").field(&self.0.is_some()).finish()
    }
}

/// A kind of limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitPolicy {
    /// The rate of requests.
    Requests,
    /// The rate of texts.
    Texts,
    /// The concurrent requests.
    Concurrent,
    /// The texts of a day.
    TextsPerDay,
}

impl LimitPolicy {
    /// Returns the name on the wire, such as `texts-day`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Texts => "texts",
            Self::Concurrent => "concurrent",
            Self::TextsPerDay => "texts-day",
        }
    }
}

/// Why a request or its texts are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The limit is reached.
    #[error("the limit {} is reached", .policy.as_str())]
    Exceeded {
        /// The limit.
        policy: LimitPolicy,
        /// How long to wait before another attempt.
        retry_after: Duration,
    },
    /// More texts than the burst are never allowed at once.
    #[error("at most {max} texts are allowed at once")]
    TooManyAtOnce {
        /// The burst.
        max: u32,
    },
}

/// What is left of the limits of a principal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrincipalStanding {
    /// Of those of the tenant.
    pub tenant: LimitsStanding,
    /// Of those of the caller, where it has limits of its own.
    pub own: Option<LimitsStanding>,
}

/// What is left of some limits; none of what is not limited.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LimitsStanding {
    /// The rate of requests.
    pub requests: Option<RateStanding>,
    /// The rate of texts.
    pub texts: Option<RateStanding>,
    /// The concurrent requests.
    pub concurrent: Option<ConcurrencyStanding>,
    /// The texts of the day.
    pub texts_today: Option<QuotaStanding>,
}

/// What is left of a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateStanding {
    /// The rate.
    pub rate: Rate,
    /// How many are allowed at once now.
    pub remaining: u32,
    /// How long until the whole burst is allowed, if nothing is used meanwhile.
    pub full_in: Duration,
}

/// What is left of the concurrent requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcurrencyStanding {
    /// The limit.
    pub max: u32,
    /// The requests in progress.
    pub in_use: u32,
}

/// What is left of the texts of the day, by sums that are at most a few seconds old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaStanding {
    /// The limit.
    pub quota: u64,
    /// The texts of this day.
    pub used: u64,
    /// How long until the day (UTC) ends.
    pub ends_in: Duration,
}
