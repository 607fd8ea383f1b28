#!/usr/bin/env python3
"""Writes the seeds of fuzz_proof: edits of good files (see there), and texts.

    python3 tests/fuzz/make_proof_corpus.py
"""
import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus" / "proof"


def edits(which, *pairs):
    return bytes([which]) + b"".join(struct.pack("<HB", at, ord(to)) for at, to in pairs)


def text(**parts):
    return json.dumps({"panal_proof": 1, **parts, "path": parts.get("path", [])}).encode()


HASH, RECORD, SIGNATURE = "0123456789abcdef" * 4, "QUJD" * 40, "A" * 86 + "=="
HEAD = {"height": 3, "log": [HASH, HASH], "records": [RECORD]}
VOTES = {"view": 1, "witnesses": [{"member": who, "signature": SIGNATURE} for who in (1, 2, 3)]}
SEEDS = {
    **{"good_%d" % which: edits(which) for which in range(4)},
    **{"edit_%d" % which: edits(which, (40 + 90 * which, "7"), (200, "A")) for which in range(4)},
    "empty": text(),
    "block": text(block={**HEAD, "log": []}),
    "swarm_block": text(block=HEAD, head={**HEAD, "height": 5}, votes=VOTES, path=[HASH] * 3),
    "growth": text(since={"size": 4, "root": HASH}, head=HEAD),
    "swarm_growth": text(since={"size": 2, "root": HASH}, head=HEAD, votes=VOTES, path=[HASH]),
    "records": text(head={"height": 0, "log": [], "records": [RECORD] * 20}),
    "large": text(since={"size": 2**40 - 1, "root": HASH}, head={**HEAD, "height": 2**40 - 1, "log": [HASH] * 40}),
    "path": text(path=[HASH] * 65),
    "yaml": b"panal_proof: 1\npath: []\nsince: { size: 3, root: " + HASH.encode() + b" }\n",
    "checkpoint": b"12:" + HASH.encode(),
}

CORPUS.mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (CORPUS / name).write_bytes(data)
