#!/usr/bin/env python3
"""Writes the seeds of fuzz_csv, fuzz_idx and fuzz_schema.

    python3 tests/fuzz/make_data_corpus.py
"""
import gzip
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def save(name, data):
    path = CORPUS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def idx(images, labels):
    return struct.pack("<H", len(images)) + images + labels


def main():
    table = b'a,b,w,y\r\n1.5,x,1,1\r\n?,"z ""q""",2,0\r\n-9.0,1.0,0.5,0\r\n3,,1,1\r\n7,x,1,0\r\n'
    save("csv/header", b"\0" + table)
    save("csv/gzip", b"\0" + gzip.compress(table * 1, mtime=0))
    save("csv/decimal_comma", b"\1" + b"1,5;a;2\n-2,25e3;\"b\n;\";0\n" * 3)
    save("csv/tabs", b"\2\xef\xbb\xbfa\ty\n1\ta\n2.0\tb\n1\tc\n")
    save("csv/bars", b"\3" + b"1|1\n2|0\n\n274877906944|0\n" * 4)

    images = struct.pack(">IIII", 2051, 4, 2, 3) + bytes(range(24))
    labels = struct.pack(">II", 2049, 4) + bytes([0, 9, 3, 0])
    save("idx/plain", idx(images, labels))
    save("idx/gzip", idx(gzip.compress(images, mtime=0), gzip.compress(labels, mtime=0)))
    save("idx/huge", idx(struct.pack(">IIII", 2051, 0xffffffff, 2, 3), labels))

    save("schema/csv", b"""format: csv
delimiter: ";"
decimal: ","
missing: ["", "?", "-9"]
columns:
  - { name: age, type: numeric, scale: standard, indicator: true, missing: ["0"] }
  - { name: cp, type: categorical, values: ["1", "2"], other: true }
  - { name: note, type: ignore }
  - { name: w, type: weight }
  - { name: num, type: target, positive: ["1"], negative: ["0"] }
split: { validation: 0.1, test: 0.3 }
""")
    save("schema/idx", b"{ format: idx, shape: [28, 28], classes: 10, divide: 255 }\n")
    save("schema/source", b"{ images: $PANAL_DATA/i, labels: l, share: { of: 9, number: 3, kind: "
                          b"shards, seed: 1 } }\n")
    save("schema/files", b"files: [a.csv, /b.csv]\n")


main()
