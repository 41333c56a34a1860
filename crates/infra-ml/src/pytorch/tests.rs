mod fixtures;
pub(crate) mod hostile;
mod mutations;

use std::collections::HashMap;

use safetensors::Dtype;

use super::*;
use crate::testing::torch_file::{self, Form, Pickle};

fn read_bytes(bytes: &[u8]) -> Result<HashMap<String, StoredTensor>, PytorchError> {
    read(&bytes)
}

/// The storage `0` of four numbers.
fn four_numbers(form: Form) -> impl Fn(Pickle) -> Pickle {
    move |pickle| pickle.storage(form, "FloatStorage", "0", 4)
}

/// A file with the storage `0` of four numbers.
fn file(form: Form, pickle: Vec<u8>) -> Vec<u8> {
    let numbers = [1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    match form {
        Form::Zip => torch_file::zip(&torch_file::entries(pickle, &[("0", &numbers)])),
        Form::Legacy => torch_file::legacy(&pickle, &[("0", 4, &numbers)]),
    }
}

/// The numbers of a tensor of a file.
fn numbers(bytes: &[u8], name: &str) -> Vec<f32> {
    let tensor = &read_bytes(bytes).unwrap()[name];
    assert_eq!(tensor.dtype, Dtype::F32);
    let mut numbers = vec![0.0; tensor.elements()];
    tensor.read(&bytes, bytemuck::cast_slice_mut(&mut numbers)).unwrap();
    numbers
}

#[test]
fn tensors_that_share_a_storage_are_read_in_both_forms() {
    for form in [Form::Zip, Form::Legacy] {
        let pickle = Pickle::new().raw("}(").text("whole").tensor(four_numbers(form), 0, &[2, 2], &[2, 1]);
        let pickle = pickle.text("transposed").tensor(four_numbers(form), 0, &[2, 2], &[1, 2]);
        let pickle = pickle.text("part").tensor(four_numbers(form), 1, &[1, 2], &[9, 2]);
        let pickle = pickle.text("empty").tensor(four_numbers(form), 4, &[0, 2], &[2, 1]);
        let file = file(form, pickle.text("no tensor").raw("Nu").stop());
        assert_eq!(numbers(&file, "whole"), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(numbers(&file, "transposed"), [1.0, 3.0, 2.0, 4.0]);
        assert_eq!(numbers(&file, "part"), [2.0, 4.0]);
        assert_eq!(numbers(&file, "empty"), [0.0; 0]);
        assert_eq!(read_bytes(&file).unwrap().len(), 4);
    }
}

#[test]
fn a_part_of_a_storage_is_read_in_the_older_form() {
    let storage = |pickle: Pickle| {
        let storage = pickle.raw("(").text("storage").global("torch", "FloatStorage").text("0").text("cpu");
        storage.number(4).raw("(").text("part").number(1).number(3).raw("ttQ")
    };
    let pickle =
        |length| Pickle::new().raw("}").text("part").tensor(storage, 1, &[length], &[1]).raw("s").stop();
    assert_eq!(numbers(&file(Form::Legacy, pickle(2)), "part"), [3.0, 4.0]);
    let error = read_bytes(&file(Form::Legacy, pickle(3))).unwrap_err();
    assert!(matches!(error, PytorchError::Tensor { .. }), "{error}");
}

#[test]
fn parameters_and_an_ordered_dict_of_pairs_are_read() {
    let pickle = Pickle::new().global("collections", "OrderedDict").raw("(](](").text("weight");
    let pickle = pickle.global("torch._utils", "_rebuild_parameter").raw("(");
    let pickle = pickle.tensor(four_numbers(Form::Zip), 0, &[4], &[1]).raw([0x88]);
    let pickle = pickle.global("collections", "OrderedDict").raw(")RtReetR").stop();
    assert_eq!(numbers(&file(Form::Zip, pickle), "weight"), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn a_missing_checksum_and_a_missing_byte_order_are_no_faults() {
    let pickle =
        Pickle::new().raw("}").text("weight").tensor(four_numbers(Form::Zip), 0, &[4], &[1]).raw("s");
    let mut entries = torch_file::entries(pickle.stop(), &[("0", &[0; 16])]);
    for entry in &mut entries {
        entry.crc = 0;
    }
    entries.retain(|entry| entry.name != "archive/byteorder");
    assert_eq!(numbers(&torch_file::zip(&entries), "weight"), [0.0; 4]);
}
