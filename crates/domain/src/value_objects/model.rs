use crate::value_objects::Sentiment;

/// A model by name and revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelRef {
    name: String,
    revision: String,
}

impl ModelRef {
    /// Makes the reference to `revision` of the model `name`.
    pub fn new(name: impl Into<String>, revision: impl Into<String>) -> Self {
        Self { name: name.into(), revision: revision.into() }
    }

    /// Returns the name under which the model is served.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the revision of its weights.
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

/// The meaning of a model's outputs: `problem_type` of a Hugging Face `config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemType {
    /// Exactly one label applies: softmax.
    SingleLabel,
    /// Any number of labels applies: sigmoid.
    MultiLabel,
    /// The outputs are numbers, not probabilities.
    Regression,
}

/// The function that turns logits into scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreFunction {
    /// Probabilities that sum to one.
    Softmax,
    /// An independent probability for each label.
    Sigmoid,
    /// None: the scores are the logits, not probabilities.
    None,
}

impl ScoreFunction {
    /// All functions by name.
    pub const NAMES: &[(&str, Self)] =
        &[("softmax", Self::Softmax), ("sigmoid", Self::Sigmoid), ("none", Self::None)];
}

impl ProblemType {
    /// Returns the function for requests that choose none.
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
    /// The model's own name of the label.
    pub name: String,
    /// The sentiment that it is mapped to, if any.
    pub sentiment: Option<Sentiment>,
}

/// A model's outputs, in the order of its logits, and their meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSet {
    problem_type: ProblemType,
    labels: Vec<ModelLabel>,
}

impl LabelSet {
    /// Makes the set of `labels`, which are in the order of the logits.
    pub fn new(problem_type: ProblemType, labels: Vec<ModelLabel>) -> Self {
        Self { problem_type, labels }
    }

    /// Returns the meaning of the outputs.
    pub fn problem_type(&self) -> ProblemType {
        self.problem_type
    }

    /// Returns the outputs, in the order of the logits.
    pub fn labels(&self) -> &[ModelLabel] {
        &self.labels
    }

    /// Returns whether any output is mapped to a sentiment.
    pub fn is_mapped(&self) -> bool {
        self.labels.iter().any(|label| label.sentiment.is_some())
    }
}
