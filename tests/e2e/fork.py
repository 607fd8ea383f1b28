#!/usr/bin/env python3
"""Forks a copy of a laboratory's ledger: what more than f liars or a coordinator can do, for swarm_ledger.sh and
verifiers.sh.

    fork.py LAB SITE HEIGHT VIEW VOTER...
    fork.py LAB SITE HEIGHT                   with a coordinator

In LAB/SITE/state block HEIGHT becomes another one, made a millisecond later, in VIEW by who leads it, and voted for by
the members named; what comes after is signed anew, by who signed it before. The laboratory holds everybody's keys.
"""
import struct
import sys

from corrupt import AT, Lab, decode, digest, encode, every, get, put, put_every


def certificate(lab, height, view, voters):
    data = lab.records[height][64:]
    run, name = get(decode(data), AT["run"]), digest("block", data)
    said = [struct.pack("<I", who) + lab.precommit(who, run, height, view, name) for who in voters]
    lab.write(lab.path("certificate.%d" % (height % 2)), struct.pack("<QII", height, view, len(said)) + b"".join(said))
    lab.write(lab.path("summit"), struct.pack("<Q", height) + name)


def change_agreement(fields, number, value):
    agreement = decode(get(fields, AT["agreement"]))
    put(agreement, number, value)
    put(fields, AT["agreement"], encode(agreement))


def main():
    lab, height, view = Lab(sys.argv[1], sys.argv[2]), int(sys.argv[3]), int((sys.argv[4:] or [0])[0])
    voters = sorted(lab.number[name] for name in sys.argv[5:])
    fields, last = lab.block(height), len(lab.records) - 1
    put(fields, AT["time_ms"], get(fields, AT["time_ms"]) + 1)
    if lab.swarm:
        change_agreement(fields, 1, view)
        put(fields, AT["proposer"], lab.members[(height + view - 1) % len(lab.members)])
    name = lab.seal(height, fields)
    for index in range(height + 1, last + 1):
        fields = lab.block(index)
        if lab.swarm and index == height + 1:
            change_agreement(fields, 2, view)
            put_every(fields, AT["witnesses"], [encode([[1, who, 0], [2, bytes(64), 2]]) for who in voters])
        lab.relink(index, fields, name)
        name = lab.seal(index, fields)
    lab.save()
    if lab.swarm and height == last:
        certificate(lab, last, view, voters)
    elif lab.swarm:
        lab.vote_head()


if __name__ == "__main__":
    main()
