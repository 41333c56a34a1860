use crate::ports::ModelSpec;

/// Load a model, be it in the place of another.
#[derive(Debug, Clone)]
pub struct LoadModelRequest {
    /// The name under which it is to be served.
    pub name: String,
    /// Which model, and how it is to be run.
    pub spec: ModelSpec,
}

/// Unload a model.
#[derive(Debug, Clone)]
pub struct UnloadModelRequest {
    /// The name under which it is served.
    pub name: String,
}
