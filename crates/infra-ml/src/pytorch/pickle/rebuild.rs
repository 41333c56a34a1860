//! The calls that state dicts consist of.

use std::collections::hash_map::Entry;

use super::{Global, Id, Machine, StorageRef, TensorRef, Value};
use crate::pytorch::PytorchError;
use crate::pytorch::error::shown;

/// The most dimensions of a tensor.
const MAX_RANK: usize = 8;
/// The most bytes of a storage's key.
const MAX_KEY: usize = 128;

impl<'a> Machine<'a> {
    /// Calls a function of the allow-list.
    pub(super) fn reduce(&mut self) -> Result<(), PytorchError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Global(function), Value::Tuple(arguments)) =
            (&self.values[function], &self.values[arguments])
        else {
            return Err(self.damaged("it calls what is not a function"));
        };
        match (function, &arguments[..]) {
            (Global::OrderedDict, []) => self.push_new(Value::Dict(Vec::new())),
            (Global::OrderedDict, [pairs]) => {
                let pairs = *pairs;
                self.dict_of(pairs)
            }
            (Global::RebuildTensor, [storage, offset, shape, strides, rest @ ..]) if rest.len() <= 3 => {
                // The third of the rest says that the numbers are negated or conjugated.
                if rest.get(2).is_some_and(|metadata| !self.is_empty(*metadata)) {
                    return Err(self.damaged("a tensor has metadata"));
                }
                let tensor = self.tensor([*storage, *offset, *shape, *strides])?;
                self.push_new(Value::Tensor(Box::new(tensor)))
            }
            (Global::RebuildParameter, [tensor, _, _]) => {
                let tensor = *tensor;
                self.push(tensor)
            }
            _ => Err(self.damaged("a function is called with other arguments than in state dicts")),
        }
    }

    /// The storage that a tuple on the stack refers to: `("storage", type, key, device, elements)` and, in the older
    /// form, none or the `(key, first, elements)` of a part.
    pub(super) fn persistent(&mut self) -> Result<(), PytorchError> {
        let id = self.pop()?;
        let storage =
            self.storage_ref(id).ok_or_else(|| self.damaged("it refers to what is not a storage"))?;
        let declared = (storage.dtype, storage.elements);
        match self.storages.entry(storage.key) {
            Entry::Vacant(entry) => drop(entry.insert(declared)),
            Entry::Occupied(entry) if *entry.get() == declared => {}
            Entry::Occupied(_) => {
                let key = shown(storage.key.as_bytes());
                return Err(PytorchError::Storage { key, what: "is declared in two ways" });
            }
        }
        self.push_new(Value::Storage(Box::new(storage)))
    }

    fn storage_ref(&self, id: Id) -> Option<StorageRef<'a>> {
        let Value::Tuple(items) = &self.values[id] else { return None };
        let (&[kind, dtype, key, _, elements], rest) = items.split_first_chunk()?;
        let (Value::Text("storage"), Value::Global(Global::Storage(dtype)), Value::Text(key)) =
            (&self.values[kind], &self.values[dtype], &self.values[key])
        else {
            return None;
        };
        let elements = self.number(elements)?;
        let part = match rest {
            [] => (0, elements),
            [part] => match &self.values[*part] {
                Value::None => (0, elements),
                Value::Tuple(part) => match **part {
                    [_, first, length] => (self.number(first)?, self.number(length)?),
                    _ => return None,
                },
                _ => return None,
            },
            _ => return None,
        };
        let fits = part.0.checked_add(part.1)? <= elements && key.len() <= MAX_KEY;
        fits.then_some(StorageRef { key, dtype: *dtype, elements, part })
    }

    fn tensor(&self, [storage, offset, shape, strides]: [Id; 4]) -> Result<TensorRef, PytorchError> {
        let parts = || {
            let Value::Storage(_) = &self.values[storage] else { return None };
            let (shape, strides) = (self.numbers(shape)?, self.numbers(strides)?);
            let offset = self.number(offset)?;
            (shape.len() == strides.len()).then_some(TensorRef { storage, offset, shape, strides })
        };
        parts().ok_or_else(|| self.damaged("a tensor has no valid storage, offset, shape or strides"))
    }

    /// Pushes a dict of a list of pairs, each a list or a tuple.
    fn dict_of(&mut self, pairs: Id) -> Result<(), PytorchError> {
        let Value::List(pairs) = &self.values[pairs] else {
            return Err(self.damaged("a dict is made of what is not a list"));
        };
        let count = pairs.len();
        let pairs = pairs.iter().take(super::MAX_STEPS - self.steps).map(|pair| match &self.values[*pair] {
            Value::Tuple(pair) => pair.as_array::<2>().copied(),
            Value::List(pair) => pair.as_array::<2>().copied(),
            _ => None,
        });
        let pairs: Option<Vec<_>> = pairs.map(|pair| pair.map(|[key, value]| (key, value))).collect();
        let dict = pairs.ok_or_else(|| self.damaged("a dict is made of what are not pairs"))?;
        self.charge(count)?;
        self.push_new(Value::Dict(dict))
    }

    fn is_empty(&self, id: Id) -> bool {
        match &self.values[id] {
            Value::None => true,
            Value::Dict(items) => items.is_empty(),
            _ => false,
        }
    }

    fn number(&self, id: Id) -> Option<u64> {
        match self.values[id] {
            Value::Integer(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    fn numbers(&self, id: Id) -> Option<Vec<usize>> {
        let Value::Tuple(items) = &self.values[id] else { return None };
        if items.len() > MAX_RANK {
            return None;
        }
        items.iter().map(|item| usize::try_from(self.number(*item)?).ok()).collect()
    }
}
