use crate::ports::ModelSpec;

/// Load a model, replacing one of the same name.
#[derive(Debug, Clone)]
pub struct LoadModelRequest {
    /// The name under which it is served.
    pub name: String,
    /// Which model, and how it runs.
    pub spec: ModelSpec,
}

/// Unload a model.
#[derive(Debug, Clone)]
pub struct UnloadModelRequest {
    /// The name under which it is served.
    pub name: String,
}
