//! Interprets a pickle that describes a state dict. Values are shared by their ids, as Python shares objects by
//! reference: what the memo holds is never copied, and a value that contains itself costs nothing.

mod globals;
mod reader;
mod rebuild;

use std::collections::HashMap;

use super::error::{PytorchError, shown};

pub(super) use globals::Global;
pub(super) use reader::ENDS_EARLY;
use reader::Reader;

/// The instruction that begins a pickle.
pub(super) const PROTO: u8 = 0x80;

/// The most steps of a pickle: a step pushes a value, memoizes one or adds one to a container. It bounds the number of
/// values, the stack, the memo and the time. A state dict takes about 45 steps a tensor.
pub(super) const MAX_STEPS: usize = 1 << 20;

/// The index of a value.
pub(super) type Id = usize;

/// A value of a pickle. `'a` is the pickle's text.
#[derive(Debug)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Integer(i128),
    Float,
    Text(&'a str),
    Tuple(Box<[Id]>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Box<StorageRef<'a>>),
    Tensor(Box<TensorRef>),
}

/// A storage, or a part of one, as a pickle refers to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StorageRef<'a> {
    pub(super) key: &'a str,
    pub(super) dtype: safetensors::Dtype,
    /// The elements of the whole storage.
    pub(super) elements: u64,
    /// The first element and the number of elements of the part.
    pub(super) part: (u64, u64),
}

/// A tensor as a pickle describes it. Nothing is checked but that the numbers are not negative.
#[derive(Debug)]
pub(super) struct TensorRef {
    pub(super) storage: Id,
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// What a pickle leaves.
#[derive(Debug)]
pub(super) struct Unpickled<'a> {
    values: Vec<Value<'a>>,
    root: Id,
    /// Every storage that the pickle refers to, by its key, with its type and elements.
    pub(super) storages: HashMap<&'a str, (safetensors::Dtype, u64)>,
    /// The byte after the pickle.
    pub(super) end: usize,
}

impl<'a> Unpickled<'a> {
    pub(super) fn root(&self) -> &Value<'a> {
        &self.values[self.root]
    }

    pub(super) fn value(&self, id: Id) -> &Value<'a> {
        &self.values[id]
    }
}

/// Interprets the pickle at the start of `bytes[start..]`.
pub(super) fn unpickle(bytes: &[u8], start: usize) -> Result<Unpickled<'_>, PytorchError> {
    let mut machine = Machine {
        reader: Reader::new(bytes, start),
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        storages: HashMap::new(),
        steps: 0,
    };
    while machine.step()? {}
    let root = machine.pop()?;
    let Machine { reader, values, storages, .. } = machine;
    Ok(Unpickled { values, root, storages, end: reader.position() })
}

struct Machine<'a> {
    reader: Reader<'a>,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// The heights of the stack at each open mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    storages: HashMap<&'a str, (safetensors::Dtype, u64)>,
    steps: usize,
}

