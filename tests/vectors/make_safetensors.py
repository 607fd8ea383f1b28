#!/usr/bin/env python3
"""Model files: one written by the safetensors package for us to read, one written by us for it to read.

    python3 tests/vectors/make_safetensors.py write   # tests/vectors/theirs.safetensors
    python3 tests/vectors/make_safetensors.py check   # reads tests/vectors/ours.safetensors
"""
import pathlib
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).parent


def tensors():
    return {
        "fc1.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "fc1.bias": np.array([0.5, -0.25], dtype=np.float32),
        "scale": np.array(3.5, dtype=np.float32),
    }


META = {"panal.round": "7", "panal.note": 'a "quoted" é'}


def main():
    if sys.argv[1] == "write":
        save_file(tensors(), FOLDER / "theirs.safetensors", metadata=META)
        return
    with safe_open(FOLDER / "ours.safetensors", framework="np") as f:
        assert f.metadata() == META, f.metadata()
        assert sorted(f.keys()) == sorted(tensors()), f.keys()
        for name, expected in tensors().items():
            seen = f.get_tensor(name)
            assert seen.dtype == np.float32 and seen.shape == expected.shape, name
            assert np.array_equal(seen, expected), name
    print("ours.safetensors: ok")


if __name__ == "__main__":
    main()
