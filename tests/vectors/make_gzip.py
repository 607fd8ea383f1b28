#!/usr/bin/env python3
"""Writes gzip.h: two halves of a small file and the whole, each one gzip member.

    python3 tests/vectors/make_gzip.py > tests/vectors/gzip.h
"""
import gzip


def main():
    print("/* Made by make_gzip.py. */")
    for name, text in [("first", b"a,b\nc"), ("second", b",d\n"), ("whole", b"a,b\nc,d\n")]:
        packed = gzip.compress(text, mtime=0)
        print(f"static const unsigned char gzip_{name}[] = {{")
        for at in range(0, len(packed), 12):
            print("    " + ", ".join(f"0x{byte:02x}" for byte in packed[at:at + 12]) + ",")
        print("};")


main()
