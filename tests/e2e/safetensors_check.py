#!/usr/bin/env python3
"""Reads a model file as its format says (https://github.com/huggingface/safetensors, "Format") and compares
every number with the coordinator's own copy of the model, which is plain little-endian float32.

    safetensors_check.py FILE.safetensors STATE-DIRECTORY

With the packages safetensors and numpy the numbers are read by the library that PyTorch uses; without
them, by the standard library alone.
"""
import json
import math
import os
import struct
import sys


def header_of(data):
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size])
    return header.pop("__metadata__", {}), header, 8 + size


def read_plain(data, header, start):
    for name, about in header.items():
        begin, end = about["data_offsets"]
        yield name, about["shape"], struct.unpack(f"<{(end - begin) // 4}f", data[start + begin : start + end])


def read_library(path):
    import numpy
    from safetensors.numpy import load_file

    for name, tensor in load_file(path).items():
        if tensor.dtype != numpy.float32:
            sys.exit(f"{name} is {tensor.dtype}, expected float32")
        yield name, list(tensor.shape), tensor.ravel().tolist()


def main():
    path, state = sys.argv[1:]
    with open(path, "rb") as file:
        data = file.read()
    metadata, header, start = header_of(data)
    with open(os.path.join(state, "models", metadata["model"]), "rb") as file:
        raw = file.read()
    theta = struct.unpack(f"<{len(raw) // 4}f", raw)

    by = "the library safetensors"
    try:
        tensors = list(read_library(path))
    except ImportError:
        by = "the standard library"
        tensors = list(read_plain(data, header, start))

    covered = 0
    for name, shape, values in tensors:
        about = header[name]
        begin = about["data_offsets"][0] // 4
        if about["dtype"] != "F32" or about["shape"] != shape or math.prod(shape) != len(values):
            sys.exit(f"{name}: {about} does not describe {len(values)} numbers of shape {shape}")
        if struct.pack(f"<{len(values)}f", *values) != raw[4 * begin : 4 * (begin + len(values))]:
            sys.exit(f"{name}: other numbers than in {metadata['model']}")
        covered += len(values)
    if covered != len(theta) or len(data) - start != len(raw):
        sys.exit(f"{covered} numbers in the file, {len(theta)} in the model")
    print(f"{covered} numbers in {len(tensors)} tensors, read by {by}")


main()
