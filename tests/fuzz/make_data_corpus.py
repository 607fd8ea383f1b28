#!/usr/bin/env python3
"""Writes the seeds of the fuzzers of data/.

    python3 tests/fuzz/make_data_corpus.py
"""
import gzip
import pathlib
import re
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def save(name, data):
    path = CORPUS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


VECTORS = CORPUS.parent.parent / "vectors"


def vectors(header):
    """The arrays of a C header: name -> bytes."""
    found = re.findall(r"(\w+)\[\] = \{(.*?)\};", (VECTORS / header).read_text(), re.S)
    return {name: bytes(int(b, 16) for b in re.findall(r"0x(\w\w)", body)) for name, body in found}


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

    save("schema/window", b"""format: csv
delimiter: " "
columns:
  - { name: g, type: group }
  - { name: v, type: numeric, count: 3, first: 0, scale: standard }
window: { length: 4, stride: 2, forecast: v1, horizon: 3 }
split: { test: 0.1, order: time }
augment: [ { kind: warp, strength: 0.1 }, { kind: noise, deviation: 1, chance: 0.5 } ]
""")
    save("schema/image", b"{ format: image, shape: [3, 8, 8], classes: [a, b], augment: [ { kind: flip },"
                         b" { kind: crop, by: 4 }, { kind: mixup, alpha: 0.2 } ] }\n")
    save("schema/npz", b"{ format: npz, shape: [8, 2], outputs: 3, layout: series, divide: 2 }\n")
    save("schema/text", "{ format: text, alphabet: \"\\n ab\u00e9\", other: true, length: 5, stride: 2 }\n"
         .encode())
    save("schema/arrays", b"{ file: a.npz, arrays: [x_train, y_train] }\n")

    arrays = vectors("arrays.h")
    for kind in ("f4", "f8", "i1", "u8", "bool", "version2", "fortran", "nan"):
        save("npy/" + kind, b"\0" + idx(arrays["arrays_" + kind], arrays["arrays_classes"]))
    save("npy/outputs", b"\1" + idx(arrays["arrays_f4"], arrays["arrays_outputs"]))
    save("npy/gzip", b"\0" + idx(gzip.compress(arrays["arrays_u1"], mtime=0), arrays["arrays_column"]))
    huge = arrays["arrays_f4"].replace(b"(4, 2, 3), }" + 9 * b" ", b"(4294967295, 2, 3), }")
    save("npy/huge", b"\0" + idx(huge, arrays["arrays_classes"].replace(b"(4,), }" + 9 * b" ",
                                                                        b"(4294967295,), }")))
    save("npy/empty", b"\0" + idx(b"", b""))
    for kind in ("stored", "deflated"):
        save("npz/" + kind, arrays[f"arrays_{kind}_npz"])
    save("npz/cut", arrays["arrays_deflated_npz"][:-30])
    lie = arrays["arrays_deflated_npz"]
    at = lie.index(b"PK\1\2") + 24
    save("npz/bomb", lie[:at] + struct.pack("<I", 0xfffffff0) + lie[at + 4:])
    save("npz/empty", b"")

    save("cifar/ten", b"\0" + bytes(i % 10 for i in range(2 * 3073)))
    save("cifar/hundred", b"\1" + bytes(i % 20 for i in range(3074)))
    save("cifar/cut", b"\0" + bytes(3000))
    save("cifar/gzip", b"\2" + gzip.compress(bytes(3074), mtime=0))

    images = vectors("images.h")
    for name, data in images.items():
        if not name.endswith("_pixels"):
            save("image/" + name.removeprefix("images_"), (b"\0" if "grey" in name else b"\1") + data)
    jpeg = bytearray(images["images_jpeg_grey"])
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at:at + 4] = b"\xff\xff\xff\xff"
    save("image/jpeg_huge", b"\0" + bytes(jpeg))
    save("image/png_cut", b"\0" + images["images_png_grey"][:40])
    save("image/empty", b"\0")

    save("text/known", "\0ab \u00e9\u20ac\U0001f36f\nabba\n".encode())
    save("text/unknown", b"\1tea eats\xc3\xa9 a neat tea\n" * 2)
    save("text/damaged", b"\0ab\xc3")
    save("text/gzip", b"\1" + gzip.compress(b"eat at ease\n", mtime=0))
    save("text/empty", b"\1")

    save("window/forecast", b"\0v\n" + b"".join(b"%d\n" % (i * i) for i in range(12)))
    save("window/missing", b"\0v,x\n1,\n2,\n,\nNaN,\n5,\n6,\n7,\n8,\n9,\n10,\n")
    save("window/groups", b"\1" + b" a 1 1 \na\t2  2\na 3 3\n\nb 1e38 -1\nb 1 1\nb 2 2\nb 3 3\n")
    save("window/labels", b"\2w,c,y\n1,a,a\n0,b,b\n2,z,a\n")
    save("window/ucr", b"\3   1.0000000e+00  -1.1e-01 2 3 4\n   2.0 1 2 3 4  \n")
    save("window/short", b"\0v\n1\n2\n")


main()
