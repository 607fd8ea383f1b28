#!/usr/bin/env python3
"""Writes tests/vectors/log_tree.h: RFC 9162, section 2.1, word for word, with Python's hashlib.

    python3 tests/vectors/make_log_tree.py > tests/vectors/log_tree.h
"""
import hashlib

# The first eight are those of the Certificate Transparency reference.
LEAVES = [bytes.fromhex(text) for text in [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f"]]
ALL = 17  # every proof of every tree up to this size
LARGE = [(31, 32), (32, 33), (33, 64), (63, 64), (64, 65), (100, 127), (128, 200), (1, 257),
         (255, 257), (256, 257), (512, 1000), (999, 1000)]


def block(i):
    return LEAVES[i] if i < len(LEAVES) else bytes([i & 255]) * i


def sha(data):
    return hashlib.sha256(data).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d):
    if not d:
        return sha(b"")
    if len(d) == 1:
        return sha(b"\0" + d[0])
    k = split(len(d))
    return sha(b"\1" + mth(d[:k]) + mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    if m < k:
        return path(m, d[:k]) + [mth(d[k:])]
    return path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, b):
    if m == len(d):
        return [] if b else [mth(d)]
    k = split(len(d))
    if m <= k:
        return subproof(m, d[:k], b) + [mth(d[k:])]
    return subproof(m - k, d[k:], False) + [mth(d[:k])]


def row(at, size, proof):
    together = sha(b"\0" + b"".join(proof)).hex()
    print(f'    {{{at}, {size}, {len(proof)},\n     "{together}"}},')


def main():
    print("/* Made by tests/vectors/make_log_tree.py with Python's hashlib. */")
    print("#ifndef TESTS_VECTORS_LOG_TREE_H\n#define TESTS_VECTORS_LOG_TREE_H\n")
    print("#include <stdint.h>\n")
    print(f"enum {{\n    LOG_BLOCKS = {max(n for _, n in LARGE)}\n}};\n")
    print("/* Block i is one of these, or i times the byte i & 255 from there on. */")
    print("static const char *const log_blocks[] = {")
    for leaf in LEAVES:
        print(f'    "{leaf.hex()}",')
    print("};\n")

    print("/* The root over so many blocks. */")
    print("static const struct {\n    uint64_t    size;\n    const char *root;\n} log_roots[] = {")
    blocks = [block(i) for i in range(max(n for _, n in LARGE))]
    for size in list(range(ALL + 1)) + sorted({n for _, n in LARGE}):
        print(f'    {{{size},\n     "{mth(blocks[:size]).hex()}"}},')
    print("};\n")

    print("/* A proof's number of hashes, and all of them hashed as one leaf. */")
    print("struct log_proof_vector {\n    uint64_t    at, size;\n    uint32_t    count;\n"
          "    const char *proof;\n};\n")
    print("/* Of block `at`, in the tree over `size`. */")
    print("static const struct log_proof_vector log_inclusions[] = {")
    for at, size in [(m, n) for n in range(1, ALL + 1) for m in range(n)] + LARGE:
        row(at, size, path(at, blocks[:size]))
    print("};\n")

    print("/* From the tree over `at` blocks to the tree over `size`. */")
    print("static const struct log_proof_vector log_consistencies[] = {")
    for at, size in [(m, n) for n in range(1, ALL + 1) for m in range(1, n + 1)] + LARGE:
        row(at, size, subproof(at, blocks[:size], True))
    print("};\n\n#endif")


main()
