use half::f16;
use half::slice::HalfFloatSliceExt;

/// The table of word embeddings, `[vocabulary, width]`, in the type of the weights file: it is most of a small model.
pub(super) enum WordEmbeddings {
    F32 { table: Vec<f32>, width: usize },
    F16 { table: Vec<f16>, width: usize },
}

impl WordEmbeddings {
    /// Writes the embedding of the token `id` to `out`, `[width]`; leaves `out` as it is for an unknown id.
    pub(super) fn lookup(&self, id: u32, out: &mut [f32]) {
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
