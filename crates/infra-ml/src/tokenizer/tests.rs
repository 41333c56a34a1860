mod combinations;
mod damaged;
mod layouts;

use serde_json::json;

use super::*;
use crate::testing::small_model;

#[test]
fn the_special_tokens_are_found_and_not_encoded() {
    let folder = small_model::folder();
    let tokenizer =
        TextTokenizer::read(&ModelFolder::open(folder.path()).unwrap(), small_model::VOCABULARY).unwrap();
    assert_eq!(tokenizer.specials(), &SpecialTokens { before: vec![1], after: vec![2] });
    assert_eq!(tokenizer.encode("good bad unheard").unwrap(), [4, 5, 0]);
    assert_eq!(tokenizer.encode("").unwrap(), [0; 0]);
}

#[test]
fn the_files_own_truncation_and_padding_are_off() {
    let folder = small_model::folder();
    let mut json = small_model::tokenizer_json();
    json["truncation"] =
        json!({ "direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0 });
    json["padding"] = json!({
        "strategy": { "Fixed": 8 }, "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": 3, "pad_type_id": 0, "pad_token": "[PAD]"
    });
    small_model::write_json(folder.path(), "tokenizer.json", &json);
    let tokenizer =
        TextTokenizer::read(&ModelFolder::open(folder.path()).unwrap(), small_model::VOCABULARY).unwrap();
    assert_eq!(tokenizer.encode("good").unwrap(), [4]);
    assert_eq!(tokenizer.encode("good bad good bad").unwrap(), [4, 5, 4, 5]);
}
