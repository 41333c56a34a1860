//! A file as its commit lists it, and the verification of bytes on the disk against it.
//!
//! A commit names each file by its git object id: the SHA-1 of the content with a header, or, for a large file, of a
//! pointer with the content's SHA-256 and length. So the commit verifies whatever comes over the network.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A file as its commit lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommittedFile {
    pub(super) path: String,
    pub(super) size: u64,
    /// The git object id.
    pub(super) oid: String,
    /// Whether git stores a pointer to the content (LFS) instead of the content.
    pub(super) large: bool,
}

impl CommittedFile {
    /// The name of this file's blob, if the content at `path` is this file.
    pub(super) fn verify(&self, path: &Path) -> io::Result<Option<String>> {
        let mut file = File::open(path)?;
        if self.large {
            let sha256 = digest(&mut file, Sha256::new())?;
            return Ok(self.is_blob(&sha256).then_some(sha256));
        }
        let header = Sha1::new_with_prefix(format!("blob {}\0", self.size));
        let oid = digest(&mut file, header)?;
        Ok((oid == self.oid).then_some(oid))
    }

    /// Whether a blob of this name is this file: the cache names blobs by their content.
    pub(super) fn is_blob(&self, name: &str) -> bool {
        if !self.large {
            return name == self.oid;
        }
        let pointer =
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{name}\nsize {}\n", self.size);
        let object = format!("blob {}\0{pointer}", pointer.len());
        hex::encode(Sha1::digest(object.as_bytes())) == self.oid
    }
}

fn digest<D: Digest>(content: &mut impl Read, mut digest: D) -> io::Result<String> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(hex::encode(digest.finalize())),
            Ok(read) => digest.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SHA256_OF_HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    /// The object ids are those of `git hash-object`.
    fn hello(large: bool) -> CommittedFile {
        let oid = if large {
            "d1ca116d6733584c13cb8bb50b21d5b5b81ee28f"
        } else {
            "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"
        };
        CommittedFile { path: "hello".to_owned(), size: 5, oid: oid.to_owned(), large }
    }

    #[test]
    fn a_file_is_verified_by_the_object_id_that_git_gives_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hello");
        fs::write(&path, "hello").unwrap();
        assert_eq!(hello(false).verify(&path).unwrap(), Some(hello(false).oid));
        assert_eq!(hello(true).verify(&path).unwrap().as_deref(), Some(SHA256_OF_HELLO));
        fs::write(&path, "hellO").unwrap();
        assert_eq!((hello(false).verify(&path).unwrap(), hello(true).verify(&path).unwrap()), (None, None));
    }

    #[test]
    fn a_blob_is_recognized_by_its_name() {
        assert!(hello(true).is_blob(SHA256_OF_HELLO) && hello(false).is_blob(&hello(false).oid));
        assert!(
            !hello(true).is_blob(&SHA256_OF_HELLO.replace('2', "3"))
                && !hello(false).is_blob(SHA256_OF_HELLO)
        );
    }
}
