#!/usr/bin/env python3
"""What proofs.sh needs of Python, its standard library only; from docs/protocol.md, section 8, and RFC 9162.

    proofs.py checkpoint STATE SIZE      SIZE:ROOT over the first SIZE blocks of a state directory
    proofs.py inclusion STATE PROOF      does the proof's path lead from its block to the root over all blocks?
    proofs.py changes PROOF FOLDER       writes a copy of the file for each single change of it into FOLDER
"""
import base64
import copy
import hashlib
import json
import pathlib
import struct
import sys


def sha(data):
    return hashlib.sha256(data).digest()


def leaves_of(state):
    out = []
    for name in sorted((pathlib.Path(state) / "ledger").glob("*.seg")):
        data, at = name.read_bytes(), 16
        while at < len(data):
            length = struct.unpack_from("<I", data, at)[0]
            out.append(sha(b"\0" + data[at + 8 + 64 : at + 8 + length]))
            at += 40 + length
    return out


def root_of(leaves):
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1" + root_of(leaves[:left]) + root_of(leaves[left:]))


def climb(index, size, leaf, path):
    """RFC 9162, 2.1.3.2: where the path leads, or None."""
    node, last, top = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            top = sha(b"\1" + step + top)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            top = sha(b"\1" + top + step)
        node, last = node >> 1, last >> 1
    return top if last == 0 else None


def leaf_places(value, at=()):
    if isinstance(value, dict):
        for key in value:
            yield from leaf_places(value[key], at + (key,))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaf_places(item, at + (i,))
    else:
        yield at


def parts(value, at=()):
    """Everything that can be left out, or stand there twice."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield at, key
        if isinstance(value[key], (dict, list)):
            yield from parts(value[key], at + (key,))


def inside(value, at):
    for key in at:
        value = value[key]
    return value


def other(value, where):
    if isinstance(value, int):
        return value + 1
    i = int((len(value) - 3) * where)
    return value[:i] + ("1" if value[i] == "0" else "0") + value[i + 1 :]


def changes(proof):
    for at in leaf_places(proof):
        for where in (0, 0.13, 0.5, 0.77, 1):
            changed = copy.deepcopy(proof)
            holder = inside(changed, at[:-1])
            holder[at[-1]] = other(holder[at[-1]], where)
            yield changed
    for at, key in parts(proof):
        changed = copy.deepcopy(proof)
        # Without the last of several blocks a coordinator's proof is a good one, of less.
        if "votes" in proof or at[-1:] != ("records",) or key == 0 or key < len(inside(proof, at)) - 1:
            del inside(changed, at)[key]
            yield changed
        changed = copy.deepcopy(proof)
        holder = inside(changed, at)
        if isinstance(holder, list):
            holder.insert(key, holder[key])
        else:
            holder[key + "x"] = holder[key]
        yield changed
    for at, key in parts(proof):
        if isinstance(inside(proof, at), list) and key > 0:
            changed = copy.deepcopy(proof)
            holder = inside(changed, at)
            holder[key], holder[key - 1] = holder[key - 1], holder[key]
            yield changed


def main():
    command, first, second = sys.argv[1:]
    if command == "checkpoint":
        size = int(second)
        print("%d:%s" % (size, root_of(leaves_of(first)[:size]).hex()))
    elif command == "inclusion":
        proof, leaves = json.loads(pathlib.Path(second).read_text()), leaves_of(first)
        height = proof["block"]["height"]
        leaf = sha(b"\0" + base64.b64decode(proof["block"]["records"][0])[64:])
        path = [bytes.fromhex(step) for step in proof["path"]]
        sys.exit(climb(height, len(leaves), leaf, path) != root_of(leaves))
    else:
        proof = json.loads(pathlib.Path(first).read_text())
        for i, changed in enumerate(changes(proof)):
            (pathlib.Path(second) / ("%04d.json" % i)).write_text(json.dumps(changed))


if __name__ == "__main__":
    main()
