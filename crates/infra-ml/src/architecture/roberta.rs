use serde::Deserialize;

use super::bert;
use super::bert_like::{BertLike, TensorNames};
use super::config_file::ConfigFile;
use crate::load_error::ConfigError;

#[derive(Deserialize)]
struct RobertaKeys {
    /// Positions are counted from the row after this one.
    #[serde(default = "one")]
    pad_token_id: Option<usize>,
}

#[expect(clippy::unnecessary_wraps, reason = "the key may be null")]
fn one() -> Option<usize> {
    Some(1)
}

const NAMES: TensorNames =
    &[("base.", "roberta."), ("head.dense", "classifier.dense"), ("head.output", "classifier.out_proj")];

/// Reads `RobertaForSequenceClassification`, and XLM-RoBERTa and CamemBERT, which are the same architecture.
///
/// Positions start at the row after `pad_token_id`, as in `create_position_ids_from_input_ids` of transformers.
pub(super) fn read(config: &ConfigFile) -> Result<BertLike, ConfigError> {
    let bert = bert::read(config)?;
    let RobertaKeys { pad_token_id } = config.parse()?;
    let first_position = pad_token_id.map_or(0, |row| row.saturating_add(1));
    Ok(BertLike { first_position, names: NAMES, ..bert })
}
