use crate::value_objects::Sentiment;

/// Which model gave an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelRef {
    name: String,
    revision: String,
}

impl ModelRef {
    /// The model `name` in the state `revision`.
    pub fn new(name: impl Into<String>, revision: impl Into<String>) -> Self {
        Self { name: name.into(), revision: revision.into() }
    }

    /// The name, as the caller asks for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The state of the weights that carry the name.
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

/// How a model's outputs are read, as `problem_type` in a Hugging Face `config.json` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemType {
    /// One of the labels holds: softmax.
    SingleLabel,
    /// Any of the labels may hold: sigmoid.
    MultiLabel,
    /// The outputs are numbers, not probabilities.
    Regression,
}

/// What turns logits into scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreFunction {
    /// Probabilities that sum to one.
    Softmax,
    /// A probability a label, each by itself.
    Sigmoid,
    /// Nothing: the scores are the logits, and no probabilities.
    None,
}

impl ScoreFunction {
    /// All of them by name.
    pub const NAMES: &[(&str, Self)] =
        &[("softmax", Self::Softmax), ("sigmoid", Self::Sigmoid), ("none", Self::None)];
}

impl ProblemType {
    /// What turns the outputs into scores where nothing else is asked for.
    pub fn default_function(self) -> ScoreFunction {
        match self {
            Self::SingleLabel => ScoreFunction::Softmax,
            Self::MultiLabel => ScoreFunction::Sigmoid,
            Self::Regression => ScoreFunction::None,
        }
    }
}

/// One output of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLabel {
    /// The model's own name for it.
    pub name: String,
    /// The sentiment it stands for, where it stands for one.
    pub sentiment: Option<Sentiment>,
}

/// A model's outputs in the order of its logits, and how they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSet {
    problem_type: ProblemType,
    labels: Vec<ModelLabel>,
}

impl LabelSet {
    /// The outputs `labels`, in the order of the logits.
    pub fn new(problem_type: ProblemType, labels: Vec<ModelLabel>) -> Self {
        Self { problem_type, labels }
    }

    /// How the outputs are read.
    pub fn problem_type(&self) -> ProblemType {
        self.problem_type
    }

    /// The outputs, in the order of the logits.
    pub fn labels(&self) -> &[ModelLabel] {
        &self.labels
    }

    /// Whether any output stands for a sentiment.
    pub fn is_mapped(&self) -> bool {
        self.labels.iter().any(|label| label.sentiment.is_some())
    }
}
