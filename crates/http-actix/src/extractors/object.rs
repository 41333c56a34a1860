use std::borrow::Cow;

use serde_json::Number;

use crate::extractors::{Elements, Members, Shaped};
use crate::problem::{Problem, ProblemCode};

/// Takes a JSON object apart member by member, and reports each error with the path of the member.
pub(crate) struct ObjectReader {
    members: Members,
    /// The name of the member that is the object; none for the whole body.
    parent: Option<&'static str>,
}

impl ObjectReader {
    /// Creates the reader of `value`, which is the whole body or an item of it; `field` is reported if it is no object.
    ///
    /// # Errors
    /// `wrong_type` where the value is not an object.
    pub(crate) fn new(value: Shaped, field: Option<&str>) -> Result<Self, Problem> {
        match value {
            Shaped::Object(members) => Ok(Self { members, parent: None }),
            other => Err(wrong_type(field, "an object", &other)),
        }
    }

    /// Creates the reader of `value`, which is the body's member `parent`; its own members are reported as
    /// `parent.name`.
    ///
    /// # Errors
    /// `wrong_type` where the value is not an object.
    pub(crate) fn within(value: Shaped, parent: &'static str) -> Result<Self, Problem> {
        Ok(Self { parent: Some(parent), ..Self::new(value, Some(parent))? })
    }

    /// Takes the string `name`, which is required.
    pub(crate) fn string(&mut self, name: &str) -> Result<String, Problem> {
        let value = self.required(name)?;
        into_string(&self.path(name), value)
    }

    /// Takes the string `name`; none where it is absent or null.
    pub(crate) fn optional_string(&mut self, name: &str) -> Result<Option<String>, Problem> {
        self.optional(name).map(|value| into_string(&self.path(name), value)).transpose()
    }

    /// Takes the boolean `name`; none where it is absent or null.
    pub(crate) fn optional_bool(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.optional(name) {
            None => Ok(None),
            Some(Shaped::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(wrong_type(Some(&self.path(name)), "a boolean", &other)),
        }
    }

    /// Takes the whole number `name` in any notation, which is required.
    pub(crate) fn integer(&mut self, name: &str) -> Result<i64, Problem> {
        let value = self.required(name)?;
        into_integer(&self.path(name), &value)
    }

    /// Takes the whole number `name` in any notation; none where it is absent or null.
    pub(crate) fn optional_integer(&mut self, name: &str) -> Result<Option<i64>, Problem> {
        self.optional(name).map(|value| into_integer(&self.path(name), &value)).transpose()
    }

    /// Takes the number `name`; none where it is absent or null.
    pub(crate) fn optional_number(&mut self, name: &str) -> Result<Option<f64>, Problem> {
        let Some(value) = self.optional(name) else { return Ok(None) };
        let number = if let Shaped::Number(number) = &value { number.as_f64() } else { None };
        number.map(Some).ok_or_else(|| wrong_type(Some(&self.path(name)), "a number", &value))
    }

    /// Takes the value `name`; none where it is absent or null.
    pub(crate) fn optional(&mut self, name: &str) -> Option<Shaped> {
        self.members.remove(name).filter(|value| *value != Shaped::Null)
    }

    /// Takes the array `name`, which is required.
    pub(crate) fn array(&mut self, name: &str) -> Result<Elements, Problem> {
        match self.required(name)? {
            Shaped::Array(elements) => Ok(elements),
            other => Err(wrong_type(Some(&self.path(name)), "an array", &other)),
        }
    }

    /// Refuses members that are not defined.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.members.unknown() {
            None => Ok(()),
            Some(name) => Err(Problem::new(ProblemCode::UnknownField).field(&self.path(name))),
        }
    }

    fn path<'n>(&self, name: &'n str) -> Cow<'n, str> {
        self.parent.map_or(Cow::Borrowed(name), |parent| Cow::Owned(format!("{parent}.{name}")))
    }

    fn required(&mut self, name: &str) -> Result<Shaped, Problem> {
        let value = self.members.remove(name);
        value.ok_or_else(|| Problem::new(ProblemCode::MissingField).about(&self.path(name), "is missing"))
    }
}

fn into_string(name: &str, value: Shaped) -> Result<String, Problem> {
    match value {
        Shaped::String(text) => Ok(text),
        other => Err(wrong_type(Some(name), "a string", &other)),
    }
}

fn into_integer(name: &str, value: &Shaped) -> Result<i64, Problem> {
    let integer = if let Shaped::Number(number) = value { whole(number) } else { None };
    integer.ok_or_else(|| wrong_type(Some(name), "a whole number", value))
}

/// Returns a whole number in any notation. One beyond 64 bits becomes the nearest within them: both are out of range
/// everywhere.
fn whole(number: &Number) -> Option<i64> {
    let float = number.as_f64()?;
    number.as_i64().or_else(|| (float.fract() == 0.0).then_some(float as i64))
}

/// Returns the problem of a `value` that is not the `expected` type; the value itself is not repeated.
pub(crate) fn wrong_type(field: Option<&str>, expected: &str, value: &Shaped) -> Problem {
    let actual = match value {
        Shaped::Null => "null",
        Shaped::Bool(_) => "a boolean",
        Shaped::Number(_) => "a number",
        Shaped::String(_) => "a string",
        Shaped::Array(_) => "an array",
        Shaped::Object(_) => "an object",
    };
    let problem = Problem::new(ProblemCode::WrongType);
    let wrong = format!("must be {expected}, not {actual}");
    match field {
        Some(field) => problem.about(field, &wrong),
        None => problem.detail(wrong),
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_in_any_notation() {
        let read = |text: &str| whole(&serde_json::from_str(text).expect("a number"));
        for (text, expected) in [
            ("2", Some(2)),
            ("2.0", Some(2)),
            ("-3", Some(-3)),
            ("1e2", Some(100)),
            ("1e300", Some(i64::MAX)),
            ("18446744073709551615", Some(i64::MAX)),
            ("-1e300", Some(i64::MIN)),
            ("0.5", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
