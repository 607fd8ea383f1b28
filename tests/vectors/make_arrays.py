#!/usr/bin/env python3
"""Writes arrays.h: small arrays as NumPy saves them, in NPY and NPZ.

    python3 tests/vectors/make_arrays.py > tests/vectors/arrays.h
"""
import io

import numpy as np
from numpy.lib import format as npy

COUNT = np.arange(24).reshape(4, 2, 3) % 7  # fits every type
CLASSES = np.array([0, 2, 1, 2])


def saved(array, version=None):
    out = io.BytesIO()
    npy.write_array(out, array, version=version)
    return out.getvalue()


def packed(save, **arrays):
    out = io.BytesIO()
    save(out, **arrays)
    return out.getvalue()


def show(name, data):
    print(f"static const unsigned char arrays_{name}[] = {{")
    for at in range(0, len(data), 12):
        print("    " + ", ".join(f"0x{byte:02x}" for byte in data[at:at + 12]) + ",")
    print("};")


def main():
    print(f"/* Made by make_arrays.py with NumPy {np.__version__}. */")
    for kind in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        show(kind, saved(COUNT.astype("<" + kind)))
    show("bool", saved(COUNT % 2 == 1))
    show("negative", saved((-COUNT).astype("<i2")))
    show("version2", saved(COUNT.astype("<f4"), (2, 0)))
    show("version3", saved(COUNT.astype("<f4"), (3, 0)))
    show("classes", saved(CLASSES.astype("<i8")))
    show("column", saved(CLASSES.astype("u1")[:, None]))
    show("outputs", saved(np.array([[0.5, -1.5], [2, 3], [4, 5], [6, 7]], "<f8")))
    show("fortran", saved(np.asfortranarray(COUNT.astype("<f4"))))
    show("big_endian", saved(COUNT.astype(">f4")))
    show("complex", saved(COUNT.astype("<c8")))
    show("records", saved(np.zeros(4, [("a", "<f4"), ("b", "<i4")])))
    show("nan", saved(np.where(COUNT == 3, np.nan, COUNT).astype("<f4")))
    show("scalar", saved(np.array(1.0, "<f4")))
    show("stored_npz", packed(np.savez, x=COUNT.astype("<f4"), y=CLASSES))
    show("deflated_npz", packed(np.savez_compressed, x=COUNT.astype("<f4"), y=CLASSES))


main()
