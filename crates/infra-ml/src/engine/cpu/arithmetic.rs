use crate::settings::Precision;

/// The number format of the encoder's matrix products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// Weights and activations in `f32`.
    F32,
    /// W8A8: int8 weights with a scale for each output, `u8` activations with a scale and an offset for each token.
    /// Like ONNX Runtime's per-channel dynamic quantization, but with activations quantized per token.
    Int8,
}

impl From<Precision> for Arithmetic {
    fn from(precision: Precision) -> Self {
        if precision == Precision::Int8 { Self::Int8 } else { Self::F32 }
    }
}
