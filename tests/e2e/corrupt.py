#!/usr/bin/env python3
"""Corrupts a copy of a laboratory's ledger, in one named way, for verifiers.sh.

    corrupt.py LAB SITE --list       every way, one a line: "good" or "bad", what a verifier must say, and its name
    corrupt.py LAB SITE NAME         does it to LAB/SITE/state, or to LAB/federation.yaml

The laboratory holds everybody's keys, so whatever a corruption leaves unfaulted is signed anew - the proposer's
signature, the witnesses of the next block, a swarm's votes for the newest - and one fault is left. Numbers of
fields and layouts are of docs/protocol.md.
"""
import base64
import hashlib
import math
import os
import re
import struct
import sys

from nacl.bindings import crypto_sign

ZERO = bytes(32)
AT = {"run": 2, "height": 3, "previous": 4, "roster": 5, "job": 6, "epoch": 7, "proposer": 8, "attempt": 9, "round": 10,
      "time_ms": 11, "model_in": 12, "model_out": 13, "scaling": 14, "entries": 15, "absent": 16, "metrics": 17, "witnesses": 18,
      "note": 19, "agreement": 20}


def digest(name, data):
    return hashlib.blake2b(b"panal " + name.encode() + b"\0" + data, digest_size=32).digest()


# ---- protobuf: a message is a list of [number, value]; numbers are int, doubles and bytes are bytes


def put_varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def get_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def decode(data):
    fields, at = [], 0
    while at < len(data):
        tag, at = get_varint(data, at)
        if tag & 7 == 0:
            value, at = get_varint(data, at)
        else:
            size, at = (8, at) if tag & 7 == 1 else get_varint(data, at)
            value, at = bytes(data[at : at + size]), at + size
        fields.append([tag >> 3, value, tag & 7])
    return fields


def encode(fields):
    out = b""
    for number, value, wire in fields:
        out += put_varint(number << 3 | wire)
        out += put_varint(value) if wire == 0 else (b"" if wire == 1 else put_varint(len(value))) + value
    return out


def get(fields, number):
    return next(value for at, value, _ in fields if at == number)


def put(fields, number, value):
    for field in fields:
        if field[0] == number:
            field[1] = value


def every(fields, number):
    return [value for at, value, _ in fields if at == number]


def put_every(fields, number, values):
    before = [field for field in fields if field[0] < number]
    after = [field for field in fields if field[0] > number]
    fields[:] = before + [[number, value, 2] for value in values] + after


# ---- segments


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def record(payload):
    length = struct.pack("<I", len(payload))
    return length + struct.pack("<I", crc32c(length + payload)) + payload + digest("record", payload)


def secret(folder):
    """The node key that lies there."""
    return base64.b64decode(re.search(r"secret (\S+)", Lab.read(os.path.join(folder, "node.key")).decode())[1])


