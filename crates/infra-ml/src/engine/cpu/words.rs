use half::f16;
use half::slice::HalfFloatSliceExt;

/// The embeddings of the vocabulary, as wide as the file has them: they are most of a small model, and only read.
pub(super) enum Words {
    F32 { table: Vec<f32>, width: usize },
    F16 { table: Vec<f16>, width: usize },
}

impl Words {
    /// Writes the embedding of `id`; nothing where the vocabulary has no such token.
    pub(super) fn read(&self, id: u32, out: &mut [f32]) {
        match self {
            Self::F32 { table, width } => {
                if let Some(row) = table.chunks_exact(*width).nth(id as usize) {
                    out.copy_from_slice(row);
                }
            }
            Self::F16 { table, width } => {
                if let Some(row) = table.chunks_exact(*width).nth(id as usize) {
                    row.convert_to_f32_slice(out);
                }
            }
        }
    }
}
