#!/usr/bin/env python3
"""Writes the seeds of fuzz_log, with CRC-32C and BLAKE2b of Python: also a vector for test_log.

    python3 tests/fuzz/make_log_corpus.py
"""
import hashlib
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus" / "log"


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def record(payload):
    length = struct.pack("<I", len(payload))
    digest = hashlib.blake2b(b"panal record\0" + payload, digest_size=32).digest()
    return length + struct.pack("<I", crc32c(length + payload)) + payload + digest


HEAD = b"PNLLOG1\0" + struct.pack("<Q", 0)
ONE, SECOND = record(b"one"), record(b"the second")
SEEDS = {
    "empty": HEAD,
    "two": HEAD + ONE + SECOND,
    "torn": HEAD + ONE + SECOND[:-5],
    "zeros": HEAD + ONE + bytes(100),
    "flipped": HEAD + ONE[:9] + b"X" + ONE[10:] + record(b"two"),
    "inner": HEAD + record(record(b"in") + b"tail")[:-36],
    "short_head": HEAD[:9],
    "huge_length": HEAD + b"\xff\xff\xff\xff" + bytes(range(60)),
}

CORPUS.mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (CORPUS / name).write_bytes(data)
