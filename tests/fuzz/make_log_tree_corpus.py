#!/usr/bin/env python3
"""Writes the seeds of fuzz_log_tree: proofs of RFC 9162, section 2.1, with Python's hashlib.

    python3 tests/fuzz/make_log_tree_corpus.py
"""
import hashlib
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus" / "log_tree"
BLOCKS = [bytes([i]) for i in range(32)]


def sha(data):
    return hashlib.sha256(data).digest()


def split(n):
    return 1 << (n - 1).bit_length() - 1


def mth(d):
    if len(d) == 1:
        return sha(b"\0" + d[0])
    return sha(b"\1" + mth(d[:split(len(d))]) + mth(d[split(len(d)):]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, b=True):
    if m == len(d):
        return [] if b else [mth(d)]
    k = split(len(d))
    if m <= k:
        return subproof(m, d[:k], b) + [mth(d[k:])]
    return subproof(m - k, d[k:], False) + [mth(d[:k])]


def seed(kind, place, size, value, proof):
    return struct.pack("<BQQ", kind, place, size) + value + b"".join(proof)


def block(place, size):
    return seed(0, place, size, sha(b"\0" + BLOCKS[place]), path(place, BLOCKS[:size]))


def growth(place, size):
    return seed(1, place, size, mth(BLOCKS[:place]), subproof(place, BLOCKS[:size]))


SEEDS = {
    "block_only": block(0, 1),
    "block_first": block(0, 32),
    "block_last": block(20, 21),
    "block_inner": block(9, 13),
    "block_outside": seed(0, 13, 13, sha(b"\0\0"), path(9, BLOCKS[:13])),
    "growth_none": growth(7, 7),
    "growth_nothing": seed(1, 0, 5, sha(b""), []),
    "growth_whole": growth(16, 29),
    "growth_odd": growth(7, 31),
    "growth_one": growth(31, 32),
    "huge": seed(0, 2**64 - 2, 2**64 - 1, bytes(32), [bytes(32)] * 64),
    "long": seed(1, 3, 2**63, bytes(32), [bytes(32)] * 66),
}

CORPUS.mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (CORPUS / name).write_bytes(data)
