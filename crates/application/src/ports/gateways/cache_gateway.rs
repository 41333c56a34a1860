use std::sync::Arc;

use async_trait::async_trait;
use domain::value_objects::{ReadOptions, TenantId, Usage, WindowOutput};

/// Caches a model's outputs.
///
/// Implementations must return exactly what was put, must separate tenants and keys, must not return an entry after its
/// time to live, and may evict it earlier. They must treat a failure of their own as a miss: a cache saves work and
/// never fails a request.
#[async_trait]
pub trait CacheGateway: Send + Sync {
    /// The entry of each of `keys`, in their order.
    async fn get_many(&self, tenant: &TenantId, keys: &[CacheKey]) -> Vec<Option<CachedOutput>>;

    /// Stores `outputs`, replacing entries of the same keys.
    async fn put_many(&self, tenant: &TenantId, outputs: Vec<(CacheKey, CachedOutput)>);
}

/// Identifies an output, beside its tenant: everything that determines what the model computes, and never the text
/// itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// SHA-256 of the weights, as [`ModelInfo`](crate::ports::ModelInfo) has it.
    pub weights: Arc<str>,
    /// The arithmetic in use, such as `f32`.
    pub precision: Arc<str>,
    /// The number of the gateway in this process: the same weights may be loaded with another tokenizer or other
    /// windows.
    pub generation: u64,
    /// SHA-256 of the text in UTF-8.
    pub text: [u8; 32],
    /// The options that determine what the model reads.
    pub options: ReadOptions,
}

/// A [`ModelOutput`](domain::value_objects::ModelOutput) without model and labels. The options other than
/// [`ReadOptions`] are applied afterwards, so they do not affect it.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedOutput {
    /// One entry a window, in reading order; never empty.
    pub windows: Vec<WindowOutput>,
    /// Tokens and windows.
    pub usage: Usage,
}
