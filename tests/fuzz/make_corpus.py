#!/usr/bin/env python3
"""Writes the seeds of fuzz_frame and fuzz_chunk; tests/vectors/make_messages.py has the others.

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


def main():
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
