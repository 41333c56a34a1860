"""Makes a small model in each layout in which classifiers are published, and the token ids that transformers gives.

    python -m venv venv && venv/bin/pip install -r ../fixtures/requirements.txt && venv/bin/python make.py [NAME ...]

A folder has the files that such a repository has: vocabularies trained on the texts of `corpus.py`, random weights,
`reference.json` as in `../fixtures`, and `ids.json`: the ids that `AutoTokenizer.from_pretrained(folder)` gives to the
texts of `corpus.json`, without special tokens; as ids for the first texts, and for all texts as the first eight
hexadecimal digits of the SHA-256 of the ids (u32, little-endian). The same versions give the same files.
"""

import collections
import hashlib
import io
import json
import shutil
import struct
import sys
from pathlib import Path

import sentencepiece
import torch
import transformers as t
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

import corpus

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "fixtures"))
from make import BERT as SIZES, DEBERTA, MODERNBERT, STARS, TEXTS, THREE, randomise  # noqa: E402

CORPUS = corpus.texts()
TRAINING = CORPUS[13:60] + [" ".join(corpus.WORDS)] * 4 + CORPUS[200:500]
SMALL = dict(hidden_size=16, intermediate_size=24, num_attention_heads=2, max_position_embeddings=160)
BERT = SIZES | SMALL
ROBERTA = BERT | dict(max_position_embeddings=162, type_vocab_size=1, layer_norm_eps=1e-5)
BRACKETS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROLES = {
    "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
}
ANGLES = {
    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>",
    "cls_token": "<s>", "mask_token": "<mask>",
}
MASK = {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}


def wordpiece_vocabulary(lowercase=True):
    """The characters and the most frequent words, beginnings and endings; the trainer has no fixed order."""
    normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    splitting = pre_tokenizers.BertPreTokenizer()
    words = collections.Counter()
    for text in TRAINING:
        words.update(word for word, _ in splitting.pre_tokenize_str(normalizer.normalize_str(text)))
    parts = collections.Counter()
    for word, count in words.items():
        for length in (2, 3, 4):
            parts[word[:length]] += count
            parts["##" + word[-length:]] += count
    characters = sorted({character for word in words for character in word})
    most = lambda counter, count: [key for key, _ in sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:count]]
    tokens = [*BRACKETS, "[unused1]", *characters, *("##" + each for each in characters), *most(words, 150), *most(parts, 150)]
    return list(dict.fromkeys(tokens))


def vocab_txt(lowercase=True):
    return {"vocab.txt": "\n".join(wordpiece_vocabulary(lowercase)) + "\n"}


def bpe_vocabulary():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(TRAINING, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary = model["vocab"] | {"<mask>": len(model["vocab"])}
    return vocabulary, ["#version: 0.2", *(" ".join(merge) for merge in model["merges"])]


def vocab_json():
    vocabulary, merges = bpe_vocabulary()
    return {"vocab.json": json.dumps(vocabulary, ensure_ascii=False), "merges.txt": "\n".join(merges) + "\n"}


def sentencepiece_model(name, **options):
    writer = io.BytesIO()
    sentences = [text for text in TRAINING if "\0" not in text and text.strip()]
    defaults = dict(model_type="unigram", vocab_size=700, normalization_rule_name="nmt_nfkc", num_threads=1)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=writer, character_coverage=0.98, hard_vocab_limit=False,
        minloglevel=2, **(defaults | options),
    )
    return {name: writer.getvalue()}


def deberta_model():
    return sentencepiece_model(
        "spm.model", pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]",
        unk_piece="[UNK]", user_defined_symbols=["[unused1]"],
    )


def serialized(tokenizer):
    return {"tokenizer.json": tokenizer.backend_tokenizer.to_str()}


def bert_json(**settings):
    vocabulary = {token: id for id, token in enumerate(wordpiece_vocabulary())}
    return serialized(t.BertTokenizer(vocab=vocabulary, **settings))


def roberta_json(**settings):
    vocabulary, merges = bpe_vocabulary()
    return serialized(t.RobertaTokenizer(vocab=vocabulary, merges=[tuple(merge.split(" ")) for merge in merges[1:]], **settings))


def from_files(tokenizer, files):
    """The `tokenizer.json` of what transformers reads from `files`."""
    folder = HERE / "made"
    folder.mkdir()
    try:
        write(folder, files)
        return serialized(tokenizer.from_pretrained(folder))
    finally:
        shutil.rmtree(folder)


def deberta_json():
    return from_files(t.DebertaV2Tokenizer, deberta_model())


