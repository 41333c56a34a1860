use clap::{ArgAction, Args};
use domain::value_objects::RawOptions;

/// What is asked of each answer: the options of the API, by the same names.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is asked of each answer")]
pub(super) struct OptionArgs {
    /// How many labels are answered, the best first
    #[arg(long, value_name = "COUNT")]
    top_k: Option<i64>,
    /// Give each label with its logit
    #[arg(long, action = ArgAction::SetTrue)]
    raw: bool,
    /// What turns logits into scores: softmax, sigmoid or none; by default what the model says
    #[arg(long, value_name = "FUNCTION")]
    function: Option<String>,
    /// What is judged: document or sentence
    #[arg(long, value_name = "GRANULARITY")]
    granularity: Option<String>,
    /// The most tokens of a text
    #[arg(long, value_name = "TOKENS")]
    max_tokens: Option<i64>,
    /// What happens to a text of more tokens: window, truncate or reject
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
