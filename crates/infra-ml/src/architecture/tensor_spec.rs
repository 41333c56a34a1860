/// A tensor that the weights of a model must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorSpec {
    /// Its name in the file.
    pub(crate) name: String,
    /// Its name in old checkpoints, where it differs.
    pub(crate) old_name: Option<String>,
    pub(crate) shape: Vec<usize>,
}

impl TensorSpec {
    pub(crate) fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self { name: name.into(), old_name: None, shape: shape.to_vec() }
    }

    /// The weight and the bias of the layer norm `name`, which old checkpoints call `gamma` and `beta`.
    pub(crate) fn norm(name: &str, size: usize) -> [Self; 2] {
        [("weight", "gamma"), ("bias", "beta")].map(|(new, old)| Self {
            name: format!("{name}.{new}"),
            old_name: Some(format!("{name}.{old}")),
            shape: vec![size],
        })
    }

    /// The weight `[outputs, inputs]` and the bias `[outputs]` of the linear layer `name`.
    pub(crate) fn linear(name: &str, [outputs, inputs]: [usize; 2]) -> [Self; 2] {
        [
            Self::new(format!("{name}.weight"), &[outputs, inputs]),
            Self::new(format!("{name}.bias"), &[outputs]),
        ]
    }

    /// [`TensorSpec::linear`], without the bias where `bias` is false.
    pub(crate) fn linear_b(name: &str, size: [usize; 2], bias: bool) -> impl Iterator<Item = Self> {
        Self::linear(name, size).into_iter().take(if bias { 2 } else { 1 })
    }
}
