//! Tensors and storages with wrong numbers.

use super::*;

/// A storage `0` of four numbers that is declared to have `elements`, and a tensor of it.
struct Case {
    what: &'static str,
    elements: i64,
    offset: i64,
    shape: &'static [i64],
    strides: &'static [i64],
    words: &'static str,
}

const fn case(
    what: &'static str,
    [elements, offset]: [i64; 2],
    shape: &'static [i64],
    strides: &'static [i64],
    words: &'static str,
) -> Case {
    Case { what, elements, offset, shape, strides, words }
}

const MANY: i64 = 2_500_000_000;
const OUTSIDE: &str = "not inside its storage";
const INVALID: &str = "valid storage, offset";
const CASES: [Case; 13] = [
    case("a tensor of 10 GB", [4, 0], &[MANY], &[1], OUTSIDE),
    case("a storage of 10 GB", [MANY, 0], &[4], &[1], "storage 0"),
    case("a storage of an overflowing size", [i64::MAX, 0], &[4], &[1], "storage 0"),
    case("a storage of a negative size", [-4, 0], &[4], &[1], "not a storage"),
    case("a tensor behind its storage", [4, 4], &[1], &[1], OUTSIDE),
    case("an overflowing offset", [4, i64::MAX], &[2], &[i64::MAX], OUTSIDE),
    case("an overflowing shape", [4, 0], &[i64::MAX, i64::MAX], &[i64::MAX, 1], OUTSIDE),
    case("a negative offset", [4, -1], &[1], &[1], INVALID),
    case("a negative stride", [4, 3], &[2], &[-1], INVALID),
    case("a negative length", [4, 0], &[-4], &[1], INVALID),
    case("too many dimensions", [4, 0], &[1; 9], &[1; 9], INVALID),
    case("elements that repeat", [4, 0], &[1_000_000, 4], &[0, 1], "share a place"),
    case("rows that overlap", [4, 0], &[2, 3], &[1, 1], "share a place"),
];

pub(super) fn files() -> Vec<Hostile> {
    let mut files: Vec<_> = [Form::Zip, Form::Legacy].into_iter().flat_map(in_form).collect();
    let negated = Pickle::new().raw("}").text("weight").global("torch._utils", "_rebuild_tensor_v2").raw("(");
    let negated =
        four_numbers(Form::Zip)(negated).number(0).numbers(&[4]).numbers(&[1]).raw([0x89]).raw("N}");
    let negated = negated.text("neg").raw([0x88]).raw("stRs").stop();
    files.push(hostile("a negated tensor", file(Form::Zip, negated), "metadata"));
    files
}

fn in_form(form: Form) -> Vec<Hostile> {
    let mut files = Vec::new();
    for Case { what, elements, offset, shape, strides, words } in CASES {
        let storage = |pickle: Pickle| pickle.storage(form, "FloatStorage", "0", elements);
        let pickle = Pickle::new().raw("}").text("weight").tensor(storage, offset, shape, strides).raw("s");
        files.push(hostile(format!("{what} ({form:?})"), file(form, pickle.stop()), words));
    }
    let twice = Pickle::new().raw("}(").text("a").tensor(four_numbers(form), 0, &[4], &[1]).text("b");
    let halves = |pickle: Pickle| pickle.storage(form, "HalfStorage", "0", 8);
    let twice = twice.tensor(halves, 0, &[8], &[1]).raw("u").stop();
    files.push(hostile(
        format!("a storage of two types ({form:?})"),
        file(form, twice),
        "declared in two ways",
    ));
    let other = |pickle: Pickle| pickle.storage(form, "FloatStorage", "../0", 4);
    let other = Pickle::new().raw("}").text("weight").tensor(other, 0, &[4], &[1]).raw("s").stop();
    files.push(hostile(format!("a storage elsewhere ({form:?})"), file(form, other), "storage"));
    let wrapped = Pickle::new().raw("}").text("state_dict").raw("}").text("weight");
    let wrapped = wrapped.tensor(four_numbers(form), 0, &[4], &[1]).raw("ss").stop();
    files.push(hostile(format!("a state dict in a dict ({form:?})"), file(form, wrapped), "no state dict"));
    files
}
