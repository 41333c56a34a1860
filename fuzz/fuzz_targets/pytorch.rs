//! Reads any bytes as a file that PyTorch wrote, in either form, and every tensor of it.
//!
//! The modules are those of infra-ml, included by their paths: the target builds without Candle, and infra-ml exports
//! nothing for it.

#![no_main]
#![expect(dead_code, reason = "files on disk are not read here")]

#[path = "../../crates/infra-ml/src"]
mod infra_ml {
    pub(crate) mod pytorch;
    pub(crate) mod stored_tensor;
}

use infra_ml::{pytorch, stored_tensor};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for (name, tensor) in pytorch::read(&bytes).into_iter().flatten() {
        let mut out = vec![0; tensor.elements() * tensor.dtype.bitsize() / 8];
        assert!(out.len() <= bytes.len(), "{name} is larger than its file");
        assert!(tensor.read(&bytes, &mut out).is_ok(), "{name} cannot be read");
        assert!(tensor.is_finite(&bytes).is_ok(), "{name} cannot be read");
    }
});
