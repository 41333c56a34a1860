use std::sync::Arc;

use crate::value_objects::{LabelSet, ModelRef, Usage};

/// What a model said about one text, before any policy: the logits of every window it was read in.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelOutput {
    /// One entry a window, in reading order, never empty.
    pub windows: Vec<WindowOutput>,
    /// What the answer took.
    pub usage: Usage,
    /// The model that spoke.
    pub model: Arc<ModelRef>,
    /// What its logits mean.
    pub labels: Arc<LabelSet>,
    /// Whether the output came from a cache.
    pub cached: bool,
}

/// The logits of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowOutput {
    /// One logit a label, in the order of the label set.
    pub logits: Vec<f32>,
    /// The window's tokens, special tokens not counted: its weight when windows are merged.
    pub tokens: u32,
}