impl<'a> Machine<'a> {
    /// Runs an instruction. Returns whether the pickle goes on.
    fn step(&mut self) -> Result<bool, PytorchError> {
        let position = self.reader.position();
        let instruction = self.reader.byte()?;
        match instruction {
            b'.' => return Ok(false),
            PROTO if self.reader.byte()? > 5 => return Err(self.damaged("it has an unknown protocol")),
            PROTO => {}
            // The length of a frame, which only readers of streams need.
            0x95 => drop(self.reader.bytes(8)?),
            b'N' | 0x88 | 0x89 | b'J' | b'K' | b'M' | b'G' | 0x8a | b'X' | b'U' | 0x8c => {
                let literal = self.literal(instruction)?;
                self.push_new(literal)?;
            }
            b'(' => {
                self.charge(1)?;
                self.marks.push(self.stack.len());
            }
            b')' => self.push_new(Value::Tuple(Box::default()))?,
            0x85..=0x87 => self.tuple(usize::from(instruction - 0x84))?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push_new(Value::Tuple(items.into()))?;
            }
            b']' => self.push_new(Value::List(Vec::new()))?,
            b'}' => self.push_new(Value::Dict(Vec::new()))?,
            b'a' | b'e' | b's' | b'u' => self.add(instruction)?,
            b'q' | b'r' | 0x94 => self.memoize(instruction)?,
            b'h' | b'j' => self.recall(instruction)?,
            b'c' | 0x93 => self.global(instruction)?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            b'Q' => self.persistent()?,
            other => {
                return Err(PytorchError::Instruction { name: globals::instruction_name(other), position });
            }
        }
        Ok(true)
    }

    fn literal(&mut self, instruction: u8) -> Result<Value<'a>, PytorchError> {
        let reader = &mut self.reader;
        Ok(match instruction {
            b'N' => Value::None,
            0x88 | 0x89 => Value::Bool(instruction == 0x88),
            b'J' => Value::Integer(i32::from_le_bytes(reader.array()?).into()),
            b'K' => Value::Integer(reader.byte()?.into()),
            b'M' => Value::Integer(u16::from_le_bytes(reader.array()?).into()),
            b'G' => {
                reader.bytes(8)?;
                Value::Float
            }
            0x8a => Value::Integer(reader.long()?),
            b'X' => {
                let length = u32::from_le_bytes(reader.array()?) as usize;
                Value::Text(reader.text(length)?)
            }
            _ => {
                let length = reader.byte()?.into();
                Value::Text(reader.text(length)?)
            }
        })
    }

    fn tuple(&mut self, length: usize) -> Result<(), PytorchError> {
        self.charge(length)?;
        if self.stack.len() < self.floor() + length {
            return Err(self.damaged("the stack is empty"));
        }
        let items = self.stack.split_off(self.stack.len() - length);
        self.push_new(Value::Tuple(items.into()))
    }

    /// Adds one item, or those above the mark, to the list or the dict below.
    fn add(&mut self, instruction: u8) -> Result<(), PytorchError> {
        let items = match instruction {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_to_mark()?,
        };
        self.charge(items.len())?;
        let container = self.top()?;
        match (&mut self.values[container], instruction) {
            (Value::List(list), b'a' | b'e') => list.extend(items),
            (Value::Dict(dict), b's' | b'u') if items.len().is_multiple_of(2) => {
                dict.extend(items.as_chunks().0.iter().map(|[key, value]| (*key, *value)));
            }
            _ => return Err(self.damaged("it adds to what is not a container")),
        }
        Ok(())
    }

    fn memoize(&mut self, instruction: u8) -> Result<(), PytorchError> {
        self.charge(1)?;
        let slot = match instruction {
            b'q' => self.reader.byte()?.into(),
            b'r' => u32::from_le_bytes(self.reader.array()?),
            _ => self.memo.len() as u32,
        };
        let top = self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn recall(&mut self, instruction: u8) -> Result<(), PytorchError> {
        let slot = match instruction {
            b'h' => self.reader.byte()?.into(),
            _ => u32::from_le_bytes(self.reader.array()?),
        };
        let id = self.memo.get(&slot).copied().ok_or_else(|| self.damaged("the memo lacks a value"))?;
        self.push(id)
    }

    fn global(&mut self, instruction: u8) -> Result<(), PytorchError> {
        let (module, name) = if instruction == b'c' {
            (self.reader.line()?, self.reader.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            let (Value::Text(module), Value::Text(name)) = (&self.values[module], &self.values[name]) else {
                return Err(self.damaged("a class or a function has no name"));
            };
            (module.as_bytes(), name.as_bytes())
        };
        let global = Global::find(module, name)
            .ok_or_else(|| PytorchError::Global { name: format!("{}.{}", shown(module), shown(name)) })?;
        self.push_new(Value::Global(global))
    }

    /// Sets the state of an object. Only dicts have one, such as `_metadata` of a state dict, which is not needed.
    fn build(&mut self) -> Result<(), PytorchError> {
        self.pop()?;
        let object = self.top()?;
        match self.values[object] {
            Value::Dict(_) => Ok(()),
            _ => Err(self.damaged("it sets the state of what is not a dict")),
        }
    }

    fn charge(&mut self, steps: usize) -> Result<(), PytorchError> {
        self.steps += steps;
        if self.steps > MAX_STEPS { Err(PytorchError::Values) } else { Ok(()) }
    }

    fn push(&mut self, id: Id) -> Result<(), PytorchError> {
        self.charge(1)?;
        self.stack.push(id);
        Ok(())
    }

    fn push_new(&mut self, value: Value<'a>) -> Result<(), PytorchError> {
        self.values.push(value);
        self.push(self.values.len() - 1)
    }

    /// The lowest place of the stack that instructions may take from.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, PytorchError> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn top(&self) -> Result<Id, PytorchError> {
        match self.stack.last() {
            Some(id) if self.stack.len() > self.floor() => Ok(*id),
            _ => Err(self.damaged("the stack is empty")),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, PytorchError> {
        let mark = self.marks.pop().ok_or_else(|| self.damaged("a mark is missing"))?;
        self.charge(self.stack.len() - mark)?;
        Ok(self.stack.split_off(mark))
    }

    fn damaged(&self, what: &'static str) -> PytorchError {
        PytorchError::Pickle { position: self.reader.position(), what }
    }
}
