# SPDX-License-Identifier: Apache-2.0
"""Writes random_texts.json: hashes of the released tokenizer's ids for a million random texts.

Needs the package pytorch_pretrained_bert 0.6.2, of which only tokenization.py is used, and Python
3.11:  python make_random_texts.py FOLDER_OF_THE_PACKAGE

tests/text/random_texts_test.cpp makes the same texts from the same numbers.
"""

import importlib.util
import json
import pathlib
import sys
import types

HERE = pathlib.Path(__file__).parent
TEXTS = 1000000
BLOCK = 1000
MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15
# First and last code points; what occurs often in texts stands more than once. All were assigned long
# before the Unicode versions of Python 3.11 and utf8proc 2.8, or are not in either.
RANGES = [
    (0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0x61, 0x7A), (0x61, 0x7A), (0x20, 0x20), (0x20, 0x20),
    (0x00, 0x1F), (0x7F, 0xA0), (0xA1, 0x17F), (0x130, 0x131), (0x300, 0x36F), (0x391, 0x3A1),
    (0x3A3, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x621, 0x63A), (0x64B, 0x652), (0x905, 0x939),
    (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x3000, 0x303F), (0x3041, 0x3096), (0x4E00, 0x4E7F),
    (0xAC00, 0xAC7F), (0xE000, 0xE00F), (0xFE00, 0xFE0F), (0xFF01, 0xFF5E), (0xFFFC, 0xFFFD),
    (0x1F300, 0x1F3FF), (0x1F600, 0x1F64F), (0x20000, 0x2007F),
]
WORDS = ["the", "left", "man", "[CLS]", "[SEP]", "[MASK]", "unaffable", "\u03a3", "don't", " ||| "]


def random_text(number):
    state = number * GAMMA & MASK

    def draw():
        nonlocal state
        state = state + GAMMA & MASK
        z = state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return z ^ z >> 31

    text = ""
    for _ in range(1 + draw() % 16):
        if draw() % 8 == 0:
            text += WORDS[draw() % len(WORDS)]
        else:
            first, last = RANGES[draw() % len(RANGES)]
            text += chr(first + draw() % (last - first + 1))
    return text


def released_tokenizer(folder):
    package = types.ModuleType("released")
    package.__path__ = [folder]
    sys.modules["released"] = package
    stub = types.ModuleType("released.file_utils")  # downloads, which a local vocabulary needs not
    stub.cached_path = lambda path, cache_dir=None: path
    sys.modules["released.file_utils"] = stub
    spec = importlib.util.spec_from_file_location(
        "released.tokenization", pathlib.Path(folder) / "tokenization.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vocabulary = HERE.parents[2] / "configs" / "vocab" / "bert-base-uncased.txt"
    return module.BertTokenizer(str(vocabulary), max_len=10**9)


def main():
    tokenizer = released_tokenizer(sys.argv[1])
    hashes = []
    for block in range(TEXTS // BLOCK):
        value = 0x811C9DC5
        for number in range(block * BLOCK, (block + 1) * BLOCK):
            tokens = tokenizer.tokenize(random_text(number))
            for one in tokenizer.convert_tokens_to_ids(tokens) + [0xFFFFFFFF]:
                for byte in one.to_bytes(4, "little"):
                    value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
        hashes.append(value)
    (HERE / "random_texts.json").write_text(json.dumps(hashes, separators=(",", ":")) + "\n")


main()
