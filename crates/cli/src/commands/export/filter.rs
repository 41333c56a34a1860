use application::ports::PredictionFilter;
use clap::Args;
use domain::errors::{DomainError, Rule};
use domain::policies::parse_query;
use domain::value_objects::{Confidence, Reference, Sentiment, Timestamp};

use crate::times::parse_instant;

/// The conditions of an export, by the names of the API.
#[derive(Debug, Args)]
#[command(next_help_heading = "Conditions, all of which must hold")]
pub(super) struct FilterArgs {
    /// Of this sentiment: negative, neutral, positive or mixed
    #[arg(long)]
    sentiment: Option<String>,
    /// By the model of this name, in any revision
    #[arg(long, value_name = "NAME")]
    model_name: Option<String>,
    /// With exactly this reference
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// Created at this time or later: a date (2026-01-31, in UTC) or a time (2026-01-31T12:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    from: Option<Timestamp>,
    /// Created before this time
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    to: Option<Timestamp>,
    /// With at least this confidence
    #[arg(long, value_name = "NUMBER")]
    min_confidence: Option<f32>,
    /// With at most this confidence
    #[arg(long, value_name = "NUMBER")]
    max_confidence: Option<f32>,
    /// With a text that contains every one of these terms
    #[arg(long, short, value_name = "TERMS")]
    query: Option<String>,
}

impl TryFrom<&FilterArgs> for PredictionFilter {
    type Error = DomainError;

    fn try_from(args: &FilterArgs) -> Result<Self, DomainError> {
        let confidence =
            |field, value: Option<f32>| value.map(|value| Confidence::try_new(field, value)).transpose();
        if args.model_name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(DomainError::violation("model_name", Rule::Blank));
        }
        let sentiment = args.sentiment.as_ref().map(|name| Sentiment::parse("sentiment", name));
        Ok(Self {
            sentiment: sentiment.transpose()?,
            model: args.model_name.clone(),
            reference: args.reference.as_deref().map(Reference::parse).transpose()?,
            from: args.from,
            to: args.to,
            min_confidence: confidence("min_confidence", args.min_confidence)?,
            max_confidence: confidence("max_confidence", args.max_confidence)?,
            terms: args.query.as_deref().map(parse_query).transpose()?.unwrap_or_default(),
        })
    }
}
