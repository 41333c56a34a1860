/// Token sequences that run together, concatenated without padding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TokenBatch {
    ids: Vec<u32>,
    ends: Vec<usize>,
}

impl TokenBatch {
    /// Appends a sequence, the concatenation of `parts`.
    pub(crate) fn push(&mut self, parts: &[&[u32]]) {
        for part in parts {
            self.ids.extend_from_slice(part);
        }
        self.ends.push(self.ids.len());
    }

    /// The sequences, in order.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = &[u32]> + Clone {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.ids[start..*end])
    }

    /// The number of sequences.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The number of tokens of all sequences.
    pub(crate) fn tokens(&self) -> usize {
        self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_returned_as_they_were_pushed() {
        let mut batch = TokenBatch::default();
        batch.push(&[&[1], &[4, 5], &[2]]);
        batch.push(&[&[1], &[], &[2]]);
        assert_eq!(batch.sequences().collect::<Vec<_>>(), [&[1, 4, 5, 2][..], &[1, 2]]);
        assert_eq!((batch.len(), batch.tokens()), (2, 6));
    }
}
