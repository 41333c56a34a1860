use metrics::{Unit, describe_counter};

pub(crate) const JWKS_FETCHES: &str = "undertone_jwks_fetches_total";

/// Describes this crate's metrics to the recorder of the process. Must be called once, after it is installed.
pub fn describe_metrics() {
    describe_counter!(
        JWKS_FETCHES,
        Unit::Count,
        "Requests for the keys of the identity provider, by outcome: success, unreachable, timeout, status, too_large, \
         malformed"
    );
}
