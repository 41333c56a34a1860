use clap::{ArgAction, Args};
use domain::value_objects::RawOptions;

/// The options of a prediction, by the names of the API.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of each prediction")]
pub(super) struct OptionArgs {
    /// Number of labels to return, best first
    #[arg(long, value_name = "COUNT")]
    top_k: Option<i64>,
    /// Return each label with its logit
    #[arg(long, action = ArgAction::SetTrue)]
    raw: bool,
    /// Function from logits to scores: softmax, sigmoid or none [default: that of the model]
    #[arg(long, value_name = "FUNCTION")]
    function: Option<String>,
    /// Unit to classify: document or sentence [default: document]
    #[arg(long, value_name = "GRANULARITY")]
    granularity: Option<String>,
    /// Maximum number of tokens of a text
    #[arg(long, value_name = "TOKENS")]
    max_tokens: Option<i64>,
    /// Handling of a text with more tokens: window (classify all of it), truncate or reject [default: window]
    #[arg(long, value_name = "OVERFLOW")]
    overflow: Option<String>,
}

impl From<&OptionArgs> for RawOptions {
    fn from(args: &OptionArgs) -> Self {
        Self {
            top_k: args.top_k,
            raw: Some(args.raw),
            function: args.function.clone(),
            granularity: args.granularity.clone(),
            max_tokens: args.max_tokens,
            overflow: args.overflow.clone(),
        }
    }
}
