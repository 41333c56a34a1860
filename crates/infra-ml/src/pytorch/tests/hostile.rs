//! Files that would run code, exhaust memory or read outside their storages, and damaged ones.

mod archives;
mod legacy_files;
mod tensors;

use super::*;

/// A file to refuse: what it is, its bytes, and words of the message.
pub(crate) struct Hostile {
    pub(crate) what: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) words: &'static str,
}

/// Every file. `command` is what those run that run commands.
pub(crate) fn files(command: &str) -> Vec<Hostile> {
    [
        calls(command),
        objects(command),
        bombs(),
        tensors::files(),
        damaged_pickles(),
        archives::files(),
        legacy_files::files(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn hostile(what: impl Into<String>, bytes: Vec<u8>, words: &'static str) -> Hostile {
    Hostile { what: what.into(), bytes, words }
}

/// The pickle in both forms, without storages.
fn in_both(what: &str, pickle: &[u8], words: &'static str) -> Vec<Hostile> {
    let zip = torch_file::zip(&torch_file::entries(pickle.to_vec(), &[]));
    let legacy = torch_file::legacy(pickle, &[]);
    [("zip", zip), ("older form", legacy)]
        .map(|(form, bytes)| hostile(format!("{what} ({form})"), bytes, words))
        .into()
}

/// Calls of functions outside the allow-list.
fn calls(command: &str) -> Vec<Hostile> {
    let functions = [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("subprocess", "Popen"),
        ("subprocess", "check_output"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "getattr"),
        ("__builtin__", "eval"),
        ("importlib", "import_module"),
        ("runpy", "_run_code"),
        ("webbrowser", "open"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torch.jit", "load"),
        ("torch._utils", "_rebuild_device_tensor_from_numpy"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("collections", "OrderedDict.__init__"),
        ("torch.nn.modules.linear", "Linear"),
    ];
    let call = |(module, name): (&str, &str)| {
        let pickle = Pickle::new().global(module, name).raw("(").text(command).raw("tR").stop();
        in_both(&format!("{module}.{name}"), &pickle, "refers to")
    };
    let mut files: Vec<_> = functions.into_iter().flat_map(call).collect();
    let on_stack =
        Pickle::new().text("os").text("system").raw([0x93]).raw("(").text(command).raw("tR").stop();
    files.extend(in_both("a function named on the stack", &on_stack, "refers to os.system"));
    let in_dict = Pickle::new().raw("}(").text("weight").tensor(four_numbers(Form::Zip), 0, &[4], &[1]);
    let in_dict = in_dict.text("hook").global("os", "system").raw("(").text(command).raw("tRu").stop();
    files.push(hostile("a call beside a tensor", file(Form::Zip, in_dict), "refers to os.system"));
    let two_lines = Pickle::new().global("os\r\x1b[2K", "system").stop();
    files.extend(in_both("a name that hides the message", &two_lines, "refers to os\\r\\u{1b}[2K.system"));
    files
}

/// Instructions that create objects or change them.
fn objects(command: &str) -> Vec<Hostile> {
    let dict = || Pickle::new().global("collections", "OrderedDict");
    let pickles = [
        ("INST", Pickle::new().raw("(").text(command).raw("ios\nsystem\n"), "instruction INST"),
        ("OBJ", dict().raw("(o"), "instruction OBJ"),
        ("NEWOBJ", dict().raw(")").raw([0x81]), "instruction NEWOBJ"),
        ("NEWOBJ_EX", dict().raw(")}").raw([0x92]), "instruction NEWOBJ_EX"),
        ("the state of a function", dict().raw("}b"), "sets the state"),
        (
            "a call of a text",
            Pickle::new().text("os.system").raw("(").text(command).raw("tR"),
            "not a function",
        ),
        ("EXT1", Pickle::new().raw([0x82, 1]), "instruction EXT1"),
        ("EXT2", Pickle::new().raw([0x83, 1, 0]), "instruction EXT2"),
        ("EXT4", Pickle::new().raw([0x84, 1, 0, 0, 0]), "instruction EXT4"),
        ("PERSID", Pickle::new().raw("P0\n"), "instruction PERSID"),
        ("another kind of reference", Pickle::new().raw("(").text("module").raw("NNNNtQ"), "not a storage"),
        ("a reference to a number", Pickle::new().number(7).raw("Q"), "not a storage"),
        ("a reference without a type", Pickle::new().raw("(").text("storage").raw("NNNNtQ"), "not a storage"),
    ];
    pickles.into_iter().flat_map(|(what, pickle, words)| in_both(what, &pickle.stop(), words)).collect()
}

/// Small files that would take much memory or time.
fn bombs() -> Vec<Hostile> {
    let doubled = (0..100_u8).fold(Pickle::new().raw("]"), |pickle, slot| {
        pickle.raw([b'q', slot, b']', b'(', b'h', slot, b'h', slot, b'e'])
    });
    let laughs = (0..40_u8).fold(Pickle::new().text("ha").raw("q\x00"), |pickle, slot| {
        pickle.raw([b'h', slot, b'h', slot, 0x86, b'q', slot + 1])
    });
    let itself = Pickle::new().raw("]q\x00h\x00a");
    let own_key = Pickle::new().raw("}q\x00(").text("a").raw("h\x00u");
    let nested_lists = Pickle::new().raw("]".repeat(500_000)).raw("a".repeat(499_999));
    let nested_tuples = Pickle::new().raw("N").raw([0x85].repeat(500_000));
    let memo =
        (0..600_000_u32).fold(Pickle::new().raw("N"), |pickle, slot| pickle.raw("r").raw(slot.to_le_bytes()));
    let much_memo = memo.clone().raw(&memo.0[3..]);
    let list = Pickle::new().raw("NN").raw([0x86]).raw("q\x01](").raw("h\x01".repeat(1_000)).raw("eq\x00");
    let copies =
        (0..2_000).fold(list, |pickle, _| pickle.global("collections", "OrderedDict").raw("(h\x00tR"));
    let long_key = Pickle::new().raw("}(").text(&"k".repeat(1_000));
    let long_key = long_key.tensor(four_numbers(Form::Zip), 0, &[4], &[1]).raw("u");
    let mut files: Vec<_> = [
        ("lists of lists", doubled, "no state dict"),
        ("tuples of tuples", laughs, "no state dict"),
        ("a list in itself", itself, "no state dict"),
        ("a dict in itself", own_key, "no state dict"),
        ("nested lists", nested_lists, "no state dict"),
        ("nested tuples", nested_tuples, "no state dict"),
        ("many values", Pickle::new().raw("N".repeat(2_000_000)), "more than 1048576 values"),
        ("many marks", Pickle::new().raw("(".repeat(2_000_000)), "more than 1048576 values"),
        ("a large memo", much_memo, "more than 1048576 values"),
        ("copies of a list", copies, "more than 1048576 values"),
        ("a memo index of 2^31", Pickle::new().raw("j").raw(0x8000_0000_u32.to_le_bytes()), "memo lacks"),
        ("LONG4", Pickle::new().raw([0x8b, 0xff, 0xff, 0xff, 0x7f]), "instruction LONG4"),
        ("a long number", Pickle::new().raw([0x8a, 0xff]).raw([1; 255]), "number is too long"),
    ]
    .into_iter()
    .flat_map(|(what, pickle, words)| in_both(what, &pickle.stop(), words))
    .collect();
    files.push(hostile("a long name", file(Form::Zip, long_key.stop()), "too long a name"));
    let large = Pickle::new().raw("X").raw((16_u32 << 20).to_le_bytes()).raw([b'a'].repeat(16 << 20)).stop();
    files.extend(in_both("a pickle of more than 16 MiB", &large, "larger than 16 MiB"));
    files
}

fn damaged_pickles() -> Vec<Hostile> {
    let pickles = [
        ("an empty pickle", Pickle(Vec::new()), "stack is empty"),
        ("an unknown protocol", Pickle(vec![0x80, 6]), "unknown protocol"),
        ("a call on an empty stack", Pickle::new().raw("R"), "stack is empty"),
        ("a tuple on an empty stack", Pickle::new().raw("N").raw([0x86]), "stack is empty"),
        ("a call below a mark", Pickle::new().raw("N(R"), "stack is empty"),
        ("a missing mark", Pickle::new().raw("]Ne"), "mark is missing"),
        ("a key without a value", Pickle::new().raw("}(Nu"), "not a container"),
        ("an item of a number", Pickle::new().raw("K\x01Na"), "not a container"),
        ("a text that is not UTF-8", Pickle::new().raw("U\x02").raw([0xff, 0xfe]), "not UTF-8"),
        (
            "other arguments",
            Pickle::new().global("torch._utils", "_rebuild_tensor_v2").raw(")R"),
            "other arguments",
        ),
        (
            "a dict of numbers",
            Pickle::new().global("collections", "OrderedDict").raw("(]K\x01atR"),
            "not pairs",
        ),
    ];
    let mut files: Vec<_> = pickles
        .into_iter()
        .map(|(what, pickle, words)| hostile(what, file(Form::Zip, pickle.stop()), words))
        .collect();
    for (what, pickle) in [
        ("a text without an end", Pickle::new().raw(b"X\xff\xff\xff\x7fabc")),
        ("a name without an end", Pickle::new().raw("ccollections")),
        ("no end", Pickle::new().raw("}")),
    ] {
        files.push(hostile(what, file(Form::Zip, pickle.0), "ends early"));
    }
    files
}

#[test]
fn every_hostile_file_is_refused_with_a_line_that_says_why() {
    let files = files("touch marker");
    assert!(files.len() >= 40);
    let mut others = Vec::new();
    for Hostile { what, bytes, words } in files {
        let message = match read_bytes(&bytes) {
            Err(error) => application::action::chain(&error),
            Ok(tensors) => format!("read: {tensors:?}"),
        };
        if !message.contains(words) || message.len() > 250 || message.contains(char::is_control) {
            others.push(format!("{what}: {message}; expected {words}"));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}
