use std::str;

use crate::pytorch::PytorchError;

/// What is wrong with a pickle that goes on behind the bytes at hand.
pub(crate) const ENDS_EARLY: &str = "it ends early";

/// The bytes of a pickle, from a position on.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    /// The number of bytes before the next one.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn byte(&mut self) -> Result<u8, PytorchError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], PytorchError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let bytes = rest.get(..length).ok_or_else(|| self.damaged(ENDS_EARLY))?;
        self.position += length;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PytorchError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub(super) fn text(&mut self, length: usize) -> Result<&'a str, PytorchError> {
        let bytes = self.bytes(length)?;
        str::from_utf8(bytes).map_err(|_| self.damaged("a text is not UTF-8"))
    }

    /// The bytes up to the end of the line, which is read too.
    pub(super) fn line(&mut self) -> Result<&'a [u8], PytorchError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n');
        let line = self.bytes(length.ok_or_else(|| self.damaged(ENDS_EARLY))?)?;
        self.position += 1;
        Ok(line)
    }

    /// A number with its length in a byte before it, in two's complement, little-endian.
    pub(super) fn long(&mut self) -> Result<i128, PytorchError> {
        let length = usize::from(self.byte()?);
        let bytes = self.bytes(length)?;
        let sign = bytes.last().is_some_and(|last| *last >= 0x80);
        let mut number = [if sign { 0xff } else { 0 }; 16];
        let Some(start) = number.get_mut(..length) else { return Err(self.damaged("a number is too long")) };
        start.copy_from_slice(bytes);
        Ok(i128::from_le_bytes(number))
    }

    fn damaged(&self, what: &'static str) -> PytorchError {
        PytorchError::Pickle { position: self.position, what }
    }
}
