# SPDX-License-Identifier: Apache-2.0
"""Writes the files beside it with the Python package of sentencepiece.

Needs sentencepiece 0.1.97:  python make_text.py FOLDER_OF_TEST_DATA

- expressions.txt: expressions made of the words below, which two small models are trained on.
- unigram.model, bpe.model: the models, with the settings of `referent tokenizer train`.
- pieces.json: for each model the ids of every expression; ids and byte ranges of unusual texts; and
  a hash of the ids of the first 10,000 expressions of RefCOCO's val split, in lower case.
"""

import io
import json
import pathlib
import pickle
import random
import sys

import sentencepiece

HERE = pathlib.Path(__file__).parent
EXPRESSIONS = 1500
REAL_EXPRESSIONS = 10000
PEOPLE = "man woman boy girl child baby player skier surfer chef driver person lady guy kid".split()
THINGS = ("dog cat horse zebra giraffe elephant sheep cow bear bird chair table couch bed laptop "
          "phone bottle glass cup bowl plate pizza sandwich banana apple orange carrot cake donut "
          "car bus truck train bike boat plane umbrella suitcase bag kite clock vase book").split()
COLOURS = "red blue green yellow white black brown grey orange pink purple striped".split()
CLOTHES = "shirt jacket hat pants dress coat shorts helmet tie sweater".split()
PLACES = ("left|right|top|bottom|middle|in the middle|on the left|on the right|far left|far right|"
          "in front|in back|behind the fence|next to the window|closest to us|second from left|"
          "3rd from the right|upper right corner|lower left").split("|")
SIZES = "big small tall short large tiny little biggest smallest".split()
UNUSUAL = [
    "", " ", "  two  spaces ", "MAN In RED", "caf\u00e9 \u00e9clair", "cafe\u0301",
    "\ufb01ne \u2460 \uff21\uff22\uff23", "\u4e2d\u6587 \u7684 dog", "\U0001f600 smiley \U0001f468\u200d\U0001f469",
    "\u0645\u0631\u062d\u0628\u0627 left", "tab\tand\nline", "[CLS] [SEP] [UNK]", "<s> </s>", "\u2581already",
    "x\u0000y", "\u200b zero \u200b width", "a" * 300, "don't \u201cquote\u201d", "100% of 3/4", "\u30ab\u30fc \uff76\uff9e",
]


def make_expressions():
    draw = random.Random(13)
    expressions = []
    for _ in range(EXPRESSIONS):
        noun = draw.choice(PEOPLE + THINGS)
        words = [draw.choice(["the", "a", ""]), draw.choice(SIZES + [""] * 9),
                 draw.choice(COLOURS + [""] * 12), noun]
        if draw.random() < 0.4:
            words += [draw.choice(["in", "with", "wearing"]), draw.choice(COLOURS), draw.choice(CLOTHES)]
        if draw.random() < 0.6:
            words.append(draw.choice(PLACES))
        expressions.append(" ".join(word for word in words if word))
    return expressions


def train(expressions, model_type, size):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(expressions), model_writer=model, vocab_size=size,
        model_type=model_type, hard_vocab_limit=False, character_coverage=1.0, pad_id=0, unk_id=1,
        bos_id=2, eos_id=3, pad_piece="[PAD]", unk_piece="[UNK]", bos_piece="[CLS]",
        eos_piece="[SEP]", num_threads=1, minloglevel=2)
    return model.getvalue()


def real_expressions(folder):
    with open(folder / "index" / "unc" / "unc_val.pth", "rb") as file:
        for _ in range(3):  # torch's legacy form: magic number, version, machine, then the object
            pickle.load(file)
        entries = pickle.load(file)
    return [entry[3].lower() for entry in entries[:REAL_EXPRESSIONS]]


def fnv1a(ids):
    value = 0x811C9DC5
    for one in ids:
        for byte in one.to_bytes(4, "little"):
            value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def ranges(model, text):
    """The bytes of each piece; the package counts characters."""
    result = []
    for piece in model.encode(text, out_type="immutable_proto").pieces:
        result.append([len(text[:piece.begin].encode()), len(text[:piece.end].encode())])
    return result


def main():
    expressions = make_expressions()
    (HERE / "expressions.txt").write_text("\n".join(expressions) + "\n")
    real = real_expressions(pathlib.Path(sys.argv[1]))
    golden = {"unusual": UNUSUAL, "models": {}}
    for model_type, size in (("unigram", 500), ("bpe", 400)):
        content = train(expressions, model_type, size)
        (HERE / f"{model_type}.model").write_bytes(content)
        model = sentencepiece.SentencePieceProcessor(model_proto=content)
        golden["models"][model_type] = {
            "size": size,
            "pieces": [model.id_to_piece(i) for i in range(len(model))],
            "expressions": [model.encode(text) for text in expressions],
            "unusual": [model.encode(text) for text in UNUSUAL],
            "unusual_bytes": [ranges(model, text) for text in UNUSUAL],
            "unc_val": [fnv1a(model.encode(text)) for text in real],
        }
    (HERE / "pieces.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
