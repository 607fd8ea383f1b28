#!/usr/bin/env python3
"""Small conversations for fuzz_engine.c: each kind of message once, at several points of a run."""
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "engine")
GREET, NOW, OWN = 1, 2, 32


def frame(kind, flags, body=b"", steps=0):
    return bytes([kind - 1, flags | steps << 2, 1, 1]) + len(body).to_bytes(2, "little") + body


def talk(to_node, progress, *frames):
    return bytes([(1 if to_node else 0) | progress << 1]) + b"".join(frames)


def all_of(kinds):
    return [frame(k, (GREET if i == 0 else 0) | NOW | OWN, bytes([1, 0, 3, 2, 1, 1, 1, 1]), 1)
            for i, k in enumerate(kinds)]


member = [3, 5, 7, 9, 11, 13, 15, 16, 17, 18]
hub = [2, 4, 6, 8, 10, 12, 14, 17, 18]
os.makedirs(FOLDER, exist_ok=True)
for progress in (1, 3, 5, 7):
    for name, to_node, kinds in (("member", False, member), ("hub", True, hub)):
        with open(os.path.join(FOLDER, f"{name}-{progress}"), "wb") as file:
            file.write(talk(to_node, progress, *all_of(kinds)))
