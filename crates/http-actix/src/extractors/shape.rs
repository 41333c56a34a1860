use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// The parts of a JSON value that are stored while it is parsed.
///
/// The whole value is parsed and checked, whatever its shape: syntax, UTF-8, surrogates, numbers and depth. Parts
/// outside the shape are not stored, so that a value takes about as much memory as its strings, whatever was sent.
///
/// serde's `RawValue` and `IgnoredAny` check neither the surrogates nor the numbers that they skip; see ADR 0020.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// A string, a number, a boolean or null; of an array or an object only that it is one.
    Scalar,
    /// Of an object these members, and the first name that is not among them.
    Object(&'static [(&'static str, Self)]),
    /// Of an object with any names at most this number of scalars.
    Table(usize),
    /// Of an array all elements, or none if there are more than `most`.
    Array {
        /// The shape of each element.
        element: &'static Self,
        /// The most elements that are stored.
        most: usize,
    },
}

/// The parts of a JSON value that a [`Shape`] stores.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shaped {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Elements),
    Object(Members),
}

/// The stored part of an array.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Elements {
    /// The elements; empty if there are more than the shape allows, or if it allows none.
    pub(crate) stored: Vec<Shaped>,
    /// The number of all elements.
    pub(crate) count: usize,
}

/// The stored part of an object. Of a repeated name the last value counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Members {
    /// The stored members, sorted by name.
    stored: Vec<(Cow<'static, str>, Shaped)>,
    /// The number of members beyond those that a table stores.
    excess: usize,
    /// The alphabetically first name that the shape does not have, or the beginning of it.
    unknown: Option<String>,
}

impl Shaped {
    /// Returns the member `name`, if this is an object that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        if let Self::Object(members) = self { members.get(name) } else { None }
    }

    /// Returns the text, if this is a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }
}

/// The most bytes stored of an unknown member's name: more than a problem repeats.
const UNKNOWN_NAME_BYTES: usize = 1_024;

impl Members {
    /// Returns the value of `name`.
    fn get(&self, name: &str) -> Option<&Shaped> {
        self.place(name).ok().map(|place| &self.stored[place].1)
    }

    /// Removes and returns the value of `name`.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Shaped> {
        self.place(name).ok().map(|place| self.stored.remove(place).1)
    }

    /// Returns the name of a member that the shape does not have.
    pub(crate) fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// Returns the number of members. A repeated name that a table does not store is counted each time.
    pub(crate) fn count(&self) -> usize {
        self.stored.len() + self.excess
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.stored.binary_search_by(|(stored, _)| stored.as_ref().cmp(name))
    }

    fn insert(&mut self, name: Cow<'static, str>, value: Shaped) {
        match self.place(&name) {
            Ok(place) => self.stored[place].1 = value,
            Err(place) => self.stored.insert(place, (name, value)),
        }
    }

    fn note_unknown(&mut self, name: &str) {
        let name = &name[..name.floor_char_boundary(UNKNOWN_NAME_BYTES)];
        if self.unknown.as_deref().is_none_or(|first| name < first) {
            self.unknown = Some(name.to_owned());
        }
    }
}

impl IntoIterator for Members {
    type Item = (Cow<'static, str>, Shaped);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    /// Returns the stored members in alphabetical order.
    fn into_iter(self) -> Self::IntoIter {
        self.stored.into_iter()
    }
}

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = Shaped;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shaped, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = Shaped;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Shaped, E> {
        Ok(Shaped::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Shaped, E> {
        Ok(Shaped::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Shaped, E> {
        Ok(Shaped::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Shaped, E> {
        Ok(Shaped::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Shaped, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Shaped::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Shaped, E> {
        Ok(Shaped::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Shaped, A::Error> {
        let mut elements = Elements::default();
        if let Self::Array { element, most } = self {
            while let Some(value) = sequence.next_element_seed(*element)? {
                elements.stored.push(value);
                elements.count += 1;
                if elements.count > most {
                    elements.stored = Vec::new();
                    break;
                }
            }
        }
        while sequence.next_element_seed(Skipped)?.is_some() {
            elements.count += 1;
        }
        Ok(Shaped::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shaped, A::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key_seed(MemberName { shape: self, members: &mut members })? {
            match name {
                Some((name, shape)) => {
                    let value = map.next_value_seed(shape)?;
                    members.insert(name, value);
                }
                None => map.next_value_seed(Skipped)?,
            }
        }
        Ok(Shaped::Object(members))
    }
}

/// Parses the name of the next member. Returns it with the shape of its value, or none if the value is skipped.
struct MemberName<'m> {
    shape: Shape,
    members: &'m mut Members,
}

impl<'de> DeserializeSeed<'de> for MemberName<'_> {
    type Value = Option<(Cow<'static, str>, Shape)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberName<'_> {
    type Value = Option<(Cow<'static, str>, Shape)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(match self.shape {
            Shape::Object(known) => {
                let member = known.iter().find(|(known, _)| *known == name);
                if member.is_none() {
                    self.members.note_unknown(name);
                }
                member.map(|(name, shape)| (Cow::Borrowed(*name), *shape))
            }
            Shape::Table(most) if self.members.stored.len() < most || self.members.get(name).is_some() => {
                Some((Cow::Owned(name.to_owned()), Shape::Scalar))
            }
            Shape::Table(_) => {
                self.members.excess += 1;
                None
            }
            Shape::Scalar | Shape::Array { .. } => None,
        })
    }
}

/// A value that is parsed, because it may be malformed, but not stored.
struct Skipped;

impl<'de> DeserializeSeed<'de> for Skipped {
    type Value = ();

    /// Like `deserialize_ignored_any`, which however checks neither strings nor the size of numbers.
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skipped {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Self)?.is_some() {
            map.next_value_seed(Self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
