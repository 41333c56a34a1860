use std::collections::BTreeMap;
use std::fmt;

/// The sizes of a model's files in bytes, by name.
#[derive(Debug, Default)]
pub(crate) struct FileSizes(BTreeMap<String, u64>);

/// The most bytes of a file that is read and parsed as a whole; the largest `tokenizer.json` in use has 34 MB.
const MAX_METADATA_BYTES: u64 = 64 << 20;

impl FileSizes {
    /// Refuses a file of `names` that is too large to be parsed. `model` says in words whose it is.
    pub(crate) fn check_metadata(
        &self,
        model: &str,
        names: impl Iterator<Item = &'static str>,
    ) -> Result<(), TooLarge> {
        let sizes = names.filter_map(|name| Some((name, *self.0.get(name)?)));
        match sizes.into_iter().find(|(_, bytes)| *bytes > MAX_METADATA_BYTES) {
            Some((file, bytes)) => {
                Err(TooLarge::Metadata { model: model.to_owned(), file: file.to_owned(), bytes })
            }
            None => Ok(()),
        }
    }

    /// Refuses files with more than `max_bytes` together. `model` says in words whose they are.
    pub(crate) fn check(&self, model: &str, max_bytes: u64) -> Result<(), TooLarge> {
        let bytes = self.0.values().fold(0_u64, |sum, size| sum.saturating_add(*size));
        match self.0.iter().max_by_key(|(_, size)| **size) {
            Some((largest, size)) if bytes > max_bytes => Err(TooLarge::Model {
                model: model.to_owned(),
                bytes,
                largest: largest.clone(),
                largest_bytes: *size,
                max_bytes,
            }),
            _ => Ok(()),
        }
    }
}

impl Extend<(String, u64)> for FileSizes {
    fn extend<T: IntoIterator<Item = (String, u64)>>(&mut self, files: T) {
        self.0.extend(files);
    }
}

/// A model with too many bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// Its files have more bytes together than the settings allow.
    #[error(
        "the files of {model} have {} together ({largest} alone {}), but model.max_bytes allows {}; use a smaller model, \
         or set model.max_bytes = {bytes} or more if disk and memory suffice",
        Readable(*bytes), Readable(*largest_bytes), Readable(*max_bytes)
    )]
    Model {
        /// The folder, or the repository with its commit.
        model: String,
        /// The bytes of all files.
        bytes: u64,
        /// The largest file.
        largest: String,
        /// Its bytes.
        largest_bytes: u64,
        /// The most bytes allowed.
        max_bytes: u64,
    },
    /// A file beside the weights is too large to be parsed.
    #[error(
        "{file} of {model} has {}, but a file beside the weights may have {} at most; the model is damaged, or none that \
         is served",
        Readable(*bytes), Readable(MAX_METADATA_BYTES)
    )]
    Metadata {
        /// The folder, or the repository with its commit.
        model: String,
        /// The file.
        file: String,
        /// Its bytes.
        bytes: u64,
    },
}

/// A number of bytes in the largest unit that it has one of, with one decimal.
struct Readable(u64);

impl fmt::Display for Readable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
        match UNITS.iter().find(|(_, bits)| self.0 >> bits > 0) {
            // In tenths, of which a size below 16 EiB has few enough for any integer.
            Some((unit, bits)) => {
                let tenths = (u128::from(self.0) * 10) >> bits;
                write!(out, "{}.{} {unit}", tenths / 10, tenths % 10)
            }
            None => write!(out, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_readable() {
        let sizes = [(0, "0 bytes"), (1_023, "1023 bytes"), (1_536, "1.5 KiB"), (4 << 30, "4.0 GiB")];
        for (bytes, text) in sizes.into_iter().chain([(u64::MAX, "17179869183.9 GiB")]) {
            assert_eq!(Readable(bytes).to_string(), text);
        }
    }

    #[test]
    fn files_above_the_limit_are_refused_with_their_sizes_and_the_key() {
        let mut sizes = FileSizes::default();
        sizes.extend([("config.json".to_owned(), 700), ("model.safetensors".to_owned(), 3 << 20)]);
        let bytes = (3 << 20) + 700;
        assert_eq!(sizes.check("org/name", bytes), Ok(()));
        let message = sizes.check("org/name", bytes - 1).unwrap_err().to_string();
        for words in ["org/name", "3.0 MiB together", "model.safetensors", "model.max_bytes = 3146428"] {
            assert!(message.contains(words), "{message}");
        }
        sizes.extend([("other".to_owned(), u64::MAX)]);
        assert!(sizes.check("org/name", u64::MAX - 1).is_err());
    }

    #[test]
    fn a_file_that_is_too_large_to_be_parsed_is_refused() {
        let mut sizes = FileSizes::default();
        sizes.extend([
            ("config.json".to_owned(), MAX_METADATA_BYTES),
            ("model.safetensors".to_owned(), 4 << 30),
        ]);
        let check =
            |sizes: &FileSizes| sizes.check_metadata("org/name", ["config.json", "absent"].into_iter());
        assert_eq!(check(&sizes), Ok(()));
        sizes.extend([("config.json".to_owned(), MAX_METADATA_BYTES + 1)]);
        let message = check(&sizes).unwrap_err().to_string();
        assert!(message.starts_with("config.json of org/name has 64.0 MiB"), "{message}");
    }
}
