use application::ports::{ItemFailure, StoreError, StoredAnswer, StoredItem};
use domain::value_objects::PredictionId;
use serde::{Deserialize, Serialize};

/// One item of an answer as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Item {
    Prediction {
        id: String,
    },
    Failure {
        code: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
}

/// The array of the items of `answer`.
pub(crate) fn write_answer(answer: &StoredAnswer) -> String {
    let item = |item: &StoredItem| match item {
        StoredItem::Prediction(id) => Item::Prediction { id: id.to_string() },
        StoredItem::Failure(ItemFailure { code, field, detail }) => {
            Item::Failure { code: code.clone(), field: field.clone(), detail: detail.clone() }
        }
    };
    crate::json::array(&answer.items.iter().map(item).collect::<Vec<_>>())
}

/// Reads the answer to the request with the idempotency key `key`, as a [`PreparedSet`](crate::PreparedSet) stores it.
///
/// # Errors
/// `Corrupt`.
pub(crate) fn read_answer(key: &str, json: &str) -> Result<StoredAnswer, StoreError> {
    let item = |item: Item| match item {
        Item::Prediction { id } => PredictionId::parse("id", &id).ok().map(StoredItem::Prediction),
        Item::Failure { code, field, detail } => {
            Some(StoredItem::Failure(ItemFailure { code, field, detail }))
        }
    };
    let items = serde_json::from_str::<Vec<Item>>(json).ok();
    let items = items.and_then(|items| items.into_iter().map(item).collect::<Option<_>>());
    let corrupt = || {
        let (table, column) = ("idempotency_keys", "answer");
        StoreError::Corrupt { table, column, id: key.to_owned() }
    };
    Ok(StoredAnswer { items: items.ok_or_else(corrupt)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was_stored() {
        let failure = |field: Option<&str>, detail: Option<&str>| {
            StoredItem::Failure(ItemFailure {
                code: "too_long".to_owned(),
                field: field.map(str::to_owned),
                detail: detail.map(str::to_owned),
            })
        };
        let items = vec![
            StoredItem::Prediction(PredictionId::from_u128(7)),
            failure(None, None),
            failure(Some("text"), Some("text is \"too\" long")),
        ];
        for items in [items, Vec::new()] {
            let answer = StoredAnswer { items };
            assert_eq!(read_answer("k", &write_answer(&answer)).ok(), Some(answer));
        }
    }

    #[test]
    fn anything_else_is_not_read() {
        for bad in ["", "{}", "[1]", "[{}]", r#"[{"id":"7"}]"#] {
            assert!(matches!(read_answer("k", bad), Err(StoreError::Corrupt { .. })), "{bad}");
        }
    }
}