def added(content, special=False, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": not special, "special": special} | flags


def more_tokens(files):
    """Tokens beyond the vocabulary, and one of it."""
    first = files["vocab.txt"].count("\n")
    return files | {
        "added_tokens.json": {"NewToken": first + 1, "<new>": first, "[unused1]": 5},
        "special_tokens_map.json": ROLES | {"additional_special_tokens": ["<new>"]},
    }


def declared_tokens():
    files = vocab_json()
    count = len(json.loads(files["vocab.json"]))
    decoder = {"0": added("<s>", True), "1": added("<pad>", True), "2": added("</s>", True), "3": added("<unk>", True)}
    decoder |= {str(count - 1): added("<mask>", True, lstrip=True), str(count): added("NewToken", single_word=True)}
    decoder |= {str(count + 1): added("<new>", True, rstrip=True)}
    return files | {"tokenizer_config.json": {"tokenizer_class": "RobertaTokenizer", "added_tokens_decoder": decoder, **ANGLES}}


BERT_MODEL = (t.BertConfig, t.BertForSequenceClassification, BERT | dict(pad_token_id=0))
DISTILBERT_MODEL = (
    t.DistilBertConfig, t.DistilBertForSequenceClassification,
    dict(dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=160, pad_token_id=0),
)
ELECTRA_MODEL = (t.ElectraConfig, t.ElectraForSequenceClassification, BERT | dict(embedding_size=16, pad_token_id=0))
ROBERTA_MODEL = (t.RobertaConfig, t.RobertaForSequenceClassification, ROBERTA | dict(pad_token_id=1))
XLM_ROBERTA_MODEL = (t.XLMRobertaConfig, t.XLMRobertaForSequenceClassification, ROBERTA | dict(pad_token_id=1))
CAMEMBERT_MODEL = (t.CamembertConfig, t.CamembertForSequenceClassification, ROBERTA | dict(pad_token_id=1))
DEBERTA_MODEL = (
    t.DebertaV2Config, t.DebertaV2ForSequenceClassification, DEBERTA | SMALL | dict(pooler_hidden_size=16, pad_token_id=0)
)
MODERNBERT_MODEL = (
    t.ModernBertConfig, t.ModernBertForSequenceClassification,
    MODERNBERT | SMALL | dict(num_hidden_layers=2, global_attn_every_n_layers=2, pad_token_id=0, cls_token_id=2, sep_token_id=3, bos_token_id=2, eos_token_id=3),
)
TWO = ["NEGATIVE", "POSITIVE"]
UNNAMED = ["LABEL_0", "LABEL_1", "LABEL_2"]
FINBERT = ["positive", "negative", "neutral"]
XLM = "sentencepiece.bpe.model"

# Name: the model, its labels, whether its weights are a pytorch_model.bin, its tokenizer's files.
LAYOUTS = {
    # As published.
    "distilbert-sst2": (
        DISTILBERT_MODEL, TWO, False, lambda: vocab_txt() | {"tokenizer_config.json": {"do_lower_case": True, "model_max_length": 512}}
    ),
    "nlptown": (
        BERT_MODEL, STARS, False,
        lambda: vocab_txt() | {"tokenizer_config.json": {"do_lower_case": True, "max_len": 512, "init_inputs": []}, "special_tokens_map.json": ROLES},
    ),
    "twitter-roberta": (
        ROBERTA_MODEL, UNNAMED, True, lambda: vocab_json() | {"special_tokens_map.json": ANGLES | {"mask_token": MASK}}
    ),
    "twitter-roberta-latest": (
        ROBERTA_MODEL, THREE, True, lambda: vocab_json() | {"special_tokens_map.json": ANGLES | {"mask_token": MASK}}
    ),
    "twitter-xlm-roberta": (
        XLM_ROBERTA_MODEL, THREE, True, lambda: sentencepiece_model(XLM) | {"special_tokens_map.json": ANGLES}
    ),
    "finbert": (
        BERT_MODEL, FINBERT, True,
        lambda: vocab_txt() | {
            "tokenizer_config.json": ROLES | {
                "do_lower_case": True, "tokenize_chinese_chars": True, "strip_accents": None, "do_basic_tokenize": True,
                "never_split": None, "tokenizer_class": "BertTokenizer",
            },
            "special_tokens_map.json": ROLES,
        },
    ),
    "siebert": (
        ROBERTA_MODEL, TWO, True,
        lambda: vocab_json() | {
            "tokenizer_config.json": {
                "errors": "replace", "add_prefix_space": False, "model_max_length": 512, "tokenizer_class": "RobertaTokenizer",
                **{key: {"__type": "AddedToken"} | added(token) for key, token in ANGLES.items() if key != "mask_token"},
                "mask_token": {"__type": "AddedToken"} | MASK,
            },
        },
    ),
    "camembert": (CAMEMBERT_MODEL, THREE, False, lambda: sentencepiece_model(XLM)),
    "deberta-v3": (
        DEBERTA_MODEL, THREE, False, lambda: deberta_model() | {"tokenizer_config.json": {"do_lower_case": False, "vocab_type": "spm"}}
    ),
    "electra": (ELECTRA_MODEL, THREE, False, lambda: vocab_txt() | {"tokenizer_config.json": {"tokenizer_class": "ElectraTokenizer"}}),
    # Settings.
    "bert-cased": (
        BERT_MODEL, THREE, False,
        lambda: vocab_txt(False) | {"tokenizer_config.json": {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}},
    ),
    "bert-added-tokens": (BERT_MODEL, THREE, False, lambda: more_tokens(vocab_txt())),
    "bert-split-special": (
        BERT_MODEL, THREE, False, lambda: vocab_txt() | {"tokenizer_config.json": {"split_special_tokens": True, "strip_accents": False}}
    ),
    "roberta-declared-tokens": (ROBERTA_MODEL, THREE, False, declared_tokens),
    "deberta-punctuation": (
        DEBERTA_MODEL, THREE, False,
        lambda: deberta_model() | {
            "tokenizer_config.json": {"do_lower_case": True, "split_by_punct": True, "tokenizer_class": "DebertaV2Tokenizer"},
            "added_tokens.json": {"[MASK]": 700},
        },
    ),
    "xlm-roberta-bpe": (XLM_ROBERTA_MODEL, THREE, False, lambda: sentencepiece_model(XLM, model_type="bpe")),
    # The class of another family.
    "bert-with-xlm-roberta-tokens": (
        BERT_MODEL, THREE, False, lambda: sentencepiece_model(XLM) | {"tokenizer_config.json": {"tokenizer_class": "XLMRobertaTokenizer"}}
    ),
    # A tokenizer.json that the configuration contradicts.
    "bert-contradiction": (
        BERT_MODEL, THREE, False,
        lambda: bert_json() | {
            "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False},
            "vocab.txt": "\n".join(reversed(wordpiece_vocabulary())) + "\n",
        },
    ),
    "roberta-contradiction": (
        ROBERTA_MODEL, THREE, False,
        lambda: roberta_json() | {
            "tokenizer_config.json": {"tokenizer_class": "RobertaTokenizerFast", "add_prefix_space": True},
            "special_tokens_map.json": {"mask_token": MASK},
        },
    ),
    "xlm-roberta-contradiction": (
        XLM_ROBERTA_MODEL, THREE, False,
        lambda: from_files(t.XLMRobertaTokenizer, sentencepiece_model(XLM)) | {
            "tokenizer_config.json": {"tokenizer_class": "XLMRobertaTokenizer", "add_prefix_space": False}
        },
    ),
    "deberta-contradiction": (
        DEBERTA_MODEL, THREE, False,
        lambda: deberta_json() | {
            "tokenizer_config.json": {"tokenizer_class": "DebertaV2TokenizerFast", "do_lower_case": True, "split_by_punct": True, "unk_token": "[UNK]"}
        },
    ),
    "bert-serialized": (
        BERT_MODEL, THREE, False,
        lambda: bert_json(do_lower_case=True) | {
            "tokenizer_config.json": {
                "tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False, "mask_token": "[MASK]",
                "added_tokens_decoder": {"4": added("[MASK]", True, lstrip=True), "5": added("[unused1]")},
                "additional_special_tokens": ["NewToken"],
            },
        },
    ),
    "modernbert": (
        MODERNBERT_MODEL, THREE, False,
        lambda: bert_json(strip_accents=False) | {"tokenizer_config.json": {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True}},
    ),
}


def write(folder, files):
    for name, content in files.items():
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1) + "\n"
            (folder / name).write_bytes(text.encode())


