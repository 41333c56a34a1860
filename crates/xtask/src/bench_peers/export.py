"""Exports a Hugging Face BERT classifier to ONNX, in f32 and in int8.

    export.py MODEL_FOLDER OUTPUT_FOLDER

It writes f32.onnx and int8.onnx, each in the form that is fastest on a CPU: f32 as exported, which ONNX Runtime
optimizes when it loads it; int8 fused by ONNX Runtime's optimizer for BERT (attention, layer norm, bias and GELU) and
then quantized dynamically, with a scale for each channel of the weights. Weights have 7 bits (`reduce_range`) only if
the CPU lacks VNNI instructions, without which 8-bit products saturate.
"""

import pathlib
import sys

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from transformers import AutoModelForSequenceClassification

INPUTS = ["input_ids", "attention_mask"]


class Logits(torch.nn.Module):
    """The classifier as a function of two tensors."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def export(model, file: pathlib.Path) -> None:
    ids = torch.randint(5, 1000, (2, 16))
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        Logits(model),
        (ids, torch.ones_like(ids)),
        str(file),
        # The optimizer below recognizes the graphs of this exporter better than those of the newer one.
        dynamo=False,
        opset_version=17,
        input_names=INPUTS,
        output_names=["logits"],
        dynamic_axes={name: axes for name in INPUTS} | {"logits": {0: "batch"}},
    )


def fuse(exported: pathlib.Path, config, file: pathlib.Path) -> None:
    fused = optimizer.optimize_model(
        str(exported),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        opt_level=0,
    )
    counts = fused.get_fused_operator_statistics()
    if counts["Attention"] != config.num_hidden_layers:
        sys.exit(f"the optimizer fused {counts['Attention']} of {config.num_hidden_layers} attention layers")
    fused.save_model_to_file(str(file))


def quantize(fused: pathlib.Path, file: pathlib.Path) -> None:
    quantize_dynamic(
        str(fused),
        str(file),
        per_channel=True,
        reduce_range=not has_vnni(),
        weight_type=QuantType.QInt8,
        # ONNX cannot infer the type of the fused operators' results.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def has_vnni() -> bool:
    try:
        flags = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    # ARM CPUs do not saturate.
    return any(name in flags for name in ("avx512_vnni", "avx_vnni", "asimddp"))


def main() -> None:
    model_folder, output = sys.argv[1], pathlib.Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    model = AutoModelForSequenceClassification.from_pretrained(
        model_folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    fused = output / "fused.onnx"
    export(model, output / "f32.onnx")
    fuse(output / "f32.onnx", model.config, fused)
    quantize(fused, output / "int8.onnx")
    fused.unlink()


if __name__ == "__main__":
    main()
