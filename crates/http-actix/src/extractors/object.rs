use serde_json::{Map, Value};

use crate::problem::{Problem, ProblemCode};

/// Takes a JSON object apart member by member, so that whatever is not allowed in it is told with its place.
pub(crate) struct ObjectReader {
    members: Map<String, Value>,
}

impl ObjectReader {
    /// The reader of `value`, which stands at `field`; of the whole body where that is none.
    ///
    /// # Errors
    /// `wrong_type` where the value is not an object.
    pub(crate) fn new(value: Value, field: Option<&str>) -> Result<Self, Problem> {
        match value {
            Value::Object(members) => Ok(Self { members }),
            other => Err(wrong_type(field, "an object", &other)),
        }
    }

    /// Takes the string `name`, which must be there.
    pub(crate) fn string(&mut self, name: &str) -> Result<String, Problem> {
        let value = self.required(name)?;
        into_string(name, value)
    }

    /// Takes the string `name`; none where it is absent or null.
    pub(crate) fn optional_string(&mut self, name: &str) -> Result<Option<String>, Problem> {
        self.optional(name).map(|value| into_string(name, value)).transpose()
    }

    /// Takes the value `name`; none where it is absent or null.
    pub(crate) fn optional(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// Takes the array `name`, which must be there.
    pub(crate) fn array(&mut self, name: &str) -> Result<Vec<Value>, Problem> {
        match self.required(name)? {
            Value::Array(items) => Ok(items),
            other => Err(wrong_type(Some(name), "an array", &other)),
        }
    }

    /// Refuses whatever was not taken.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => Err(Problem::new(ProblemCode::UnknownField).field(name)),
        }
    }

    fn required(&mut self, name: &str) -> Result<Value, Problem> {
        let missing = || Problem::new(ProblemCode::MissingField).about(name, "is missing");
        self.members.remove(name).ok_or_else(missing)
    }
}

fn into_string(name: &str, value: Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong_type(Some(name), "a string", &other)),
    }
}

/// What is said about a `value` that should have been `expected`; the value itself is not repeated.
pub(crate) fn wrong_type(field: Option<&str>, expected: &str, value: &Value) -> Problem {
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let problem = Problem::new(ProblemCode::WrongType);
    let wrong = format!("must be {expected}, not {actual}");
    match field {
        Some(field) => problem.about(field, &wrong),
        None => problem.detail(wrong),
    }
}
