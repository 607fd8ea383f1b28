#!/usr/bin/env python3
"""Writes tests/vectors/merkle.h: hashes and trees of hashlib, as in RFC 6962, section 2.1.

    python3 tests/vectors/make_merkle.py > tests/vectors/merkle.h
"""
import hashlib
import struct

CHUNK = 1 << 20
PIECE = 1 << 16


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def domain(name, data):
    return blake(b"panal " + name + b"\0" + data)


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return blake(b"\1" + mth(leaves[:k]) + mth(leaves[k:]))


def path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return path(m, leaves[:k]) + [mth(leaves[k:])]
    return path(m - k, leaves[k:]) + [mth(leaves[:k])]


def root(size, leaves):
    return domain(b"blob", struct.pack("<Q", size) + mth(leaves))


def leaf(i):
    """Any 32 bytes do; the test makes the same."""
    return domain(b"leaf", struct.pack("<I", i))


def content(size):
    return bytes((i * 131 + (i >> 8) * 7 + 13) & 255 for i in range(size))


def blob_root(data):
    """One tree over all pieces: that chunks are its nodes is the other side's affair."""
    pieces = [data[at:at + PIECE] for at in range(0, len(data), PIECE)] or [b""]
    return root(len(data), [blake(b"\0" + piece) for piece in pieces])


def main():
    print("/* Made by tests/vectors/make_merkle.py with Python's hashlib. */")
    print("#ifndef TESTS_VECTORS_MERKLE_H\n#define TESTS_VECTORS_MERKLE_H\n")
    print("#include <stdint.h>\n")

    print("static const struct {\n    const char *domain, *text, *hash;\n} hash_vectors[] = {")
    for name, text in [("body", ""), ("body", "abc"), ("frame", "abc"), ("block", "abc"),
                       ("roster", "a" * 60)]:
        value = domain(name.encode(), text.encode()).hex()
        print(f'    {{"{name}",\n     "{text}",\n     "{value}"}},')
    print("};\n")

    print("/* The root over `count` full chunks with the leaves of the test, and all hashes of the proof")
    print(" * of `index`, hashed together (domain \"proof\"). */")
    print("static const struct {\n    uint32_t    count, index, proof_count;\n"
          "    const char *root, *proof;\n} tree_vectors[] = {")
    for count, index in [(1, 0), (2, 0), (2, 1), (3, 0), (3, 2), (4, 1), (5, 4), (6, 4), (7, 2),
                         (7, 6), (8, 5), (9, 8), (13, 12), (15, 14), (16, 3), (17, 16), (33, 31),
                         (100, 99), (255, 254), (256, 0), (257, 256), (1000, 512), (65535, 65534),
                         (65536, 40000)]:
        leaves = [leaf(i) for i in range(count)]
        proof = path(index, leaves)
        print(f'    {{{count}, {index}, {len(proof)},\n     "{root(count * CHUNK, leaves).hex()}",\n'
              f'     "{domain(b"proof", b"".join(proof)).hex()}"}},')
    print("};\n")

    print("/* Byte i is (i * 131 + (i >> 8) * 7 + 13) & 255. */")
    print("static const struct {\n    uint64_t    size;\n    const char *root;\n} blob_vectors[] = {")
    for size in [0, 1, PIECE, PIECE + 1, 5 * PIECE + 9, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK,
                 3 * CHUNK + 5, 5 * CHUNK + 7 * PIECE]:
        print(f'    {{{size}, "{blob_root(content(size)).hex()}"}},')
    print("};\n\n#endif")


main()
