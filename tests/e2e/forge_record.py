#!/usr/bin/env python3
"""Changes a byte of record N of a ledger segment and makes its checksums right again (docs/protocol.md,
section 8), as somebody who owns the coordinator's disk, but not its key, would.

    forge_record.py SEGMENT N
"""
import hashlib
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def main():
    path, wanted = sys.argv[1], int(sys.argv[2])
    data = bytearray(open(path, "rb").read())
    at = 16
    for _ in range(wanted):
        at += 8 + struct.unpack_from("<I", data, at)[0] + 32
    length = struct.unpack_from("<I", data, at)[0]
    data[at + 8 + length // 2] ^= 1
    payload = bytes(data[at + 8 : at + 8 + length])
    struct.pack_into("<I", data, at + 4, crc32c(bytes(data[at : at + 4]) + payload))
    tail = hashlib.blake2b(b"panal record\0" + payload, digest_size=32).digest()
    data[at + 8 + length : at + 8 + length + 32] = tail
    open(path, "wb").write(data)


main()
