# SPDX-License-Identifier: Apache-2.0
"""Writes the files beside it with the programs whose formats we read.

Needs torch, numpy, safetensors and pycocotools:  python make_fixtures.py
"""

import argparse
import collections
import io
import json
import pathlib
import pickle
import zipfile

import numpy as np
import torch
from pycocotools import mask as coco_mask
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
DTYPES = {
    "float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32,
    "float64": torch.float64, "int8": torch.int8, "uint8": torch.uint8, "int16": torch.int16,
    "int32": torch.int32, "int64": torch.int64, "bool": torch.bool,
}


def tensors():
    """One tensor of every element type and every way to lie in a storage."""
    torch.manual_seed(0)
    state = collections.OrderedDict()
    for name, dtype in DTYPES.items():
        state["dtype." + name] = (torch.randn(2, 3) * 10).to(dtype)
    base = torch.arange(24, dtype=torch.float32)
    state["shared.whole"] = base
    state["shared.part"] = base[5:9]
    state["strided.transposed"] = base.view(4, 6).t()
    state["strided.steps"] = base.view(2, 3, 4)[:, ::2, 1::2]
    state["strided.expanded"] = base[:3].view(3, 1).expand(3, 4)
    state["strided.channels_last"] = torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last)
    state["scalar"] = torch.tensor(2.5)
    state["empty"] = torch.zeros(0, 3)
    state["parameter"] = torch.nn.Parameter(torch.randn(2, 2))
    state._metadata = collections.OrderedDict([("", {"version": 1})])
    return state


def write_state_dicts():
    state = tensors()
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 60)
    checkpoint = {
        "model": state,
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": scheduler.state_dict(),
        "epoch": 7,
        "args": argparse.Namespace(lr=1e-4, device="cpu", betas=(0.9, 0.999), names=["a", "b"],
                                   resume=None, output=pathlib.PosixPath("runs/one"),
                                   sizes={1, 2}),
        "val_accu": 0.8125,
    }
    torch.save(checkpoint, HERE / "state_zip.pth")
    torch.save(checkpoint, HERE / "state_legacy.pth", _use_new_zipfile_serialization=False)
    bare = collections.OrderedDict(("module." + name, value) for name, value in state.items())
    torch.save(bare, HERE / "bare_parallel.pth")
    save_file({name: value.detach().contiguous().clone() for name, value in state.items()},
              HERE / "state_expected.safetensors", metadata={"format": "pt"})
    torch.save({"complex": torch.zeros(2, dtype=torch.complex64)}, HERE / "complex.pth")
    torch.save({"sparse": torch.eye(2).to_sparse()}, HERE / "sparse.pth")
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), HERE / "script.pt")


def write_index_files():
    attributes = [("r1", ["man"]), ("r2", ["none"])]
    entries = [
        ("COCO_train2014_000000000009.jpg", "1038967.pth", [1.5, 2.25, 30.0, 40.0], "the man",
         attributes),
        ("9739.jpg", "9739_7.pth", [1, 2, 30, 40], "caf\u00e9", attributes),
    ]
    short = [("1.jpg", np.array([1, 2, 30, 40], dtype), "box of " + np.dtype(dtype).name)
             for dtype in (np.float32, np.float64, np.int32, np.int64)]
    torch.save(entries, HERE / "index_long.pth", _use_new_zipfile_serialization=False)
    torch.save(entries, HERE / "index_long_zip.pth")
    torch.save(short, HERE / "index_short.pth", _use_new_zipfile_serialization=False)


def write_references():
    references = [{
        "ref_id": 3, "ann_id": 460001, "category_id": 1, "image_id": 100667,
        "file_name": "COCO_train2014_000000100667_460001.jpg", "split": "testA", "sent_ids": [0, 1],
        "sentences": [
            {"sent_id": 0, "raw": "Dude, behind!", "sent": "dude behind", "tokens": ["dude"]},
            {"sent_id": 1, "raw": "caf\u00e9 \u732b", "sent": "caf\u00e9 \u732b", "tokens": []},
        ],
    }]
    for protocol in (0, 2, 4):
        with open(HERE / f"refs_protocol{protocol}.p", "wb") as file:
            pickle.dump(references, file, protocol=protocol)


def write_values():
    value = {
        "none": None, "true": True, "false": False, "zero": 0, "small": 200, "negative": -3,
        "medium": 70000, "big": 1 << 40, "huge": -(1 << 70), "float": -1.25, "text": "a\n\\u\u00e9\u732b",
        "bytes": b"\x00\xff", "list": [1, [2]], "tuple": (1, 2, 3, 4), "pair": (1, 2), "empty": (),
        "set": {5}, "frozen": frozenset([6]), "array": bytearray(b"xy"), "complex": 1 + 2j,
        "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
        "default": collections.defaultdict(list, {"k": [1]}),
        "namespace": argparse.Namespace(lr=0.5), "scalar": np.float64(0.75), "count": np.int32(-4),
        "matrix": np.arange(6, dtype=np.int16).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "big_endian": np.arange(3, dtype=">f8"),
    }
    for protocol in range(6):
        with open(HERE / f"values_protocol{protocol}.p", "wb") as file:
            pickle.dump(value, file, protocol=protocol)


def write_zips():
    with zipfile.ZipFile(HERE / "deflated.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "hello " * 100)
        archive.writestr("empty", "")
    with zipfile.ZipFile(HERE / "zip64.zip", "w") as archive:
        with archive.open("b.txt", "w", force_zip64=True) as file:
            file.write(b"zip64 content")
    # What a stream writes: sizes behind the data.
    class Unseekable(io.RawIOBase):
        def __init__(self):
            self.data = bytearray()
        def writable(self):
            return True
        def write(self, data):
            self.data += bytes(data)
            return len(data)
    stream = Unseekable()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("c.txt", "streamed")
    (HERE / "streamed.zip").write_bytes(bytes(stream.data))


def write_rle():
    generator = np.random.default_rng(0)
    cases = []
    for height, width, density in ((1, 1, 0.0), (1, 1, 1.0), (7, 5, 0.5), (30, 20, 0.05),
                                   (64, 48, 0.9)):
        mask = (generator.random((height, width)) < density).astype(np.uint8)
        cases.append(mask)
    block = np.zeros((300, 400), np.uint8)
    block[40:250, 100:390] = 1
    cases.append(block)
    lines = []
    for mask in cases:
        encoded = coco_mask.encode(np.asfortranarray(mask))
        runs, previous, run = [], 0, 0
        for value in mask.ravel():  # row-major run lengths, to keep the file small
            if value != previous:
                runs.append(run)
                previous, run = int(value), 0
            run += 1
        runs.append(run)
        lines.append({"height": mask.shape[0], "width": mask.shape[1], "row_major_runs": runs,
                      "counts": encoded["counts"].decode(), "area": int(mask.sum())})
    (HERE / "rle.json").write_text(json.dumps(lines, indent=0) + "\n")


if __name__ == "__main__":
    write_state_dicts()
    write_index_files()
    write_references()
    write_values()
    write_zips()
    write_rle()
