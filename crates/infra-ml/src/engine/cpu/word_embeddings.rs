use candle_core::{CpuStorage, DType, Result, Storage, StorageRef, Tensor};
use candle_nn::{Init, VarBuilder};

use half::slice::HalfFloatSliceExt;

/// The table of word embeddings in the type of the weights file, `f16` or `f32`: it is most of a small model. It stays
/// the tensor that was read, because a copy would need as much memory again while a model is loaded.
pub(super) struct WordEmbeddings {
    /// `[vocabulary, width]`.
    table: Tensor,
    width: usize,
}

/// The table, accessible.
pub(super) struct WordTable<'a> {
    storage: StorageRef<'a>,
    width: usize,
}

impl WordEmbeddings {
    /// Reads the table `[vocabulary, width]`: in `f16` where `dtype` is that, else in `f32`.
    pub(super) fn load(weights: &VarBuilder<'_>, shape: [usize; 2], dtype: DType) -> Result<Self> {
        let dtype = if dtype == DType::F16 { dtype } else { DType::F32 };
        let table = weights.get_with_hints_dtype(&shape, "weight", Init::Const(0.0), dtype)?;
        Ok(Self { table: table.contiguous()?, width: shape[1] })
    }

    pub(super) fn read(&self) -> WordTable<'_> {
        WordTable { storage: self.table.storage_and_layout().0, width: self.width }
    }
}

impl WordTable<'_> {
    /// Writes the embedding of the token `id` to `out`, `[width]`; leaves `out` as it is for an unknown id.
    pub(super) fn lookup(&self, id: u32, out: &mut [f32]) {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(table)) => {
                if let Some(row) = table.chunks_exact(self.width).nth(id as usize) {
                    out.copy_from_slice(row);
                }
            }
            Storage::Cpu(CpuStorage::F16(table)) => {
                if let Some(row) = table.chunks_exact(self.width).nth(id as usize) {
                    row.convert_to_f32_slice(out);
                }
            }
            _ => {}
        }
    }
}
