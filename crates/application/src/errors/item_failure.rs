use crate::action::ActionFailure;
use crate::errors::ApplicationError;
use crate::ports::ItemFailure;

impl ApplicationError {
    /// Returns the failure of an item, to be stored: what its client learns of the error.
    pub fn to_item_failure(&self) -> ItemFailure {
        match self {
            Self::Invalid { field, rule } => ItemFailure {
                code: rule.code().to_owned(),
                field: Some(field.clone().into_owned()),
                detail: Some(self.to_string()),
            },
            Self::FailedBefore(failure) => failure.clone(),
            // The other errors of items have no more than their code.
            error => ItemFailure { code: error.code().to_owned(), field: None, detail: None },
        }
    }
}
