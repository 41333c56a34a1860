"""Writes the files that the reader of PyTorch files is tested with, by PyTorch itself.

    pip install -r ../fixtures/requirements.txt
    python make.py

`zip.bin` and `legacy.bin` have the same tensors, whose values are in `expected.json`. The folder `bert-sharded` has the
weights of ../fixtures/bert in two files, the first in the zip form and the second in the older form.
"""

import json
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import load_file

HERE = Path(__file__).parent


def tensors():
    torch.manual_seed(11)
    matrix = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    module = torch.nn.Linear(3, 2)
    state = module.state_dict()  # An OrderedDict with `_metadata`.
    state["f32"] = matrix
    state["f16"] = matrix.half()
    state["bf16"] = matrix.bfloat16()
    state["tied"] = matrix
    state["transposed"] = matrix.t()
    state["part"] = matrix[1:3, 2:5]
    state["every_second_column"] = matrix[:, ::2]
    state["f16_permuted"] = matrix.half().reshape(2, 3, 4).permute(2, 0, 1)
    state["parameter"] = torch.nn.Parameter(matrix[3])
    state["scalar"] = torch.tensor(2.5)
    state["empty"] = torch.zeros(0, 3)
    state["position_ids"] = torch.arange(5).expand((1, -1))
    state["mask"] = torch.tensor([True, False])
    state["version"] = 3
    return state


def shards():
    folder = HERE / "bert-sharded"
    folder.mkdir(exist_ok=True)
    weights = OrderedDict(load_file(HERE.parent / "fixtures" / "bert" / "model.safetensors"))
    names = list(weights)
    halves = [names[: len(names) // 2], names[len(names) // 2 :]]
    weight_map = {}
    for number, part in enumerate(halves, 1):
        file = f"pytorch_model-{number:05}-of-00002.bin"
        state = OrderedDict((name, weights[name]) for name in part)
        torch.save(state, folder / file, _use_new_zipfile_serialization=number == 1)
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")


def main():
    state = tensors()
    torch.save(state, HERE / "zip.bin")
    torch.save(state, HERE / "zip-protocol-4.bin", pickle_protocol=4)
    torch.save(state, HERE / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(state, HERE / "legacy-protocol-4.bin", pickle_protocol=4, _use_new_zipfile_serialization=False)
    torch.serialization.set_crc32_options(False)
    torch.save(state, HERE / "zip-without-checksums.bin")
    torch.serialization.set_crc32_options(True)
    values = {
        name: {"shape": list(value.shape), "values": value.flatten().tolist()}
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    }
    (HERE / "expected.json").write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")
    shards()


main()
