use std::sync::Arc;

use async_trait::async_trait;
use domain::value_objects::{ReadOptions, TenantId, Usage, WindowOutput};

/// Keeps what a model said for a while, so that it need not read the same text again.
///
/// Implementations must give back exactly what was put, must keep tenants and keys apart, must give an entry no longer
/// than its time to live after it was put, and may forget it earlier. They must treat a failure of their own as an
/// entry that is not there: a cache may save work, and never costs an answer.
#[async_trait]
pub trait CacheGateway: Send + Sync {
    /// What is kept under each of `keys`, in their order.
    async fn get_many(&self, tenant: &TenantId, keys: &[CacheKey]) -> Vec<Option<CachedOutput>>;

    /// Keeps `outputs`, each in the place of what was kept under its key.
    async fn put_many(&self, tenant: &TenantId, outputs: Vec<(CacheKey, CachedOutput)>);
}

/// What an output is kept under, beside its tenant: everything that decides what the model computes, and never the text
/// itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// SHA-256 of the weights, as [`ModelInfo`](crate::ports::ModelInfo) has it.
    pub weights: Arc<str>,
    /// The arithmetic in use, such as `f32`.
    pub precision: Arc<str>,
    /// The number of the gateway in this process: the same weights may be loaded with another tokenizer or other windows.
    pub generation: u64,
    /// SHA-256 of the text in UTF-8.
    pub text: [u8; 32],
    /// How the text was to be read.
    pub options: ReadOptions,
}

/// What a model computed from one text: a [`ModelOutput`](domain::value_objects::ModelOutput) without what the loaded
/// model says of itself. What a caller may choose about an answer, but for how the text is read, is applied after it.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedOutput {
    /// One entry a window, in reading order, never empty.
    pub windows: Vec<WindowOutput>,
    /// What the reading took.
    pub usage: Usage,
}
