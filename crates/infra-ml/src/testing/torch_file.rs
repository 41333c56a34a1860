//! Writes what `torch.save` writes, and what it would never write.

use safetensors::{Dtype, SafeTensors};

/// A pickle, written instruction by instruction.
#[derive(Debug, Clone)]
pub(crate) struct Pickle(pub(crate) Vec<u8>);

impl Pickle {
    /// A pickle in protocol 2.
    pub(crate) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub(crate) fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    pub(crate) fn global(self, module: &str, name: &str) -> Self {
        self.raw("c").raw(module).raw("\n").raw(name).raw("\n")
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.raw("X").raw((text.len() as u32).to_le_bytes()).raw(text)
    }

    pub(crate) fn number(self, number: i64) -> Self {
        self.raw([0x8a, 8]).raw(number.to_le_bytes())
    }

    pub(crate) fn numbers(self, numbers: &[i64]) -> Self {
        numbers.iter().fold(self.raw("("), |pickle, number| pickle.number(*number)).raw("t")
    }

    /// A storage of a type such as `FloatStorage`; the older form has one item more.
    pub(crate) fn storage(self, form: Form, class: &str, key: &str, elements: i64) -> Self {
        let storage =
            self.raw("(").text("storage").global("torch", class).text(key).text("cpu").number(elements);
        match form {
            Form::Zip => storage.raw("tQ"),
            Form::Legacy => storage.raw("NtQ"),
        }
    }

    /// A tensor of the storage that `storage` writes.
    pub(crate) fn tensor(
        self,
        storage: impl FnOnce(Self) -> Self,
        offset: i64,
        shape: &[i64],
        strides: &[i64],
    ) -> Self {
        let tensor = storage(self.global("torch._utils", "_rebuild_tensor_v2").raw("("));
        let tensor = tensor.number(offset).numbers(shape).numbers(strides).raw([0x89]);
        tensor.global("collections", "OrderedDict").raw(")RtR")
    }

    /// The bytes with the end of a pickle.
    pub(crate) fn stop(self) -> Vec<u8> {
        self.raw(".").0
    }
}

/// The two forms of PyTorch's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Zip,
    Legacy,
}

/// A file of an archive. The directory has the properties as they are here, whatever the content.
#[derive(Debug, Clone)]
pub(crate) struct ZipEntry {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
    pub(crate) size: u32,
    pub(crate) crc: u32,
    pub(crate) method: u16,
    pub(crate) flags: u16,
}

impl ZipEntry {
    pub(crate) fn new(name: &str, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        let (size, crc) = (content.len() as u32, crc32fast::hash(&content));
        Self { name: name.to_owned(), content, size, crc, method: 0, flags: 0 }
    }
}

/// A zip archive of `entries`.
pub(crate) fn zip(entries: &[ZipEntry]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for ZipEntry { name, content, size, crc, method, flags } in entries {
        let mut common = [20_u16, *flags, *method, 0, 0].map(u16::to_le_bytes).concat();
        common.extend([*crc, *size, *size].map(u32::to_le_bytes).concat());
        common.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((file.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(common);
        file.extend(name.as_bytes());
        file.extend(content);
    }
    let count = entries.len() as u16;
    let bounds = [directory.len() as u32, file.len() as u32].map(u32::to_le_bytes).concat();
    file.extend(directory);
    file.extend(b"PK\x05\x06");
    file.extend([0, 0, count, count].map(u16::to_le_bytes).concat());
    file.extend(bounds);
    file.extend([0, 0]);
    file
}

/// The entries of an archive with the pickle `pickle` and the storages by their keys.
pub(crate) fn entries(pickle: Vec<u8>, storages: &[(&str, &[u8])]) -> Vec<ZipEntry> {
    let mut entries = vec![
        ZipEntry::new("archive/data.pkl", pickle),
        ZipEntry::new("archive/byteorder", "little"),
        ZipEntry::new("archive/version", "3\n"),
    ];
    entries.extend(storages.iter().map(|(key, bytes)| ZipEntry::new(&format!("archive/data/{key}"), *bytes)));
    entries
}

/// The pickles before that of the object in the older form.
pub(crate) fn legacy_start() -> Vec<u8> {
    let magic =
        Pickle::new().raw([0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]).stop();
    let protocol = Pickle::new().number(1001).stop();
    let machine = Pickle::new().raw("}(").text("protocol_version").number(1001);
    [magic, protocol, machine.text("little_endian").raw([0x88]).raw("u").stop()].concat()
}

/// A file in the older form: each storage with its key, its number of elements and its bytes.
pub(crate) fn legacy(pickle: &[u8], storages: &[(&str, u64, &[u8])]) -> Vec<u8> {
    let keys =
        storages.iter().fold(Pickle::new().raw("]("), |keys, (key, ..)| keys.text(key)).raw("e").stop();
    let mut file = [&legacy_start(), pickle, &keys].concat();
    for (_, elements, bytes) in storages {
        file.extend(elements.to_le_bytes());
        file.extend_from_slice(bytes);
    }
    file
}

/// The tensors of a safetensors file as a state dict, each in a storage of its own.
pub(crate) fn of_safetensors(bytes: &[u8], form: Form) -> Vec<u8> {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let mut pickle = Pickle::new().global("collections", "OrderedDict").raw(")R(");
    let mut storages = Vec::new();
    for (number, (name, tensor)) in tensors.iter().enumerate() {
        let class = match tensor.dtype() {
            Dtype::F16 => "HalfStorage",
            Dtype::BF16 => "BFloat16Storage",
            Dtype::F32 => "FloatStorage",
            other => panic!("{other:?} is in no test"),
        };
        let shape: Vec<i64> = tensor.shape().iter().map(|length| i64::try_from(*length).unwrap()).collect();
        let strides: Vec<i64> = (0..shape.len()).map(|place| shape[place + 1..].iter().product()).collect();
        let (key, elements) = (number.to_string(), shape.iter().product::<i64>());
        let storage = |pickle: Pickle| pickle.storage(form, class, &key, elements);
        pickle = pickle.text(name).tensor(storage, 0, &shape, &strides);
        storages.push((key, elements as u64, tensor.data()));
    }
    let metadata = Pickle(Vec::new()).raw("}").text("_metadata").raw("}s");
    let pickle = pickle.raw("u").raw(metadata.0).raw("b").stop();
    match form {
        Form::Zip => {
            let storages: Vec<_> = storages.iter().map(|(key, _, bytes)| (key.as_str(), *bytes)).collect();
            zip(&entries(pickle, &storages))
        }
        Form::Legacy => {
            let storages: Vec<_> =
                storages.iter().map(|(key, elements, bytes)| (key.as_str(), *elements, *bytes)).collect();
            legacy(&pickle, &storages)
        }
    }
}