def digest(ids):
    return hashlib.sha256(struct.pack(f"<{len(ids)}I", *ids)).hexdigest()[:8]


@torch.no_grad()
def make(name):
    (configuration, classifier, sizes), labels, is_bin, files = LAYOUTS[name]
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write(folder, files())
    config = configuration(
        id2label=dict(enumerate(labels)), label2id={label: number for number, label in enumerate(labels)},
        architectures=[classifier.__name__], **sizes,
    )
    config.save_pretrained(folder)
    tokenizer = t.AutoTokenizer.from_pretrained(folder)
    config.vocab_size = len(tokenizer)
    torch.manual_seed(sum(name.encode()))
    model = classifier(config).eval()
    randomise(model)
    if is_bin:
        config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    else:
        model.save_pretrained(folder)
    cases = []
    for text in TEXTS:
        ids = tokenizer(text)["input_ids"][:160]
        if len(ids) < 160:
            cases.append({"text": text, "input_ids": ids, "logits": model(input_ids=torch.tensor([ids])).logits[0].tolist()})
    made_with = f"transformers {t.__version__}, torch {torch.__version__}"
    write(folder, {"reference.json": json.dumps({"made_with": made_with, "cases": cases}, ensure_ascii=False) + "\n"})
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in CORPUS]
    hashes = "".join(map(digest, ids))
    expected = {"made_with": made_with, "ids": ids[:len(corpus.FIXED)], "hashes": hashes}
    write(folder, {"ids.json": json.dumps(expected, separators=(",", ":")) + "\n"})
    print(name, type(tokenizer).__name__, len(tokenizer), len(cases), sum(map(len, ids)))


if __name__ == "__main__":
    write(HERE, {"corpus.json": json.dumps(CORPUS, ensure_ascii=False, indent=0) + "\n"})
    for chosen in sys.argv[1:] or LAYOUTS:
        make(chosen)
