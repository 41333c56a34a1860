"""Measures an engine alone, without HTTP, and prints one JSON object per line for each batch size.

    engine.py MODEL_FOLDER TEXTS (--onnx FILE | --torch f32) [--batch 1,32] [--threads N] [--rounds N]

TEXTS is a table with a header line and the text in its first column. Times include tokenizing (by `tokenizers`, on
all cores for batches), whose share is reported. Batches are sorted by length, so that they have little padding. First
the logits are compared with the model's reference.json. The best of the rounds is reported.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

import numpy
from tokenizers import Tokenizer

LONGEST = 512
# Quantized logits differ by less than a third of this; a label may only differ if its margin is smaller.
INT8_MARGIN = 2.0


def onnxruntime_engine(file: str, threads: int):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


def torch_engine(folder: str, threads: int):
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.set_num_threads(threads)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()

    def forward(ids, mask):
        with torch.inference_mode():
            inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
            return model(**inputs).logits.numpy()

    return forward


def padded(sequences):
    longest = max(map(len, sequences))
    ids = numpy.zeros((len(sequences), longest), dtype=numpy.int64)
    mask = numpy.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


def check(forward, folder: pathlib.Path, quantized: bool) -> None:
    """Exits with a message if the logits differ from the model's reference."""
    for case in json.loads((folder / "reference.json").read_text())["cases"]:
        logits = forward(*padded([case["input_ids"]]))[0].tolist()
        expected = case["logits"]
        if not quantized and max(abs(a - b) for a, b in zip(logits, expected, strict=True)) > 0.001:
            sys.exit(f"the logits differ from the reference: {logits} instead of {expected}")
        best, second = sorted(expected, reverse=True)[:2]
        same = logits.index(max(logits)) == expected.index(best)
        if not same and best - second > (INT8_MARGIN if quantized else 0.001):
            sys.exit(f"the label differs from the reference: {logits} instead of {expected}")


def one_by_one(forward, tokenizer, texts):
    times, tokenizing, tokens = [], 0.0, 0
    for text in texts:
        started = time.perf_counter()
        sequence = tokenizer.encode(text).ids
        tokenizing += time.perf_counter() - started
        forward(*padded([sequence]))
        times.append(time.perf_counter() - started)
        tokens += len(sequence)
    return sum(times), tokenizing, tokens, times


def in_batches(forward, tokenizer, texts, batch: int):
    started = time.perf_counter()
    sequences = sorted((encoding.ids for encoding in tokenizer.encode_batch_fast(texts)), key=len)
    tokenizing = time.perf_counter() - started
    times = []
    for first in range(0, len(sequences), batch):
        before = time.perf_counter()
        forward(*padded(sequences[first : first + batch]))
        times.append(time.perf_counter() - before)
    return time.perf_counter() - started, tokenizing, sum(map(len, sequences)), times


def measure(forward, tokenizer, texts, batch: int, rounds: int) -> dict:
    def once():
        if batch == 1:
            return one_by_one(forward, tokenizer, texts)
        return in_batches(forward, tokenizer, texts, batch)

    once()
    seconds, tokenizing, tokens, times = min((once() for _ in range(rounds)), key=lambda one: one[0])
    return {
        "batch": batch,
        "texts": len(texts),
        "texts_per_second": len(texts) / seconds,
        "tokens_per_second": tokens / seconds,
        "p50_ms": statistics.median(times) * 1e3,
        "p99_ms": sorted(times)[len(times) * 99 // 100] * 1e3,
        "tokenizing_share": tokenizing / seconds,
    }


def read_texts(file: str) -> list[str]:
    lines = pathlib.Path(file).read_text(encoding="utf-8").split("\n")[1:]
    return [line.split("\t")[0] for line in lines if line]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("texts")
    parser.add_argument("--onnx")
    parser.add_argument("--torch", choices=["f32"])
    parser.add_argument("--batch", default="1,32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    tokenizer = Tokenizer.from_file(str(given.model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    if given.onnx:
        forward = onnxruntime_engine(given.onnx, given.threads)
    else:
        forward = torch_engine(str(given.model), given.threads)
    check(forward, given.model, quantized="int8" in pathlib.Path(given.onnx or "").name)
    texts = read_texts(given.texts)
    for batch in map(int, given.batch.split(",")):
        print(json.dumps(measure(forward, tokenizer, texts, batch, given.rounds)), flush=True)


if __name__ == "__main__":
    main()
