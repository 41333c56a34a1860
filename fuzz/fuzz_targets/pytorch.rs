//! Reads any bytes as a file that PyTorch wrote, in either form, and every tensor of it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| infra_ml::fuzzing::read_pytorch(bytes));
