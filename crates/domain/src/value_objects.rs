//! Values: immutable, checked by their constructors, equal when their contents are equal.

mod confidence;
mod ids;
mod input_text;
mod metadata;
mod model;
mod model_name;
mod model_output;
mod options;
mod prediction_result;
mod reference;
mod sentence;
mod sentiment;
mod sentiment_scores;
mod tenant_id;
mod timestamp;
mod usage;

pub use confidence::Confidence;
pub use ids::{EventId, PredictionId};
pub use input_text::{InputText, TextLimits};
pub use metadata::{Metadata, MetadataValue};
pub use model::{LabelSet, ModelLabel, ModelRef, ProblemType, ScoreFunction};
pub use model_name::ModelName;
pub use model_output::{ModelOutput, WindowOutput};
pub use options::{Granularity, Overflow, PredictionOptions, RawOptions, ReadOptions};
pub use prediction_result::{LabelScore, PredictionResult};
pub use reference::Reference;
pub use sentence::{SentenceResult, TextSpan};
pub use sentiment::Sentiment;
pub use sentiment_scores::SentimentScores;
pub use tenant_id::TenantId;
pub use timestamp::Timestamp;
pub use usage::Usage;
