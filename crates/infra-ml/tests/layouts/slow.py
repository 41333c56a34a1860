"""Compares the slow tokenizers of an older transformers with the ids of this folder's layouts.

    python -m venv venv4 && venv4/bin/pip install transformers==4.57.6 sentencepiece protobuf && venv4/bin/python slow.py

Only layouts without a tokenizer.json are compared, since slow tokenizers do not read that file.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

import transformers as t

HERE = Path(__file__).parent
TEXTS = json.loads((HERE / "corpus.json").read_text())


def digest(ids):
    return hashlib.sha256(struct.pack(f"<{len(ids)}I", *ids)).hexdigest()[:8]


def compare(folder):
    expected = json.loads((folder / "ids.json").read_text())
    try:
        tokenizer = t.AutoTokenizer.from_pretrained(folder, use_fast=False)
    except Exception as error:
        return print(f"{folder.name}: not loaded ({type(error).__name__}: {str(error).splitlines()[0][:100]})")
    different = []
    for number, text in enumerate(TEXTS):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        if digest(ids) != expected["hashes"][8 * number:][:8]:
            different.append((number, text, ids))
    print(f"{folder.name}: {type(tokenizer).__name__}, {len(different)} of {len(TEXTS)} differ")
    for number, text, ids in sorted(different, key=lambda each: len(each[1]))[:int(sys.argv[1]) if sys.argv[1:] else 1]:
        known = expected["ids"][number] if number < len(expected["ids"]) else "…"
        print(f"    {text!r}: {tokenizer.convert_ids_to_tokens(ids)} {ids}, here {known}")


for folder in sorted(path.parent for path in HERE.glob("*/ids.json")):
    if not (folder / "tokenizer.json").exists():
        compare(folder)
