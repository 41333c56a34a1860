use domain::value_objects::{IdempotencyKey, RequestDigest};

/// A request that its client may send again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Its key.
    pub key: IdempotencyKey,
    /// By what another request with the same key is recognized as the same.
    pub digest: RequestDigest,
}

/// A response, and whether the request was answered before.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// The response.
    pub response: T,
    /// Whether it repeats the first answer to the request.
    pub replayed: bool,
}
