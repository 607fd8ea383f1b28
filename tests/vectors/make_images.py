#!/usr/bin/env python3
"""Writes images.h: small PNG and JPEG files as Pillow saves them, and the bytes that Pillow reads back,
as (C, H, W).

    python3 tests/vectors/make_images.py > tests/vectors/images.h
"""
import io
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, features

H, W = 12, 16
ROWS, COLUMNS = np.mgrid[0:H, 0:W]
GREY = (ROWS * 20 + COLUMNS * 2).astype(np.uint8)
RGB = np.stack([ROWS * 20, COLUMNS * 15, (ROWS * COLUMNS) % 200], -1).astype(np.uint8)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def interlaced(rgb):
    """PNG with Adam7 interlacing, which Pillow reads but does not write."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    lines = b"".join(b"\0" + line.tobytes() for x, y, dx, dy in passes for line in rgb[y::dy, x::dx])
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 8, 2, 0, 0, 1)) +
            chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def show(name, data):
    print(f"static const unsigned char images_{name}[] = {{")
    for at in range(0, len(data), 12):
        print("    " + ", ".join(f"0x{byte:02x}" for byte in data[at:at + 12]) + ",")
    print("};")


def both(name, data, mode):
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert(mode))
    show(name, data)
    show(name + "_pixels", (pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1)).tobytes())


def main():
    print(f"/* Made by make_images.py with Pillow {PIL.__version__}, libjpeg-turbo "
          f"{features.version('libjpeg_turbo')}. */")
    grey, rgb = Image.fromarray(GREY), Image.fromarray(RGB)
    alpha = np.full((H, W, 1), 255, np.uint8)
    opaque = np.concatenate([RGB, alpha], -1)
    alpha[3, 4] = 7
    both("png_grey", saved(grey, "PNG"), "L")
    both("png_bits", saved(grey.point(lambda v: v > 99 and 255).convert("1"), "PNG"), "L")
    both("png_rgb", saved(rgb, "PNG"), "RGB")
    both("png_interlaced", interlaced(RGB), "RGB")
    both("png_palette", saved(rgb.quantize(16), "PNG"), "RGB")
    both("png_opaque", saved(Image.fromarray(opaque), "PNG"), "RGB")
    show("png_transparent", saved(Image.fromarray(np.concatenate([RGB, alpha], -1)), "PNG"))
    show("png_deep", saved(Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"))  # 16 bits
    both("jpeg_grey", saved(grey, "JPEG", quality=90), "L")
    both("jpeg_rgb", saved(rgb, "JPEG", quality=90, subsampling=0), "RGB")
    both("jpeg_progressive", saved(rgb, "JPEG", quality=80, subsampling=2, progressive=True), "RGB")
    show("jpeg_cmyk", saved(rgb.convert("CMYK"), "JPEG", quality=30))
    show("gif", saved(grey, "GIF"))


main()
