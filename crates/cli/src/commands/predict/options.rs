use clap::{ArgAction, Args};
use domain::value_objects::RawOptions;

/// The options of a prediction, by the names of the API.
#[derive(Debug, Args)]
#[command(next_help_heading = "Each prediction")]
pub(super) struct OptionArgs {
    /// Number of labels to return, best first
    #[arg(long, value_name = "COUNT")]
    top_k: Option<i64>,
    /// Return each label with its logit
    #[arg(long, action = ArgAction::SetTrue)]
    raw: bool,
    /// Function from logits to scores [default: that of the model]
    #[arg(long, value_name = "FUNCTION", value_parser = FUNCTIONS)]
    function: Option<String>,
    /// Unit to classify [default: document]
    #[arg(long, value_name = "UNIT", value_parser = GRANULARITIES)]
    granularity: Option<String>,
    /// Maximum number of tokens of a text
    #[arg(long, value_name = "TOKENS")]
    max_tokens: Option<i64>,
    /// What to do with a text of more tokens; window classifies all of it [default: window]
    #[arg(long, value_name = "WHAT", value_parser = OVERFLOWS)]
    overflow: Option<String>,
}

/// The names of the API, for completions and suggestions.
const FUNCTIONS: [&str; 3] = ["softmax", "sigmoid", "none"];
const GRANULARITIES: [&str; 2] = ["document", "sentence"];
const OVERFLOWS: [&str; 3] = ["window", "truncate", "reject"];

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

#[cfg(test)]
mod tests {
    use domain::value_objects::PredictionOptions;

    use super::*;

    #[test]
    fn every_offered_name_is_one_of_the_api() {
        let of = |names: &[&str], set: fn(&mut RawOptions, String)| {
            for name in names {
                let mut options = RawOptions { max_tokens: Some(8), ..RawOptions::default() };
                set(&mut options, (*name).to_owned());
                assert!(PredictionOptions::parse(&options).is_ok(), "{name}");
            }
        };
        of(&FUNCTIONS, |options, name| options.function = Some(name));
        of(&GRANULARITIES, |options, name| options.granularity = Some(name));
        of(&OVERFLOWS, |options, name| options.overflow = Some(name));
    }
}
