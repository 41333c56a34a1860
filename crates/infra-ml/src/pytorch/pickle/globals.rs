use safetensors::Dtype;

/// The classes and functions that state dicts refer to. Everything else refuses a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor`, and its second version: with `requires_grad` and hooks.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.FloatStorage` and its like.
    Storage(Dtype),
}

impl Global {
    pub(super) fn find(module: &[u8], name: &[u8]) -> Option<Self> {
        Some(match (module, name) {
            (b"collections", b"OrderedDict") => Self::OrderedDict,
            (b"torch._utils", b"_rebuild_tensor" | b"_rebuild_tensor_v2") => Self::RebuildTensor,
            (b"torch._utils", b"_rebuild_parameter") => Self::RebuildParameter,
            (b"torch", b"DoubleStorage") => Self::Storage(Dtype::F64),
            (b"torch", b"FloatStorage") => Self::Storage(Dtype::F32),
            (b"torch", b"HalfStorage") => Self::Storage(Dtype::F16),
            (b"torch", b"BFloat16Storage") => Self::Storage(Dtype::BF16),
            (b"torch", b"LongStorage") => Self::Storage(Dtype::I64),
            (b"torch", b"IntStorage") => Self::Storage(Dtype::I32),
            (b"torch", b"ShortStorage") => Self::Storage(Dtype::I16),
            (b"torch", b"CharStorage") => Self::Storage(Dtype::I8),
            (b"torch", b"ByteStorage") => Self::Storage(Dtype::U8),
            (b"torch", b"BoolStorage") => Self::Storage(Dtype::BOOL),
            _ => return None,
        })
    }
}

/// The name of an instruction that is refused: those that create objects by name, else its byte.
pub(super) fn instruction_name(instruction: u8) -> String {
    let name = match instruction {
        b'i' => "INST",
        b'o' => "OBJ",
        b'P' => "PERSID",
        0x81 => "NEWOBJ",
        0x82 => "EXT1",
        0x83 => "EXT2",
        0x84 => "EXT4",
        0x8b => "LONG4",
        0x92 => "NEWOBJ_EX",
        other => return format!("{other:#04x}"),
    };
    name.to_owned()
}
