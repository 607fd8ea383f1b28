#!/usr/bin/env python3
"""Writes the seeds of fuzz_frame, fuzz_chunk and the newer ones of fuzz_metric;
tests/vectors/make_messages.py has the others.

    python3 tests/fuzz/make_corpus.py
"""
import hashlib
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
CHUNK = 1 << 20
PIECE = 1 << 16


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def root_of(size, tree):
    return blake(b"panal blob\0" + struct.pack("<Q", size) + tree)


def chunk_node(data):
    """The tree over the pieces of a chunk whose number of pieces is a power of two."""
    level = [blake(b"\0" + data[at:at + PIECE]) for at in range(0, len(data), PIECE)]
    while len(level) > 1:
        level = [blake(b"\1" + a + b) for a, b in zip(level[::2], level[1::2])]
    return level[0]


def hashed(kind, body):
    """What the body's hash covers: of a chunk not the data, which its proof vouches for."""
    if kind != 18:
        return body
    return body[:48 + 32 * struct.unpack_from("<I", body, 44)[0]]


def frame(kind, body):
    return (struct.pack("<4sHH16sIIIIQQII32s32s", b"PNL1", 1, kind, bytes(range(16)), 1, 2, 1, 1,
                        7, 1 << 32 | 5, len(body), 0, blake(b"panal body\0" + hashed(kind, body)),
                        bytes(32)) +
            body + bytes(64))


def chunk(root, size, index, proof, data):
    return (b"\0" + root + struct.pack("<QII", size, index, len(proof)) + b"".join(proof) + data)


def metric(kind, classes, count, sums, *groups):
    """A state of nnlib/metric: kind is the place in NN_METRIC_LIST; groups map places to counts."""
    out = struct.pack("<BIQ", kind, classes, count) + struct.pack(f"<{len(sums)}d", *sums)
    for group in groups:
        out += struct.pack("<H", len(group))
        out += b"".join(struct.pack("<HI", at, n) for at, n in sorted(group.items()))
    return out


def metrics():
    shares = [0.0] * 20
    shares[3], shares[15] = 0.4, 0.8
    counts = ({0: 6, 1: 4}, {0: 7, 1: 3}, {0: 5, 1: 2})
    for name, state in {
            "f1": metric(7, 2, 10, [0.0], *counts),
            "mcc": metric(19, 2, 10, [0.0], *counts),
            "kappa_wrong": metric(20, 2, 10, [0.0], counts[0], counts[1], {0: 9}),
            "f1_macro": metric(11, 3, 3, [0.0], {0: 1, 2: 2}, {1: 3}, {}),
            "confusion": metric(21, 3, 5, [0.0], {0: 2, 4: 2, 5: 1}),
            "top3": metric(22, 7, 9, [4.0]),
            "perplexity": metric(24, 3, 4, [3.5]),
            "brier": metric(25, 3, 4, [1.5]),
            "ece": metric(26, 2, 3, shares, {3: 2}, {15: 1}),
            "ks": metric(27, 2, 3, [0.0], {500: 2}, {600: 1}),
            "gini": metric(28, 2, 3, [0.0], {600: 2}, {600: 1}),
            "mae": metric(30, 0, 3, [1.5]),
            "r2": metric(31, 0, 3, [0.5, -1e6, 2.0]),
            "smape": metric(33, 0, 3, [5.5]),
            "psnr": metric(34, 0, 3, [0.0])}.items():
        (CORPUS / "metric" / name).write_bytes(state)


def main():
    metrics()
    (CORPUS / "frame/survey").write_bytes(frame(4, b""))
    (CORPUS / "frame/accept").write_bytes(frame(7, b"\x08\x05"))
    (CORPUS / "frame/chunk").write_bytes(frame(18, bytes(53)))

    own = bytes(7 * i & 255 for i in range(CHUNK + 5))
    leaves = [chunk_node(own[:CHUNK]), chunk_node(own[CHUNK:])]
    root = root_of(len(own), blake(b"\1" + leaves[0] + leaves[1]))
    (CORPUS / "chunk/last").write_bytes(chunk(root, len(own), 1, leaves[:1], own[CHUNK:]))
    (CORPUS / "chunk/forged").write_bytes(chunk(root, len(own), 1, leaves[:1], b"wrong"))
    short = b"only one chunk"
    (CORPUS / "chunk/single").write_bytes(
        chunk(root_of(len(short), blake(b"\0" + short)), len(short), 0, [], short))
    (CORPUS / "chunk/script").write_bytes(bytes([1, 0, 1, 2, 160, 3, 9, 255, 3, 4, 255, 5, 254]))


main()