class Lab:
    def __init__(self, folder, site):
        self.roster_file, self.state = os.path.join(folder, "federation.yaml"), os.path.join(folder, site, "state")
        self.segment = os.path.join(self.state, "ledger", "000000000000.seg")
        text = self.read(self.roster_file).decode()
        self.swarm = "mode: swarm" in text
        self.number = {name: int(number) for name, number in re.findall(r"  - name: (\S+)\n    number: (\d+)", text)}
        self.keys = {}
        for name, number in self.number.items():
            self.keys[number] = secret(os.path.join(folder, name, "keys"))
        self.members = sorted(self.keys)
        self.records = []
        data, at = self.read(self.segment), 16
        while at < len(data):
            length = struct.unpack_from("<I", data, at)[0]
            self.records.append(data[at + 8 : at + 8 + length])
            at += 40 + length

    @staticmethod
    def read(path):
        with open(path, "rb") as file:
            return file.read()

    def path(self, name):
        return os.path.join(self.state, name)

    def write(self, path, data):
        with open(path, "wb") as file:
            file.write(data)

    def save(self, records=None):
        records = self.records if records is None else records
        self.write(self.segment, b"PNLLOG1\0" + bytes(8) + b"".join(map(record, records)))

    def sign(self, member, domain, data):
        return crypto_sign(b"panal " + domain.encode() + b"\0" + data, self.keys[member])[:64]

    def precommit(self, member, run, height, view, block):
        return self.sign(member, "vote", run + struct.pack("<QII32sI32s", height, view, 2, block, 0, ZERO))

    def block(self, index):
        return decode(self.records[index][64:])

    def seal(self, index, fields, signer=None, raw=None):
        """Puts a block in the place of record `index`, signed by its proposer."""
        data = encode(fields) if raw is None else raw
        name = digest("block", data)
        self.records[index] = self.sign(signer or get(fields, AT["proposer"]), "block", name) + data
        return name

    def relink(self, index, fields, name):
        """The block after one that was changed names it, and its witnesses have signed it."""
        put(fields, AT["previous"], name)
        witnesses, view = [], 0
        if self.swarm:
            agreement = decode(get(fields, AT["agreement"]))
            put(agreement, 3, self.log(index))
            view = get(agreement, 2)
            put(fields, AT["agreement"], encode(agreement))
        for witness in map(decode, every(fields, AT["witnesses"])):
            who, run = get(witness, 1), get(fields, AT["run"])
            put(witness, 2, self.precommit(who, run, index - 1, view, name) if self.swarm
                else self.sign(who, "witness", name))
            witnesses.append(encode(witness))
        put_every(fields, AT["witnesses"], witnesses)

    def log(self, size):
        leaves = [hashlib.sha256(b"\0" + each[64:]).digest() for each in self.records[:size]]
        while len(leaves) > 1: # pair by pair from the left: the same tree as RFC 6962's
            pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(leaves[::2], leaves[1::2])]
            leaves = pairs + leaves[len(pairs) * 2 :]
        return leaves[0]

    def vote_head(self, voters=None, change=None):
        """Votes for the newest block as it is now, and the summit."""
        height, data = len(self.records) - 1, self.records[-1][64:]
        run, name = get(decode(data), AT["run"]), digest("block", data)
        voters = voters or self.members[: len(self.members) * 2 // 3 + 1]
        view = 1
        said = [struct.pack("<I", who) + self.precommit(who, run, height, view, name) for who in voters]
        out = struct.pack("<QII", height, view, len(said)) + b"".join(said)
        self.write(self.path("certificate.%d" % (height % 2)), change(out) if change else out)
        self.write(self.path("summit"), struct.pack("<Q", height) + name)


GOOD, BAD = "good", "bad"
WAYS = {"coordinator": {}, "swarm": {}}


def way(verdict, *modes):
    def keep(function):
        for mode in modes or WAYS:
            WAYS[mode][function.__name__] = (verdict, function)
        return function

    return keep


def flip(data, at):
    out = bytearray(data)
    out[at] ^= 64
    return bytes(out)


def flip_file(path, at):
    with open(path, "rb") as file:
        data = file.read()
    with open(path, "wb") as file:
        file.write(flip(data, at % len(data)))


# ---- nothing, and what is no fault


@way(GOOD)
def nothing(lab):
    pass


@way(GOOD)
def everything_signed_again(lab):
    change_head(lab, lambda fields: None)


@way(GOOD, "coordinator")
def end_cut_off(lab):
    lab.save(lab.records[:-1])


@way(GOOD, "coordinator")
def torn_record_at_the_end(lab):
    lab.write(lab.segment, lab.read(lab.segment) + record(b"x" * 300)[:100])


@way(GOOD)
def updates_are_gone(lab):
    for name in os.listdir(lab.path("updates")):
        os.remove(os.path.join(lab.path("updates"), name))


@way(GOOD, "swarm")
def true_conviction(lab):
    convict(lab)


@way(GOOD, "swarm")
def certificate_of_the_block_before_is_damaged(lab):
    flip_file(lab.path("certificate.%d" % (len(lab.records) % 2)), 70)


# ---- the file


def segment_fault(name, at):
    def fault(lab):
        flip_file(lab.segment, at)

    fault.__name__ = name
    way(BAD)(fault)


for label, offset in (("segment_magic", 3), ("segment_number", 8), ("length", 16), ("checksum", 20), ("signature", 30),
                      ("block", 120), ("tail", -1)):
    segment_fault("flipped_" + label, offset)


@way(BAD)
def record_removed(lab):
    lab.save(lab.records[:2] + lab.records[3:])


@way(BAD)
def records_swapped(lab):
    one, two = lab.records[2:4]
    lab.save(lab.records[:2] + [two, one] + lab.records[4:])


@way(BAD)
def record_twice(lab):
    lab.save(lab.records[:2] + lab.records[1:])


@way(BAD)
def no_records(lab):
    lab.save([])


@way(BAD, "swarm")
def rollback(lab):
    lab.save(lab.records[:-1])


@way(BAD, "swarm")
def torn_newest_record(lab):
    lab.write(lab.segment, lab.read(lab.segment)[:-50])


def bit_fault(part, parts):
    def fault(lab):
        """One bit somewhere in that part of all payloads, and checksums that fit."""
        at = sum(map(len, lab.records)) * part // parts
        index = 0
        while at >= len(lab.records[index]):
            at, index = at - len(lab.records[index]), index + 1
        lab.records[index] = flip(lab.records[index], at)
        lab.save()

    fault.__name__ = "bit_%d_of_%d" % (part, parts)
    way(BAD)(fault)


for label in range(16):
    bit_fault(label, 16)


# ---- blobs


def blob_fault(folder, *modes):
    def fault(lab):
        flip_file(os.path.join(lab.path(folder), sorted(os.listdir(lab.path(folder)))[1 if folder != "scaling" else 0]), 5)

    fault.__name__ = "flipped_in_" + folder
    way(BAD, *modes)(fault)


for label in "models", "updates", "scaling":
    blob_fault(label)
blob_fault("reports", "swarm")


@way(BAD)
def update_in_the_place_of_another(lab):
    folder = lab.path("updates")
    one, two = sorted(os.listdir(folder))[:2]
    lab.write(os.path.join(folder, one), lab.read(os.path.join(folder, two)))


# ---- the last round, signed and voted for by everybody: only its numbers can tell


def last_round(lab):
    return lab.block(len(lab.records) - 2)


def end_round(lab, fields):
    """The last round as it is now, and the finish block after it."""
    index = len(lab.records) - 2
    name = lab.seal(index, fields)
    head = lab.block(index + 1)
    put(head, AT["model_in"], get(fields, AT["model_out"]))
    put(head, AT["model_out"], get(fields, AT["model_out"]))
    lab.relink(index + 1, head, name)
    finish(lab, head)


def path_of(lab, folder, blob):
    return lab.path(folder + "/" + get(decode(blob), 2).hex())


def invent_model(lab, change):
    fields = last_round(lab)
    data = change(lab.read(path_of(lab, "models", get(fields, AT["model_out"]))))
    leaf = hashlib.blake2b(b"\0" + data, digest_size=32).digest()
    root = digest("blob", struct.pack("<Q", len(data)) + leaf)
    lab.write(lab.path("models/" + root.hex()), data)
    put(fields, AT["model_out"], encode([[1, len(data), 0], [2, root, 2]]))
    end_round(lab, fields)


def add_to_the_first(value):
    return lambda data: struct.pack("<f", struct.unpack_from("<f", data)[0] + value) + data[4:]


def forget_updates(lab, kept=0):
    """Of the last round, all but so many."""
    for entry in every(last_round(lab), AT["entries"])[kept:]:
        os.remove(path_of(lab, "updates", get(decode(entry), 3)))


def change_entry(lab, number, change):
    fields = last_round(lab)
    change_part(fields, "entries", 0, number, change)
    end_round(lab, fields)


@way(BAD)
def model_is_not_the_mean(lab):
    invent_model(lab, lambda data: flip(data, 0))


@way(GOOD)
def model_is_not_the_mean_and_nobody_can_tell(lab):
    """As docs/threats.md says: a small change, and all updates are gone."""
    invent_model(lab, lambda data: flip(data, 0))
    forget_updates(lab)


@way(BAD)
def model_moved_a_little_and_one_update_is_gone(lab):
    invent_model(lab, add_to_the_first(0.05))
    forget_updates(lab, 2)


@way(BAD)
def model_moved_too_far_and_all_updates_are_gone(lab):
    invent_model(lab, add_to_the_first(50))
    forget_updates(lab)


@way(BAD)
def model_of_no_finite_numbers(lab):
    invent_model(lab, lambda data: struct.pack("<f", math.inf) + data[4:])
    forget_updates(lab)


@way(GOOD)
def all_but_one_update_are_gone(lab):
    forget_updates(lab, 1)


@way(GOOD)
def models_are_gone(lab):
    for name in os.listdir(lab.path("models")):
        os.remove(os.path.join(lab.path("models"), name))


@way(BAD)
def norm_changed(lab):
    change_entry(lab, 4, lambda norm: flip(norm, 0))


@way(BAD)
def norm_changed_and_the_models_are_gone(lab):
    change_entry(lab, 4, lambda norm: flip(norm, 0))
    models_are_gone(lab)


def claim(lab, number, value):
    """Something too large of the first update, which is gone, as are the models; its member signed it."""
    models_are_gone(lab)
    forget_updates(lab)
    fields = last_round(lab)
    change_part(fields, "entries", 0, number, lambda _: value)
    entry, before = decode(every(fields, AT["entries"])[0]), decode(get(fields, AT["model_in"]))
    blob = decode(get(entry, 3))
    said = get(fields, AT["run"]) + struct.pack(
        "<QIQ32sQ32sQ", get(fields, AT["round"]), get(entry, 1), get(before, 1), get(before, 2), get(blob, 1),
        get(blob, 2), get(entry, 2))
    change_part(fields, "entries", 0, 5, lambda _: lab.sign(get(entry, 1), "update", said))
    end_round(lab, fields)


@way(BAD)
def norm_above_the_jobs(lab):
    claim(lab, 4, struct.pack("<d", 90.5))


@way(GOOD)
def norm_as_large_as_the_jobs(lab):
    claim(lab, 4, struct.pack("<d", 90))


@way(BAD)
def norm_above_any(lab):
    os.remove(lab.path("job.yaml"))
    claim(lab, 4, struct.pack("<d", 1e6))


@way(BAD)
def weight_above_the_jobs(lab):
    claim(lab, 2, 900001)


@way(GOOD)
def weight_as_large_as_the_jobs(lab):
    claim(lab, 2, 900000)


# ---- the newest block, otherwise well signed


def finish(lab, fields, signer=None, raw=None):
    lab.seal(-1, fields, signer, raw)
    lab.save()
    if lab.swarm:
        lab.vote_head()


def change_head(lab, change):
    fields = lab.block(-1)
    change(fields)
    finish(lab, fields)


def head_fault(name, change, *modes):
    def fault(lab):
        change_head(lab, change)

    fault.__name__ = name
    way(BAD, *modes)(fault)


def bump(name):
    return lambda fields: put(fields, AT[name], get(fields, AT[name]) + 1)


def garble(name):
    return lambda fields: put(fields, AT[name], flip(get(fields, AT[name]), 0))


for label in "height", "epoch", "round":
    head_fault("other_" + label, bump(label))
for label in "run", "previous", "roster", "job":
    head_fault("other_" + label, garble(label))


HALF = struct.pack("<d", 0.5)
METRIC = encode([[1, b"a_metric", 2], [2, HALF, 1], [3, 7, 0]])


def other_blob(fields, *names):
    for name in names:
        blob = decode(get(fields, AT[name]))
        put(blob, 2, flip(get(blob, 2), 9))
        put(fields, AT[name], encode(blob))


head_fault("other_scaling", lambda fields: other_blob(fields, "scaling"))
head_fault("other_model", lambda fields: other_blob(fields, "model_in", "model_out"))
head_fault("finish_that_changes_the_model", lambda fields: other_blob(fields, "model_out"))
head_fault("unknown_field", lambda fields: fields.append([21, 1, 0]))
head_fault("missing_field", lambda fields: fields.remove(next(field for field in fields if field[0] == AT["epoch"])))
head_fault("fields_out_of_order", lambda fields: fields.insert(2, fields.pop(3)))
head_fault("field_twice", lambda fields: fields.insert(3, list(fields[2])))
head_fault("note_with_a_control", lambda fields: put(fields, AT["note"], b"the end\x1b[2J"))
head_fault("note_not_utf8", lambda fields: put(fields, AT["note"], b"\xed\xa0\x80"))
head_fault("witness_garbled", lambda fields: change_part(fields, "witnesses", 0, 2, lambda value: flip(value, 40)))
head_fault("witnesses_swapped", lambda fields: swap(fields, "witnesses"))
head_fault("witness_is_a_stranger", lambda fields: change_part(fields, "witnesses", -1, 1, lambda value: 999))
head_fault("metric_twice", lambda fields: put_every(fields, AT["metrics"], [METRIC] * 2))
head_fault("metric_not_finite", lambda fields: put_every(fields, AT["metrics"], [METRIC.replace(HALF, HALF[:6] + b"\xf0\x7f")]))


def change_part(fields, name, index, number, change):
    parts = every(fields, AT[name])
    part = decode(parts[index])
    put(part, number, change(get(part, number)))
    parts[index] = encode(part)
    put_every(fields, AT[name], parts)


def swap(fields, name):
    parts = every(fields, AT[name])
    put_every(fields, AT[name], [parts[1], parts[0]] + parts[2:])


@way(BAD)
def number_longer_than_needed(lab):
    fields = lab.block(-1)
    raw = encode(fields)
    finish(lab, fields, raw=b"\x08\x83\x00" + raw[2:])


@way(BAD)
def not_signed_by_its_proposer(lab):
    fields = lab.block(-1)
    finish(lab, fields, signer=next(who for who in lab.members if who != get(fields, AT["proposer"])))


@way(BAD)
def wrong_proposer(lab):
    fields = lab.block(-1)
    put(fields, AT["proposer"], next(who for who in lab.members if who != get(fields, AT["proposer"])))
    finish(lab, fields)


@way(BAD)
def foreign_block(lab):
    """A block of the other kind of federation, in the place of the newest."""
    fields = lab.block(-1)
    put_every(fields, AT["agreement"], [] if lab.swarm else [encode(
        [[1, 1, 0], [2, 1, 0], [3, lab.log(len(lab.records) - 1), 2]])])
    finish(lab, fields)


@way(BAD)
def commitment_garbled(lab):
    index = len(lab.records) - 2
    fields, head = lab.block(index), lab.block(index + 1)
    change_part(fields, "entries", 0, 5, lambda value: flip(value, 3))
    lab.relink(index + 1, head, lab.seal(index, fields))
    finish(lab, head)


@way(BAD)
def weight_changed(lab):
    index = len(lab.records) - 2
    fields, head = lab.block(index), lab.block(index + 1)
    change_part(fields, "entries", 0, 2, lambda value: value + 1)
    lab.relink(index + 1, head, lab.seal(index, fields))
    finish(lab, head)


# ---- what only a swarm has


def agreement_fault(name, change):
    def fault(fields):
        agreement = decode(get(fields, AT["agreement"]))
        change(agreement)
        put(fields, AT["agreement"], encode(agreement))

    head_fault(name, fault, "swarm")


def change_report(agreement, number, change):
    reports = every(agreement, 4)
    report = decode(reports[-1])
    put(report, number, change(get(report, number)))
    put_every(agreement, 4, reports[:-1] + [encode(report)])


agreement_fault("other_view", lambda agreement: put(agreement, 1, get(agreement, 1) + 1))
agreement_fault("no_view", lambda agreement: put(agreement, 1, 0))
agreement_fault("other_witness_view", lambda agreement: put(agreement, 2, get(agreement, 2) + 1))
agreement_fault("log_garbled", lambda agreement: put(agreement, 3, flip(get(agreement, 3), 0)))
agreement_fault("report_garbled", lambda agreement: change_report(agreement, 3, lambda value: flip(value, 1)))
agreement_fault("report_of_a_stranger", lambda agreement: change_report(agreement, 1, lambda value: 999))
head_fault("too_few_witnesses", lambda fields: put_every(fields, AT["witnesses"], every(fields, AT["witnesses"])[:2]), "swarm")


def convict(lab, who=None, height=None, signer=None, run=None, blocks=(b"a" * 32, b"b" * 32)):
    """Two precommits of a member, the first one, at a height, the newest; `signer` has another key."""
    fields = lab.block(-1)
    who, height = who or lab.members[0], height or get(fields, AT["height"])
    pair = []
    for number, block in enumerate(blocks):
        signature = lab.precommit(who if signer is None else signer, run or get(fields, AT["run"]), height, 1, block)
        vote = [[1, height, 0], [2, who, 0], [3, 1, 0], [4, 2, 0], [5, block, 2], [6, 0, 0], [7, ZERO, 2], [8, signature, 2]]
        pair.append([number + 1, encode(vote), 2])
    agreement = decode(get(fields, AT["agreement"]))
    put_every(agreement, 5, [encode(pair)])
    put(fields, AT["agreement"], encode(agreement))
    finish(lab, fields)


@way(BAD, "swarm")
def conviction_signed_by_another(lab):
    convict(lab, signer=lab.members[1])


@way(BAD, "swarm")
def conviction_of_another_run(lab):
    convict(lab, run=bytes(16))


@way(BAD, "swarm")
def conviction_of_one_vote(lab):
    convict(lab, blocks=(b"a" * 32, b"a" * 32))


@way(BAD, "swarm")
def votes_for_the_head_garbled(lab):
    lab.vote_head(change=lambda data: flip(data, 50))


@way(BAD, "swarm")
def votes_for_the_head_too_few(lab):
    lab.vote_head(lab.members[: len(lab.members) * 2 // 3])


@way(BAD, "swarm")
def votes_for_the_head_of_one_member(lab):
    lab.vote_head([lab.members[0]] * len(lab.members))


@way(BAD, "swarm")
def votes_for_the_head_of_another_height(lab):
    lab.vote_head(change=lambda data: struct.pack("<Q", struct.unpack_from("<Q", data)[0] + 2) + data[8:])


@way(BAD, "swarm")
def votes_for_the_head_with_more_behind(lab):
    lab.vote_head(change=lambda data: data + b"\0")


@way(BAD, "swarm")
def votes_for_the_head_gone(lab):
    os.remove(lab.path("certificate.%d" % ((len(lab.records) - 1) % 2)))


@way(BAD, "swarm")
def summit_is_higher(lab):
    lab.write(lab.path("summit"), struct.pack("<Q", len(lab.records)) + ZERO)


@way(BAD, "swarm")
def summit_is_another_block(lab):
    flip_file(lab.path("summit"), 20)


# ---- the roster


@way(BAD)
def roster_changed(lab):
    text = lab.read(lab.roster_file)
    lab.write(lab.roster_file, re.sub(rb"(?m)^expires: \d{4}", b"expires: 2999", text))


@way(BAD)
def roster_signatures_gone(lab):
    folder = os.path.dirname(lab.roster_file)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".minisig"):
            os.remove(os.path.join(folder, name))
            return


@way(BAD)
def roster_signature_garbled(lab):
    folder = os.path.dirname(lab.roster_file)
    name = sorted(name for name in os.listdir(folder) if name.endswith(".minisig"))[0]
    data = lab.read(os.path.join(folder, name)).replace(b"signed by", b"signed bY")
    lab.write(os.path.join(folder, name), data)


def main():
    lab = Lab(sys.argv[1], sys.argv[2])
    ways = WAYS["swarm" if lab.swarm else "coordinator"]
    if sys.argv[3] == "--list":
        for name, (verdict, _) in ways.items():
            print(verdict, name)
    else:
        ways[sys.argv[3]][1](lab)


if __name__ == "__main__":
    main()
