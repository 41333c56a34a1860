use std::sync::Arc;

use crate::value_objects::{LabelSet, ModelRef, Usage};

/// A model's output for one text: the logits of each of its windows.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelOutput {
    /// The windows in reading order; never empty.
    pub windows: Vec<WindowOutput>,
    /// The tokens and windows that were computed.
    pub usage: Usage,
    /// The model.
    pub model: Arc<ModelRef>,
    /// The meaning of its logits.
    pub labels: Arc<LabelSet>,
    /// Whether the output came from a cache.
    pub cached: bool,
}

/// The logits of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowOutput {
    /// One logit for each label, in the order of the label set.
    pub logits: Vec<f32>,
    /// The window's tokens without special tokens: its weight when windows are merged.
    pub tokens: u32,
}
